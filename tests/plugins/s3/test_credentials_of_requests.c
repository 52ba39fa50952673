/* SPDX-License-Identifier: Apache-2.0
 *
 * Which credentials a request bears, and what happens when the store takes them for expired.
 */
#include "tests/plugins/s3/talk.h"

#include <stdlib.h>
#include <sys/stat.h>

#define TAG "ETag: \"e1\""
#define FROM_PROFILE "access_key_id", NULL, "secret_access_key", NULL, "profile", "p"

/* A program that prints the credentials OLD, and NEW from the second time on; a profile p that runs it. The environment is
 * cleared by talk_start(), so the profile is found in the home. */
static void write_profile(const char *second)
{
    char text[2048];

    snprintf(text, sizeof(text),
             "#!/bin/sh\nid=OLD\ntest -e %s/ran && id=%s\n: >> %s/ran\n"
             "echo '{\"Version\": 1, \"AccessKeyId\": \"'$id'\", \"SecretAccessKey\": \"secret-'$id'\", "
             "\"SessionToken\": \"token-'$id'\"}'\n",
             unit_temp_dir(), second, unit_temp_dir());
    unit_write("give", text, -1);
    snprintf(text, sizeof(text), "%s/give", unit_temp_dir());
    ck_assert_int_eq(chmod(text, 0700), 0);
    snprintf(text, sizeof(text), "[profile p]\ncredential_process = %s/give\n", unit_temp_dir());
    unit_write(".aws/config", text, -1);
    setenv("HOME", unit_temp_dir(), 1);
}

static void signed_by(struct talk *talk, size_t request, const char *id)
{
    char start[128];

    snprintf(start, sizeof(start), "AWS4-HMAC-SHA256 Credential=%s/", id);
    ck_assert_msg(strncmp(talk_sent(talk, request, "authorization"), start, strlen(start)) == 0, "%zu: %s", request,
                  talk_sent(talk, request, "authorization"));
}

START_TEST(expired_ones_are_renewed_once)
{
    static const struct {
        int status;
        const char *body;
    } rows[] = {{400, REFUSAL("ExpiredToken")},
                {403, REFUSAL("ExpiredToken")},
                {403, REFUSAL("ExpiredTokenException")},
                {400, REFUSAL("TokenRefreshRequired")},
                {403, REFUSAL("InvalidToken")}};
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct httpd_step dialogue[] = {EXPECT("PUT /bucket/k", .headers = {"x-amz-security-token: token-OLD"}),
                                              REPLY(rows[i].status, .body = rows[i].body),
                                              EXPECT("PUT /bucket/k", .headers = {"x-amz-security-token: token-NEW"}),
                                              REPLY(200, .headers = {TAG, ECHO}),
                                              EXPECT("PUT /bucket/k", .headers = {"x-amz-security-token: token-NEW"}),
                                              REPLY(200, .headers = {TAG, ECHO})};
        char ran[512];
        struct talk talk;

        write_profile("NEW");
        snprintf(ran, sizeof(ran), "%s/ran", unit_temp_dir());
        (void)remove(ran);
        talk_start(&talk, dialogue, FROM_PROFILE, NULL);
        ck_assert_msg(talk_put(&talk, "k", "data") == 0, "%s", talk.err.text);
        ck_assert_int_eq(talk_put(&talk, "k", "data"), 0);
        signed_by(&talk, 0, "OLD");
        signed_by(&talk, 1, "NEW");
        signed_by(&talk, 2, "NEW");
        ck_assert_ptr_null(strstr(buf_text(&talk.log), "secret-"));
        ck_assert_ptr_null(strstr(buf_text(&talk.log), "token-"));
        talk_stop(&talk);
    }
}
END_TEST

