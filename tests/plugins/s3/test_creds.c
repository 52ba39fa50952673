/* SPDX-License-Identifier: Apache-2.0
 *
 * Which source is chosen, and what is refused. What changes with time: test_creds_renew.c.
 */
#include "plugins/s3/creds.h"

#include "tests/kit/unit.h"
#include "tests/plugins/s3/bed.h"

#include <string.h>
#include <sys/stat.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Opens with the profile that name says, as the plugin does. */
static int open_creds(struct creds **creds, struct bed *bed, struct creds_options options, const char *name,
                      struct sf_error *err)
{
    SF_AUTO(profile) profile = {NULL};

    if (profile_read(&profile, name, err) < 0)
        return -1;
    options.profile = &profile;
    options.host = &bed->host;
    return creds_open(creds, &bed->call, &options, err);
}

/* The source, and "ID SECRET TOKEN". */
static void check(struct bed *bed, struct creds_options options, const char *name, const char *source,
                  const char *expected)
{
    struct creds *creds;
    struct sign_credentials found;
    struct sf_error err = SF_ERROR_INIT;
    SF_AUTO(buf) text = BUF_INIT;

    ck_assert_msg(open_creds(&creds, bed, options, name, &err) == 0, "%s", err.text);
    ck_assert_msg(creds_get(creds, &bed->call, &found, &err) == 0, "%s", err.text);
    buf_printf(&text, "%s %s %s", found.access_key_id, found.secret,
               found.session_token != NULL ? found.session_token : "-");
    ck_assert_str_eq(buf_text(&text), expected);
    ck_assert_str_eq(creds_source(creds), source);
    sign_credentials_cleanup(&found);
    creds_close(creds);
}

static void check_refused(struct bed *bed, struct creds_options options, const char *name, int cls, const char *part)
{
    struct creds *creds = NULL;
    struct sf_error err = SF_ERROR_INIT;

    ck_assert_int_eq(open_creds(&creds, bed, options, name, &err), -1);
    ck_assert_msg(err.cls == cls, "class %d: %s", err.cls, err.text);
    bed_has(err.text, part);
    bed_has_not(err.text, "hunter2"); /* what all secrets here are called */
    ck_assert_ptr_null(creds);
}

static const struct creds_options nothing = {.access_key_id = NULL};

static const char *in_file(const char *what, const char *name)
{
    static char text[1024];

    snprintf(text, sizeof(text), "%s in %s", what, bed_path(name));
    return text;
}

static void set_environment(void)
{
    setenv("AWS_ACCESS_KEY_ID", "ENVID", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "hunter2-env", 1);
}

/* --- the order */

START_TEST(the_config_comes_first)
{
    SF_AUTO(bed) bed;
    struct creds_options options = {.access_key_id = "CONFIGID", .secret_access_key = "hunter2"};

    bed_init(&bed);
    set_environment();
    setenv("AWS_SESSION_TOKEN", "of-the-environment", 1);
    check(&bed, options, NULL, "access_key_id of the config", "CONFIGID hunter2 -");
    options.session_token = "token";
    check(&bed, options, NULL, "access_key_id of the config", "CONFIGID hunter2 token");
}
END_TEST

START_TEST(then_the_environment)
{
    SF_AUTO(bed) bed;

    bed_init(&bed);
    unit_write(".aws/credentials", "[default]\naws_access_key_id = FILEID\naws_secret_access_key = hunter2\n", -1);
    set_environment();
    check(&bed, nothing, NULL, "AWS_ACCESS_KEY_ID of the environment", "ENVID hunter2-env -");
    setenv("AWS_SESSION_TOKEN", "token", 1);
    check(&bed, nothing, NULL, "AWS_ACCESS_KEY_ID of the environment", "ENVID hunter2-env token");
    setenv("AWS_ACCESS_KEY_ID", "", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "", 1);
    check(&bed, nothing, NULL, in_file("profile 'default'", ".aws/credentials"), "FILEID hunter2 -");
}
END_TEST

