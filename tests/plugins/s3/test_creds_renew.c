/* SPDX-License-Identifier: Apache-2.0
 *
 * Credentials that end. The program of these tests counts how often it was asked, and answers what the file "answer" says, in which
 * COUNT stands for that number.
 */
#include "plugins/s3/creds.h"

#include "base/clock.h"
#include "tests/kit/unit.h"
#include "tests/plugins/s3/bed.h"

#include <pthread.h>
#include <string.h>
#include <sys/stat.h>

static const char program[] = "#!/bin/sh\n"
                              "cd \"$(dirname \"$0\")\" || exit 9\n"
                              "echo asked >>asked\n"
                              "while [ -e hold ]; do sleep 0.01; done\n"
                              "[ ! -e fail ] || { echo no luck >&2; exit 1; }\n"
                              "sed \"s/COUNT/$(wc -l <asked)/\" answer\n";

struct renew_bed {
    struct bed bed;
    struct profile profile;
    struct creds *creds;
};

static void renew_bed_cleanup(struct renew_bed *renew)
{
    creds_close(renew->creds);
    profile_cleanup(&renew->profile);
    bed_cleanup(&renew->bed);
}

/* in_ms: from now; 0: no Expiration */
static void set_answer(int64_t in_ms)
{
    char expiration[CLOCK_TEXT];
    SF_AUTO(buf) answer = BUF_INIT;

    buf_add_text(&answer,
                 "{\"Version\":1,\"AccessKeyId\":\"IDCOUNT\",\"SecretAccessKey\":\"hunter2\",\"SessionToken\":\"t\"");
    if (in_ms != 0)
        buf_printf(&answer, ",\"Expiration\":\"%s\"", clock_text(clock_wall_ms() + in_ms, expiration));
    buf_add_text(&answer, "}\n");
    unit_write("answer", buf_text(&answer), -1);
}

static void open_renew(struct renew_bed *renew, int64_t in_ms)
{
    struct creds_options options = {.profile = &renew->profile, .host = &renew->bed.host};
    struct sf_error err = SF_ERROR_INIT;
    SF_AUTO(buf) config = BUF_INIT;

    *renew = (struct renew_bed){.creds = NULL};
    bed_init(&renew->bed);
    unit_write("program", program, -1);
    ck_assert_int_eq(chmod(bed_path("program"), 0700), 0);
    buf_printf(&config, "[default]\ncredential_process = '%s'\n", bed_path("program"));
    unit_write(".aws/config", buf_text(&config), -1);
    set_answer(in_ms);
    ck_assert_msg(profile_read(&renew->profile, NULL, &err) == 0, "%s", err.text);
    ck_assert_msg(creds_open(&renew->creds, &renew->bed.call, &options, &err) == 0, "%s", err.text);
}

static void check_id(struct renew_bed *renew, const char *expected)
{
    struct sign_credentials found;
    struct sf_error err = SF_ERROR_INIT;

    ck_assert_msg(creds_get(renew->creds, &renew->bed.call, &found, &err) == 0, "%s", err.text);
    ck_assert_str_eq(found.access_key_id, expected);
    ck_assert_str_eq(found.session_token, "t");
    sign_credentials_cleanup(&found);
}

static size_t times_asked(void)
{
    struct stat st;

    return stat(bed_path("asked"), &st) == 0 ? (size_t)st.st_size / strlen("asked\n") : 0;
}

#define SOON_MS (CREDS_EARLY_MS / 2)
#define LATER_MS (CREDS_EARLY_MS * 10)

START_TEST(without_expiration_it_is_asked_once)
{
    SF_AUTO(renew_bed) renew;

    open_renew(&renew, 0);
    check_id(&renew, "ID1");
    check_id(&renew, "ID1");
    ck_assert_uint_eq(times_asked(), 1);
}
END_TEST

START_TEST(long_before_the_end_it_is_not_asked)
{
    SF_AUTO(renew_bed) renew;

    open_renew(&renew, LATER_MS);
    check_id(&renew, "ID1");
    ck_assert_uint_eq(times_asked(), 1);
}
END_TEST