START_TEST(new_ones_that_are_expired_too)
{
    static const struct httpd_step dialogue[] = {EXPECT("PUT /bucket/k"), REPLY(400, .body = REFUSAL("ExpiredToken")),
                                                 EXPECT("PUT /bucket/k"), REPLY(400, .body = REFUSAL("ExpiredToken"))};
    struct talk talk;

    write_profile("NEW");
    talk_start(&talk, dialogue, FROM_PROFILE, NULL);
    ck_assert_int_eq(talk_put(&talk, "k", "data"), -1);
    talk_failed(&talk, SF_AUTH, 400, "k: ", "ExpiredToken", "credential_process of profile 'p'", NULL);
    talk_stop(&talk);
}
END_TEST

START_TEST(a_program_that_has_nothing_newer)
{
    static const struct httpd_step dialogue[] = {EXPECT("PUT /bucket/k"), REPLY(400, .body = REFUSAL("ExpiredToken"))};
    struct talk talk;

    write_profile("OLD");
    talk_start(&talk, dialogue, FROM_PROFILE, NULL);
    ck_assert_int_eq(talk_put(&talk, "k", "data"), -1);
    talk_failed(&talk, SF_AUTH, 400, "k: ", "ExpiredToken", "credential_process of profile 'p'", NULL);
    talk_stop(&talk);
}
END_TEST

START_TEST(without_a_program_there_is_nothing_to_renew)
{
    static const struct httpd_step dialogue[] = {EXPECT("PUT /bucket/k"), REPLY(400, .body = REFUSAL("ExpiredToken"))};
    struct talk talk;

    talk_start(&talk, dialogue, "session_token", TALK_TOKEN, NULL);
    ck_assert_int_eq(talk_put(&talk, "k", "data"), -1);
    talk_failed(&talk, SF_AUTH, 400, "k: ", "ExpiredToken", "access_key_id of the config", NULL);
    ck_assert_ptr_null(strstr(talk.err.text, TALK_TOKEN));
    talk_stop(&talk);
}
END_TEST

START_TEST(other_refusals_do_not_renew)
{
    static const struct httpd_step dialogue[] = {EXPECT("PUT /bucket/k"), REPLY(403, .body = REFUSAL("AccessDenied")),
                                                 EXPECT("PUT /bucket/k"),
                                                 REPLY(403, .body = REFUSAL("SignatureDoesNotMatch"))};
    struct talk talk;

    write_profile("NEW");
    talk_start(&talk, dialogue, FROM_PROFILE, NULL);
    ck_assert_int_eq(talk_put(&talk, "k", "data"), -1);
    talk_failed(&talk, SF_DENIED, 403, "credential_process of profile 'p'", NULL);
    ck_assert_int_eq(talk_put(&talk, "k", "data"), -1);
    talk_failed(&talk, SF_AUTH, 403, "credential_process of profile 'p'", NULL);
    signed_by(&talk, 1, "OLD");
    talk_stop(&talk);
}
END_TEST

START_TEST(anonymous_is_not_signed)
{
    static const struct httpd_step dialogue[] = {
        EXPECT("GET /bucket/k", .headers = {"!authorization", "!x-amz-date", "!x-amz-security-token"}),
        REPLY(200, .body = "data", .headers = {TAG}), EXPECT("GET /bucket/k", .headers = {"!authorization"}),
        REPLY(403, .body = REFUSAL("AccessDenied"))};
    struct talk talk;

    talk_start(&talk, dialogue, "access_key_id", NULL, "secret_access_key", NULL, "anonymous", "true", NULL);
    ck_assert_int_eq(talk_get(&talk, "k"), 0);
    ck_assert_int_eq(talk_get(&talk, "k"), -1);
    talk_failed(&talk, SF_DENIED, 403, "k: ", "anonymous", NULL);
    talk_stop(&talk);
}
END_TEST

UNIT_MAIN("s3/credentials_of_requests", &expired_ones_are_renewed_once, &new_ones_that_are_expired_too,
          &a_program_that_has_nothing_newer, &without_a_program_there_is_nothing_to_renew, &other_refusals_do_not_renew,
          &anonymous_is_not_signed)