START_TEST(then_the_profile)
{
    SF_AUTO(bed) bed;

    bed_init(&bed);
    unit_write(".aws/credentials",
               "[backup]\naws_access_key_id = FILEID\naws_secret_access_key = hunter2\naws_session_token = token\n",
               -1);
    unit_write(
        ".aws/config",
        "[profile backup]\naws_access_key_id = CONFID\naws_secret_access_key = hunter2\ncredential_process = false\n"
        "[profile plain]\naws_access_key_id = PLAINID\naws_secret_access_key = hunter2-plain\n"
        "[profile process]\ncredential_process = "
        "printf '%s' '{\"Version\":1,\"AccessKeyId\":\"PROCID\",\"SecretAccessKey\":\"hunter2\"}'\n",
        -1);
    check(&bed, nothing, "backup", in_file("profile 'backup'", ".aws/credentials"), "FILEID hunter2 token");
    check(&bed, nothing, "plain", in_file("profile 'plain'", ".aws/config"), "PLAINID hunter2-plain -");
    check(&bed, nothing, "process", in_file("credential_process of profile 'process'", ".aws/config"),
          "PROCID hunter2 -");
}
END_TEST

START_TEST(anonymous_only_if_the_config_says_so)
{
    SF_AUTO(bed) bed;

    bed_init(&bed);
    set_environment();
    check(&bed, (struct creds_options){.anonymous = true}, NULL, "anonymous of the config", "  -");
    check_refused(&bed,
                  (struct creds_options){.anonymous = true, .access_key_id = "ID", .secret_access_key = "hunter2"},
                  NULL, SF_INVALID, "anonymous");
}
END_TEST

START_TEST(nothing_anywhere_names_every_place)
{
    SF_AUTO(bed) bed;

    bed_init(&bed);
    unit_write(".aws/config", "[default]\nregion = r\n", -1);
    check_refused(&bed, nothing, NULL, SF_AUTH, "no access_key_id in the config");
    check_refused(&bed, nothing, NULL, SF_AUTH, "no AWS_ACCESS_KEY_ID in the environment");
    check_refused(&bed, nothing, NULL, SF_AUTH,
                  in_file("profile 'default'", ".aws/credentials") + sizeof("profile 'default' in ") - 1);
    check_refused(&bed, nothing, NULL, SF_AUTH, bed_path(".aws/config"));
    setenv("AWS_WEB_IDENTITY_TOKEN_FILE", "/var/run/token", 1);
    check_refused(&bed, nothing, NULL, SF_AUTH, "AWS_WEB_IDENTITY_TOKEN_FILE is not supported, credential_process can");
}
END_TEST

/* --- halves */

START_TEST(half_a_pair_ends_the_search)
{
    SF_AUTO(bed) bed;

    bed_init(&bed);
    unit_write(".aws/credentials",
               "[default]\naws_access_key_id = FILEID\naws_secret_access_key = hunter2\n"
               "[id]\naws_access_key_id = FILEID\n"
               "[secret]\naws_secret_access_key = hunter2\n"
               "[torn]\naws_access_key_id = FILEID\n",
               -1);
    unit_write(".aws/config", "[profile torn]\naws_secret_access_key = hunter2\n", -1);
    check_refused(&bed, (struct creds_options){.access_key_id = "ID"}, NULL, SF_AUTH,
                  "the config has access_key_id, but no secret_access_key");
    check_refused(&bed, (struct creds_options){.secret_access_key = "hunter2"}, NULL, SF_AUTH,
                  "the config has secret_access_key, but no access_key_id");
    check_refused(&bed, (struct creds_options){.session_token = "hunter2"}, NULL, SF_AUTH,
                  "the config has session_token, but no");
    check_refused(&bed, nothing, "id", SF_AUTH, "has aws_access_key_id, but no aws_secret_access_key");
    check_refused(&bed, nothing, "secret", SF_AUTH, "has aws_secret_access_key, but no aws_access_key_id");
    check_refused(&bed, nothing, "torn", SF_AUTH, "has aws_access_key_id, but no aws_secret_access_key");
    setenv("AWS_ACCESS_KEY_ID", "ENVID", 1);
    check_refused(&bed, nothing, NULL, SF_AUTH, "the environment has AWS_ACCESS_KEY_ID, but no AWS_SECRET_ACCESS_KEY");
    unsetenv("AWS_ACCESS_KEY_ID");
    setenv("AWS_SECRET_ACCESS_KEY", "hunter2", 1);
    check_refused(&bed, nothing, NULL, SF_AUTH, "the environment has AWS_SECRET_ACCESS_KEY, but no AWS_ACCESS_KEY_ID");
}
END_TEST

START_TEST(a_token_goes_with_its_own_keys)
{
    SF_AUTO(bed) bed;

    bed_init(&bed);
    unit_write(".aws/credentials", "[default]\naws_access_key_id = FILEID\naws_secret_access_key = hunter2\n", -1);
    unit_write(".aws/config", "[default]\naws_session_token = of-other-keys\n", -1);
    check(&bed, nothing, NULL, in_file("profile 'default'", ".aws/credentials"), "FILEID hunter2 -");
}
END_TEST

