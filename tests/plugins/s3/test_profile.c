/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/s3/profile.h"

#include "tests/kit/unit.h"
#include "tests/plugins/s3/bed.h"

#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>

/* Reads the profile of a config file; "" for no name. */
static void read_config(struct profile *profile, const char *text, const char *name)
{
    struct sf_error err = SF_ERROR_INIT;

    bed_environment();
    unit_write(".aws/config", text, -1);
    ck_assert_msg(profile_read(profile, name, &err) == 0, "%s", err.text);
}

static void check(const struct profile *profile, const char *key, const char *expected)
{
    const char *value = profile_value(profile, key);

    if (expected == NULL)
        ck_assert_msg(value == NULL, "%s is '%s'", key, value);
    else
        ck_assert_msg(value != NULL && strcmp(value, expected) == 0, "%s is '%s', not '%s'", key,
                      value != NULL ? value : "(none)", expected);
}

START_TEST(keys_and_values)
{
    SF_AUTO(profile) profile = {NULL};

    read_config(&profile,
                "region = before-any-section\n"
                "[default]\n"
                "# a comment\n"
                "; another\n"
                "   # an indented one\n"
                "\n"
                "region=eu-west-1\n"
                "AWS_Access_Key_Id   =\t AKID \t\n"
                "aws_secret_access_key = a=b/c+d==\n"
                "spaced = one two\n"
                "commented = value # why\n"
                "hash = a#b;c\n"
                "credential_process = sh -c 'a ; b # c'\n"
                "empty =\n"
                "only_comment = # nothing\n"
                "no equals sign\n"
                "= no key\n"
                "last = 1\n"
                "last = 2",
                NULL);
    ck_assert_str_eq(profile.name, "default");
    check(&profile, "region", "eu-west-1");
    check(&profile, "aws_access_key_id", "AKID");
    check(&profile, "aws_secret_access_key", "a=b/c+d==");
    check(&profile, "spaced", "one two");
    check(&profile, "commented", "value");
    check(&profile, "hash", "a#b;c");
    check(&profile, "credential_process", "sh -c 'a ; b # c'");
    check(&profile, "empty", NULL);
    check(&profile, "only_comment", NULL);
    check(&profile, "", NULL);
    check(&profile, "last", "2");
    ck_assert_uint_eq(profile.count, 8);
    ck_assert_ptr_eq(profile_find(&profile, "region")->file, profile.config_file);
}
END_TEST

START_TEST(nested_settings_are_skipped)
{
    SF_AUTO(profile) profile = {NULL};

    read_config(&profile,
                "[default]\n"
                "s3 =\n"
                "    region = nested\n"
                "\n"
                "    # still nested\n"
                "    [not a section]\n"
                "    addressing_style = path\n"
                "output = json\n"
                "    region = continued\n"
                "endpoint_url = https://h\n",
                NULL);
    check(&profile, "region", NULL);
    check(&profile, "addressing_style", NULL);
    check(&profile, "output", "json");
    check(&profile, "endpoint_url", "https://h");
}
END_TEST

START_TEST(a_section_may_be_indented_as_a_whole)
{
    SF_AUTO(profile) profile = {NULL};

    read_config(
        &profile,
        "[other]\n[default]\n  region = r\n  s3 =\n      region = nested\n  output = json\n  [profile x]\n  region = x\n",
        NULL);
    check(&profile, "region", "r");
    check(&profile, "output", "json");
}
END_TEST

START_TEST(windows_line_ends_and_byte_order_mark)
{
    SF_AUTO(profile) profile = {NULL};

    read_config(&profile, "\xef\xbb\xbf[default]\r\nregion = r\r\n\r\ns3 =\r\n  a = b\r\noutput = json\r\n", NULL);
    check(&profile, "region", "r");
    check(&profile, "output", "json");
    check(&profile, "s3", NULL);
}
END_TEST

START_TEST(sections_of_the_config_file)
{
    static const char text[] = "[default]\nregion = d\n"
                               "[profile one]\nregion = 1\n"
                               "[ profile\ttwo ] # said so\nregion = 2\n"
                               "[profile \"three and more\"]\nregion = 3\n"
                               "[one]\nregion = wrong\n"
                               "[sso-session one]\nregion = wrong\n"
                               "[profile onetwo]\nregion = wrong\n"
                               "[profile one\n"
                               "region = wrong\n"
                               "[profile one]\noutput = json\n";
    static const struct {
        const char *name, *region;
    } cases[] = {{NULL, "d"}, {"default", "d"}, {"one", "1"}, {"two", "2"}, {"three and more", "3"}};
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        SF_AUTO(profile) profile = {NULL};

        read_config(&profile, text, cases[i].name);
        check(&profile, "region", cases[i].region);
        check(&profile, "output", i == 2 ? "json" : NULL);
    }
}
END_TEST

START_TEST(the_credentials_file_comes_first)
{
    SF_AUTO(profile) profile = {NULL};

    unit_write(
        ".aws/credentials",
        "[backup]\naws_access_key_id = from-credentials\n[profile backup]\nregion = wrong\n[default]\noutput = x\n",
        -1);
    read_config(&profile, "[profile backup]\naws_access_key_id = from-config\nregion = r\n", "backup");
    check(&profile, "aws_access_key_id", "from-credentials");
    check(&profile, "region", "r");
    check(&profile, "output", NULL);
    ck_assert_ptr_eq(profile_find(&profile, "aws_access_key_id")->file, profile.credentials_file);
    ck_assert_str_eq(profile.credentials_file, bed_path(".aws/credentials"));
}
END_TEST