START_TEST(early_before_the_end_it_is_asked_again)
{
    SF_AUTO(renew_bed) renew;

    open_renew(&renew, SOON_MS);
    set_answer(LATER_MS);
    check_id(&renew, "ID2");
    check_id(&renew, "ID2");
    ck_assert_uint_eq(times_asked(), 2);
    ck_assert_str_eq(buf_text(&renew.bed.log), "");
}
END_TEST

START_TEST(an_answer_that_ends_soon_too_is_used_and_not_asked_for_at_every_request)
{
    SF_AUTO(renew_bed) renew;

    open_renew(&renew, SOON_MS);
    check_id(&renew, "ID2");
    check_id(&renew, "ID2");
    check_id(&renew, "ID2");
    ck_assert_uint_eq(times_asked(), 2);
}
END_TEST

START_TEST(a_renewal_that_fails_early_is_one_warning)
{
    SF_AUTO(renew_bed) renew;

    open_renew(&renew, SOON_MS);
    unit_write("fail", "", -1);
    check_id(&renew, "ID1");
    check_id(&renew, "ID1");
    ck_assert_uint_eq(times_asked(), 2);
    bed_has(buf_text(&renew.bed.log), "1 credentials could not be renewed, the old ones are used until they expire: "
                                      "credential_process of profile 'default'");
    bed_has(buf_text(&renew.bed.log), "program ended with status 1: no luck\n");
    ck_assert_ptr_eq(strchr(buf_text(&renew.bed.log), '\n'), buf_text(&renew.bed.log) + renew.bed.log.length - 1);
}
END_TEST

START_TEST(once_expired_a_failure_is_an_error)
{
    SF_AUTO(renew_bed) renew;
    struct sign_credentials found;
    struct sf_error err = SF_ERROR_INIT;
    int64_t end;

    open_renew(&renew, 4000); /* long enough that it is not over before the first look at it, on a slow machine too */
    end = clock_wall_ms() + 4000;
    unit_write("fail", "", -1);
    while (clock_wall_ms() <= end)
        clock_sleep_ms(50);
    ck_assert_int_eq(creds_get(renew.creds, &renew.bed.call, &found, &err), -1);
    ck_assert_int_eq(err.cls, SF_AUTH);
    bed_has(err.text, "no luck");
    ck_assert_int_eq(unlink(bed_path("fail")), 0);
    set_answer(LATER_MS);
    check_id(&renew, "ID3");
}
END_TEST

struct getter {
    struct renew_bed *renew;
    char id[32];
};

static void *get_one(void *arg)
{
    struct getter *getter = arg;
    struct sign_credentials found;
    struct sf_error err = SF_ERROR_INIT;

    if (creds_get(getter->renew->creds, &getter->renew->bed.call, &found, &err) == 0) {
        snprintf(getter->id, sizeof(getter->id), "%.16s", found.access_key_id);
        sign_credentials_cleanup(&found);
    }
    return NULL;
}