START_TEST(keys_that_no_request_could_carry)
{
    static char long_id[130], long_secret[258];
    SF_AUTO(bed) bed;

    bed_init(&bed);
    memset(long_id, 'A', sizeof(long_id) - 1);
    memset(long_secret, 'S', sizeof(long_secret) - 1);
    check_refused(&bed, (struct creds_options){.access_key_id = long_id, .secret_access_key = "hunter2"}, NULL, SF_AUTH,
                  "more than 128 characters");
    check_refused(&bed, (struct creds_options){.access_key_id = "ID", .secret_access_key = long_secret}, NULL, SF_AUTH,
                  "more than 256 characters");
    check_refused(&bed, (struct creds_options){.access_key_id = "ID", .secret_access_key = "hunter2\n"}, NULL, SF_AUTH,
                  "access_key_id of the config: the keys have a line end");
    check_refused(&bed, (struct creds_options){.access_key_id = "I D", .secret_access_key = "hunter2"}, NULL, SF_AUTH,
                  "copied whole");
    check_refused(&bed, (struct creds_options){.access_key_id = "", .secret_access_key = "hunter2"}, NULL, SF_AUTH,
                  "the access key id is empty");
    check_refused(&bed,
                  (struct creds_options){
                      .access_key_id = "ID", .secret_access_key = "hunter2", .session_token = "a\r\nx-evil: 1"},
                  NULL, SF_AUTH, "copied whole");
    long_id[128] = '\0';
    long_secret[256] = '\0';
    {
        SF_AUTO(buf) expected = BUF_INIT;

        buf_printf(&expected, "%s %s -", long_id, long_secret);
        check(&bed, (struct creds_options){.access_key_id = long_id, .secret_access_key = long_secret}, NULL,
              "access_key_id of the config", buf_text(&expected));
    }
}
END_TEST

/* --- profiles of other kinds */

START_TEST(what_is_not_supported_is_named)
{
    static const char *const kinds[] = {"role_arn",   "sso_session",  "sso_start_url", "web_identity_token_file",
                                        "mfa_serial", "login_session"};
    SF_AUTO(bed) bed;
    size_t i;

    bed_init(&bed);
    for (i = 0; i < COUNT(kinds); i++) {
        SF_AUTO(buf) config = BUF_INIT;
        SF_AUTO(buf) expected = BUF_INIT;

        buf_printf(&config, "[profile work]\n%s = value\n", kinds[i]);
        unit_write(".aws/config", buf_text(&config), -1);
        buf_printf(
            &expected,
            "profile 'work' in %s has %s, which is not supported: a profile with credential_process can do it, as "
            "`aws configure export-credentials --profile work --format process`",
            bed_path(".aws/config"), kinds[i]);
        check_refused(&bed, nothing, "work", SF_AUTH, buf_text(&expected));
        /* keys beside it are those that may take the role, not those to work with */
        buf_add_text(&config, "aws_access_key_id = FILEID\naws_secret_access_key = hunter2\n");
        unit_write(".aws/config", buf_text(&config), -1);
        if (strcmp(kinds[i], "mfa_serial") != 0)
            check_refused(&bed, nothing, "work", SF_AUTH, buf_text(&expected));
        else
            check(&bed, nothing, "work", in_file("profile 'work'", ".aws/config"), "FILEID hunter2 -");
    }
}
END_TEST

START_TEST(but_the_way_out_may_stand_beside_it)
{
    SF_AUTO(bed) bed;

    bed_init(&bed);
    unit_write(".aws/config",
               "[profile work]\nsso_session = s\ncredential_process = "
               "echo '{\"Version\":1,\"AccessKeyId\":\"PROCID\",\"SecretAccessKey\":\"hunter2\"}'\n",
               -1);
    check(&bed, nothing, "work", in_file("credential_process of profile 'work'", ".aws/config"), "PROCID hunter2 -");
}
END_TEST

START_TEST(a_file_that_others_can_read_is_worth_a_warning)
{
    SF_AUTO(bed) bed;
    SF_AUTO(buf) expected = BUF_INIT;

    bed_init(&bed);
    unit_write(".aws/credentials", "[default]\naws_access_key_id = FILEID\naws_secret_access_key = hunter2\n", -1);
    ck_assert_int_eq(chmod(bed_path(".aws/credentials"), 0600), 0);
    check(&bed, nothing, NULL, in_file("profile 'default'", ".aws/credentials"), "FILEID hunter2 -");
    ck_assert_str_eq(buf_text(&bed.log), "");
    ck_assert_int_eq(chmod(bed_path(".aws/credentials"), 0640), 0);
    check(&bed, nothing, NULL, in_file("profile 'default'", ".aws/credentials"), "FILEID hunter2 -");
    buf_printf(&expected, "%d %s has a secret key in it and can be read by others: chmod 600\n", SF_LOG_WARNING,
               bed_path(".aws/credentials"));
    ck_assert_str_eq(buf_text(&bed.log), buf_text(&expected));
}
END_TEST