START_TEST(the_environment_names_profile_and_files)
{
    SF_AUTO(profile) profile = {NULL};
    struct sf_error err = SF_ERROR_INIT;

    bed_environment();
    unit_write("elsewhere/keys", "[named]\nregion = credentials\n", -1);
    unit_write("elsewhere/settings", "[profile named]\noutput = config\n", -1);
    setenv("AWS_PROFILE", "named", 1);
    setenv("AWS_SHARED_CREDENTIALS_FILE", "~/elsewhere/keys", 1);
    setenv("AWS_CONFIG_FILE", bed_path("elsewhere/settings"), 1);
    ck_assert_msg(profile_read(&profile, NULL, &err) == 0, "%s", err.text);
    ck_assert_str_eq(profile.name, "named");
    check(&profile, "region", "credentials");
    check(&profile, "output", "config");
}
END_TEST

START_TEST(empty_variables_are_none)
{
    SF_AUTO(profile) profile = {NULL};

    bed_environment();
    setenv("AWS_PROFILE", "", 1);
    setenv("AWS_CONFIG_FILE", "", 1);
    unit_write(".aws/config", "[default]\nregion = r\n", -1);
    ck_assert_int_eq(profile_read(&profile, NULL, &(struct sf_error)SF_ERROR_INIT), 0);
    check(&profile, "region", "r");
}
END_TEST

START_TEST(without_home_the_user_data_base_has_it)
{
    SF_AUTO(profile) profile = {NULL};
    const struct passwd *user = getpwuid(getuid());
    SF_AUTO(buf) expected = BUF_INIT;

    bed_environment();
    setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere", 1);
    unsetenv("HOME");
    ck_assert_ptr_nonnull(user);
    buf_printf(&expected, "%s/.aws/config", user->pw_dir);
    ck_assert_int_eq(profile_read(&profile, NULL, &(struct sf_error)SF_ERROR_INIT), 0);
    ck_assert_str_eq(profile.config_file, buf_text(&expected));
}
END_TEST

START_TEST(a_missing_default_is_empty)
{
    SF_AUTO(profile) profile = {NULL};

    bed_environment();
    ck_assert_int_eq(profile_read(&profile, NULL, &(struct sf_error)SF_ERROR_INIT), 0);
    ck_assert_uint_eq(profile.count, 0);
    ck_assert_ptr_null(profile_find(&profile, "region"));
    ck_assert_str_eq(profile.config_file, bed_path(".aws/config"));
}
END_TEST

START_TEST(a_missing_named_one_is_an_error)
{
    SF_AUTO(profile) profile = {NULL};
    struct sf_error err = SF_ERROR_INIT;

    bed_environment();
    unit_write(".aws/config", "[profile there]\nregion = r\n", -1);
    ck_assert_int_eq(profile_read(&profile, "nobody", &err), -1);
    ck_assert_int_eq(err.cls, SF_AUTH);
    bed_has(err.text, "[profile nobody] in ");
    bed_has(err.text, bed_path(".aws/credentials"));
    setenv("AWS_PROFILE", "somebody", 1);
    ck_assert_int_eq(profile_read(&profile, NULL, &err), -1);
    bed_has(err.text, "[somebody] in ");
    ck_assert_ptr_null(profile.name);
}
END_TEST

START_TEST(a_file_that_cannot_be_read_is_an_error)
{
    SF_AUTO(profile) profile = {NULL};
    struct sf_error err = SF_ERROR_INIT;

    bed_environment();
    ck_assert_int_eq(mkdir(bed_path(".aws"), 0700), 0);
    ck_assert_int_eq(mkdir(bed_path(".aws/config"), 0700), 0);
    ck_assert_int_eq(profile_read(&profile, NULL, &err), -1);
    ck_assert_int_eq(err.status, EISDIR);
    bed_has(err.text, bed_path(".aws/config"));
}
END_TEST

START_TEST(a_file_beyond_reason_is_an_error)
{
    SF_AUTO(profile) profile = {NULL};
    struct sf_error err = SF_ERROR_INIT;
    static char large[1 << 20];

    bed_environment();
    memset(large, '#', sizeof(large));
    unit_write(".aws/config", large, sizeof(large));
    ck_assert_int_eq(profile_read(&profile, NULL, &err), -1);
    ck_assert_int_eq(err.cls, SF_INVALID);
}
END_TEST

UNIT_MAIN("s3/profile", &keys_and_values, &nested_settings_are_skipped, &a_section_may_be_indented_as_a_whole,
          &windows_line_ends_and_byte_order_mark, &sections_of_the_config_file, &the_credentials_file_comes_first,
          &the_environment_names_profile_and_files, &empty_variables_are_none, &without_home_the_user_data_base_has_it,
          &a_missing_default_is_empty, &a_missing_named_one_is_an_error, &a_file_that_cannot_be_read_is_an_error,
          &a_file_beyond_reason_is_an_error)
