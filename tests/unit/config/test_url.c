/* SPDX-License-Identifier: Apache-2.0 */
#include "core/config/config.h"
#include "tests/kit/unit.h"

START_TEST(good)
{
    static const struct {
        const char *text, *scheme, *host, *path;
    } rows[] = {
        {"file:///backup", "file", "", "backup"},
        {"file:///", "file", "", ""},
        {"FILE:///Backup/X", "file", "", "Backup/X"},
        {"s3://bucket/a/b", "s3", "bucket", "a/b"},
        {"s3://bucket", "s3", "bucket", ""},
        {"s3://bucket//a///b/", "s3", "bucket", "a/b"},
        {"s3:///bucket/a", "s3", "", "bucket/a"},
        {"gs://my.bucket_1-x/%41%2fb", "gs", "my.bucket_1-x", "A/b"},
        {"file:///a%20b/c%3Fd%23e%25f", "file", "", "a b/c?d#e%f"},
        {"file:///a b/\xc3\xa4", "file", "", "a b/\xc3\xa4"},
        {"file:///..a/...", "file", "", "..a/..."},
        {"x+y-1.2://h:90/", "x+y-1.2", "h:90", ""},
    };
    struct sf_error err = SF_ERROR_INIT;
    struct url url;
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ck_assert_msg(url_parse(&url, rows[i].text, &err) == 0, "%s", err.text);
        ck_assert_str_eq(url.scheme, rows[i].scheme);
        ck_assert_str_eq(url.host, rows[i].host);
        ck_assert_str_eq(url.path, rows[i].path);
        url_cleanup(&url);
    }
}
END_TEST

START_TEST(bad)
{
    static const struct {
        const char *text, *message;
    } rows[] = {
        {"", "'' is not a URL: expected SCHEME://..., such as file:///DIR"},
        {"/backup", "'/backup' is not a URL: expected SCHEME://..., such as file:///DIR"},
        {"file:/backup", "'file:/backup' is not a URL: expected SCHEME://..., such as file:///DIR"},
        {"3s://x", "'3s://x' is not a URL: expected SCHEME://..., such as file:///DIR"},
        {"a_b://x", "'a_b://x' is not a URL: expected SCHEME://..., such as file:///DIR"},
        {"://x", "'://x' is not a URL: expected SCHEME://..., such as file:///DIR"},
        {"s3://key:hunter2@bucket/a",
         "the URL holds a user or password before '@': secrets go into the config file, as {\"env\": "
         "NAME} or {\"file\": PATH}"},
        {"s3://b/a?x=1",
         "URL 's3://b/a?x=1': no query or fragment here: settings go with -o KEY=VALUE, in a path write %3F for "
         "'?' and %23 for '#'"},
        {"s3://b/a#x",
         "URL 's3://b/a#x': no query or fragment here: settings go with -o KEY=VALUE, in a path write %3F for '?' "
         "and %23 for '#'"},
        {"s3://b c/a", "URL 's3://b c/a': the host has characters that none can have"},
        {"s3://b%41/a", "URL 's3://b%41/a': the host has characters that none can have"},
        {"file:///a%", "URL 'file:///a%': after '%' come two hex digits, for '%' itself write %25"},
        {"file:///a%4", "URL 'file:///a%4': after '%' come two hex digits, for '%' itself write %25"},
        {"file:///a%zz", "URL 'file:///a%zz': after '%' come two hex digits, for '%' itself write %25"},
        {"file:///a%00b", "URL 'file:///a%00b': after '%' come two hex digits, for '%' itself write %25"},
        {"file:///a%0Ab", "URL 'file:///a%0Ab': control characters and what is not UTF-8 cannot be part of it"},
        {"file:///a\nb", "URL 'file:///a\\x0ab': control characters and what is not UTF-8 cannot be part of it"},
        {"file:///%ff", "URL 'file:///%ff': control characters and what is not UTF-8 cannot be part of it"},
        {"file:///%C2%85", "URL 'file:///%C2%85': control characters and what is not UTF-8 cannot be part of it"},
        {"file:///%EF%BF%BE", "URL 'file:///%EF%BF%BE': control characters and what is not UTF-8 cannot be part of it"},
        {"file:///a/../b", "URL 'file:///a/../b': '.' and '..' cannot be part of it"},
        {"s3://b/./a", "URL 's3://b/./a': '.' and '..' cannot be part of it"},
        {"s3://b/%2e%2e", "URL 's3://b/%2e%2e': '.' and '..' cannot be part of it"},
    };
    struct sf_error err = SF_ERROR_INIT;
    struct url url;
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ck_assert_msg(url_parse(&url, rows[i].text, &err) < 0, "%s", rows[i].text);
        ck_assert_str_eq(err.text, rows[i].message);
        ck_assert_int_eq(err.cls, SF_INVALID);
        url_cleanup(&url);
    }
}
END_TEST

UNIT_MAIN("url", &good, &bad)