/* --- credential_process: the command, and its answer */

static void write_process(const char *command)
{
    SF_AUTO(buf) config = BUF_INIT;

    buf_printf(&config, "[default]\ncredential_process = %s\n", command);
    unit_write(".aws/config", buf_text(&config), -1);
}

START_TEST(the_command_is_split_as_a_shell_would)
{
    /* each prints its arguments as the secret, joined by '|' */
    static const struct {
        const char *arguments, *secret;
    } lines[] = {
        {"a b", "a|b"},
        {"  a   b\t c ", "a|b|c"},
        {"'a b' \"c d\"", "a b|c d"},
        {"a' 'b\" \"c", "a b c"},
        {"a\\ b c\\'d", "a b|c'd"},
        {"\"a\\$b \\` \\x\" '$HOME `id` \\'", "a$b ` \\x|$HOME `id` \\"},
        {"$HOME ~ * ; & >x", "$HOME|~|*|;|&|>x"},
        {"'' \"\" a", "||a"},
    };
    static const char script[] =
        "#!/bin/sh\nIFS='|'\nprintf '%s' '{\"Version\":1,\"AccessKeyId\":\"ID\",\"SecretAccessKey\":\"'\n"
        "printf '%s' \"$*\" | sed 's/\\\\/\\\\\\\\/g'\nprintf '\"}'\n";
    SF_AUTO(bed) bed;
    size_t i;

    bed_init(&bed);
    unit_write("my tools/print", script, -1);
    ck_assert_int_eq(chmod(bed_path("my tools/print"), 0700), 0);
    for (i = 0; i < COUNT(lines); i++) {
        SF_AUTO(buf) command = BUF_INIT;
        SF_AUTO(buf) expected = BUF_INIT;

        buf_printf(&command, "\"%s\" %s", bed_path("my tools/print"), lines[i].arguments);
        write_process(buf_text(&command));
        buf_printf(&expected, "ID %s -", lines[i].secret);
        check(&bed, nothing, NULL, in_file("credential_process of profile 'default'", ".aws/config"),
              buf_text(&expected));
    }
}
END_TEST