START_TEST(others_go_on_with_the_old_ones_meanwhile)
{
    SF_AUTO(renew_bed) renew;
    struct getter getter = {.renew = &renew};
    pthread_t thread;

    open_renew(&renew, SOON_MS);
    set_answer(LATER_MS);
    unit_write("hold", "", -1);
    ck_assert_int_eq(pthread_create(&thread, NULL, get_one, &getter), 0);
    while (times_asked() < 2)
        usleep(1000);
    check_id(&renew, "ID1");
    check_id(&renew, "ID1");
    ck_assert_int_eq(unlink(bed_path("hold")), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_str_eq(getter.id, "ID2");
    check_id(&renew, "ID2");
    ck_assert_uint_eq(times_asked(), 2);
}
END_TEST

/* --- refused by the store */

START_TEST(refused_ones_are_asked_for_anew_once)
{
    SF_AUTO(renew_bed) renew;
    struct sign_credentials refused;
    struct sf_error err = SF_ERROR_INIT;

    open_renew(&renew, 0);
    ck_assert_int_eq(creds_get(renew.creds, &renew.bed.call, &refused, &err), 0);
    ck_assert_int_eq(creds_renew(renew.creds, &renew.bed.call, &refused, &err), 1);
    check_id(&renew, "ID2");
    ck_assert_int_eq(creds_renew(renew.creds, &renew.bed.call, &refused, &err), 1); /* there are newer ones already */
    ck_assert_uint_eq(times_asked(), 2);
    sign_credentials_cleanup(&refused);
}
END_TEST

START_TEST(the_same_answer_is_nothing_new)
{
    SF_AUTO(renew_bed) renew;
    struct sign_credentials refused;
    struct sf_error err = SF_ERROR_INIT;

    open_renew(&renew, 0);
    unit_write("answer",
               "{\"Version\":1,\"AccessKeyId\":\"ID1\",\"SecretAccessKey\":\"hunter2\",\"SessionToken\":\"t\"}", -1);
    ck_assert_int_eq(creds_get(renew.creds, &renew.bed.call, &refused, &err), 0);
    ck_assert_int_eq(creds_renew(renew.creds, &renew.bed.call, &refused, &err), 0);
    unit_write("fail", "", -1);
    ck_assert_int_eq(creds_renew(renew.creds, &renew.bed.call, &refused, &err), -1);
    ck_assert_int_eq(err.cls, SF_AUTH);
    sign_credentials_cleanup(&refused);
}
END_TEST

/* Opens what the options say, and renews what it gives after the file got other keys. */
static int renew_after_a_change(struct bed *bed, struct creds_options options, struct sign_credentials *after)
{
    SF_AUTO(profile) profile = {NULL};
    struct creds *creds;
    struct sign_credentials refused;
    struct sf_error err = SF_ERROR_INIT;
    int result;

    unit_write(".aws/credentials", "[default]\naws_access_key_id = OLD\naws_secret_access_key = hunter2\n", -1);
    ck_assert_int_eq(profile_read(&profile, NULL, &err), 0);
    options.profile = &profile;
    options.host = &bed->host;
    ck_assert_msg(creds_open(&creds, &bed->call, &options, &err) == 0, "%s", err.text);
    ck_assert_int_eq(creds_get(creds, &bed->call, &refused, &err), 0);
    unit_write(".aws/credentials", "[default]\naws_access_key_id = NEW\naws_secret_access_key = hunter2\n", -1);
    result = creds_renew(creds, &bed->call, &refused, &err);
    ck_assert_int_eq(creds_get(creds, &bed->call, after, &err), 0);
    sign_credentials_cleanup(&refused);
    creds_close(creds);
    return result;
}

START_TEST(other_programs_write_new_keys_into_the_file)
{
    SF_AUTO(bed) bed;
    struct sign_credentials after;

    bed_init(&bed);
    ck_assert_int_eq(renew_after_a_change(&bed, (struct creds_options){.access_key_id = NULL}, &after), 1);
    ck_assert_str_eq(after.access_key_id, "NEW");
}
END_TEST

START_TEST(the_config_has_no_others)
{
    SF_AUTO(bed) bed;
    struct sign_credentials after;

    bed_init(&bed);
    ck_assert_int_eq(renew_after_a_change(
                         &bed, (struct creds_options){.access_key_id = "ID", .secret_access_key = "hunter2"}, &after),
                     0);
    ck_assert_str_eq(after.access_key_id, "ID");
}
END_TEST

UNIT_MAIN("s3/creds_renew", &without_expiration_it_is_asked_once, &long_before_the_end_it_is_not_asked,
          &early_before_the_end_it_is_asked_again,
          &an_answer_that_ends_soon_too_is_used_and_not_asked_for_at_every_request,
          &a_renewal_that_fails_early_is_one_warning, &once_expired_a_failure_is_an_error,
          &others_go_on_with_the_old_ones_meanwhile, &refused_ones_are_asked_for_anew_once,
          &the_same_answer_is_nothing_new, &other_programs_write_new_keys_into_the_file, &the_config_has_no_others)