START_TEST(answers)
{
    static const struct {
        const char *json, *message; /* NULL: fine */
    } cases[] = {
        {"{\"Version\":1,\"AccessKeyId\":\"ID\",\"SecretAccessKey\":\"hunter2\"}", NULL},
        {"{\"Version\":1,\"AccessKeyId\":\"ID\",\"SecretAccessKey\":\"hunter2\",\"SessionToken\":null,\"Expiration\":null,"
         "\"More\":[]}",
         NULL},
        {"{\"Version\":1,\"AccessKeyId\":\"ID\",\"SecretAccessKey\":\"hunter2\",\"SessionToken\":\"\"}", NULL},
        {"{\"Version\":1,\"AccessKeyId\":\"ID\",\"SecretAccessKey\":\"hunter2\",\"Expiration\":\"2999-01-01T00:00:00Z\"}",
         NULL},
        {"{\"Version\":1,\"AccessKeyId\":\"ID\",\"SecretAccessKey\":\"hunter2\",\"Expiration\":\"2999-01-01T00:00:00+00:00\"}",
         NULL},
        {"", "it printed nothing"},
        {"hunter2", "its answer is no JSON, at line 1"},
        {"{\"SecretAccessKey\":\"hunter2\" oops}", "its answer is no JSON"},
        {"[\"hunter2\"]", "is no JSON object"},
        {"{\"AccessKeyId\":\"ID\",\"SecretAccessKey\":\"hunter2\"}", "Version in its answer is not 1"},
        {"{\"Version\":2,\"AccessKeyId\":\"ID\",\"SecretAccessKey\":\"hunter2\"}", "Version in its answer is not 1"},
        {"{\"Version\":\"1\",\"AccessKeyId\":\"ID\",\"SecretAccessKey\":\"hunter2\"}",
         "Version in its answer is not 1"},
        {"{\"Version\":1,\"SecretAccessKey\":\"hunter2\"}", "its answer has no AccessKeyId"},
        {"{\"Version\":1,\"AccessKeyId\":\"ID\"}", "its answer has no SecretAccessKey"},
        {"{\"Version\":1,\"AccessKeyId\":\"ID\",\"SecretAccessKey\":12}", "SecretAccessKey in its answer is no text"},
        {"{\"Version\":1,\"AccessKeyId\":\"\",\"SecretAccessKey\":\"hunter2\"}", "the access key id is empty"},
        {"{\"Version\":1,\"AccessKeyId\":\"ID\",\"SecretAccessKey\":\"hunter2\",\"SessionToken\":[]}",
         "SessionToken in its answer is no text"},
        {"{\"Version\":1,\"AccessKeyId\":\"ID\",\"SecretAccessKey\":\"hunter2\",\"SessionToken\":\"a\\nb\"}",
         "copied whole"},
        {"{\"Version\":1,\"AccessKeyId\":\"ID\",\"SecretAccessKey\":\"hunter2\",\"Expiration\":\"soon\"}",
         "Expiration in its answer is no time: 'soon'"},
        {"{\"Version\":1,\"AccessKeyId\":\"ID\",\"SecretAccessKey\":\"hunter2\",\"Expiration\":\"2999-01-01T00:00:00+0100\"}",
         "Expiration in its answer is no time"},
        {"{\"Version\":1,\"AccessKeyId\":\"ID\",\"SecretAccessKey\":\"hunter2\",\"Expiration\":\"2999-01-01T00:00:00+01:0\"}",
         "Expiration in its answer is no time"},
        {"{\"Version\":1,\"AccessKeyId\":\"ID\",\"SecretAccessKey\":\"hunter2\",\"Expiration\":1234567890}",
         "Expiration in its answer is no text"},
        {"{\"Version\":1,\"AccessKeyId\":\"ID\",\"SecretAccessKey\":\"hunter2\",\"Expiration\":\"2020-01-01T00:00:00Z\"}",
         "have expired already, at 2020-01-01T00:00:00Z"},
    };
    SF_AUTO(bed) bed;
    size_t i;

    bed_init(&bed);
    for (i = 0; i < COUNT(cases); i++) {
        SF_AUTO(buf) command = BUF_INIT;

        unit_write("answer", cases[i].json, -1);
        buf_printf(&command, "cat '%s'", bed_path("answer"));
        write_process(buf_text(&command));
        if (cases[i].message == NULL) {
            check(&bed, nothing, NULL, in_file("credential_process of profile 'default'", ".aws/config"),
                  "ID hunter2 -");
        } else {
            check_refused(&bed, nothing, NULL, SF_AUTH, cases[i].message);
            check_refused(&bed, nothing, NULL, SF_AUTH,
                          in_file("credential_process of profile 'default'", ".aws/config"));
        }
    }
}
END_TEST

START_TEST(commands_that_fail)
{
    SF_AUTO(bed) bed;

    bed_init(&bed);
    write_process("no-such-program-anywhere --password hunter2");
    check_refused(&bed, nothing, NULL, SF_AUTH, "no-such-program-anywhere cannot be run");
    write_process("sh -c 'echo log in first >&2; exit 2' hunter2");
    check_refused(&bed, nothing, NULL, SF_AUTH, "sh ended with status 2: log in first");
    write_process("sh -c 'hunter2");
    check_refused(&bed, nothing, NULL, SF_AUTH, "a quote in the command is not closed");
    write_process("head -c 65537 /dev/zero");
    check_refused(&bed, nothing, NULL, SF_AUTH, "head printed 65537 bytes or more");
    write_process("head -c 65536 /dev/zero");
    check_refused(&bed, nothing, NULL, SF_AUTH, "its answer is no JSON");
    atomic_store(&bed.cancelled, 1);
    write_process("sleep 1000");
    check_refused(&bed, nothing, NULL, SF_CANCELLED, "sleep: cancelled");
}
END_TEST

UNIT_MAIN("s3/creds", &the_config_comes_first, &then_the_environment, &then_the_profile,
          &anonymous_only_if_the_config_says_so, &nothing_anywhere_names_every_place, &half_a_pair_ends_the_search,
          &a_token_goes_with_its_own_keys, &keys_that_no_request_could_carry, &what_is_not_supported_is_named,
          &but_the_way_out_may_stand_beside_it, &a_file_that_others_can_read_is_worth_a_warning,
          &the_command_is_split_as_a_shell_would, &answers, &commands_that_fail)
