/* SPDX-License-Identifier: Apache-2.0
 *
 * Manifests as an attacker or a broken disk would make them: right in every digest, wrong in one thing.
 */
#include "core/manifest/manifest.h"

#include "base/mem.h"
#include "base/spill.h"
#include "tests/kit/unit.h"

#include <stdio.h>
#include <string.h>
#include <zstd.h>

#define HEADER(features, version)                                                                                      \
    "{\"format\":\"snapferry-manifest\",\"version\":" version ",\"features\":" features                                \
    ",\"source\":\"stream\",\"time_dir\":\"2026-11-22\",\"run\":\"00112233445566778899aabbccddeeff\","                 \
    "\"started\":\"2026-11-22T15:04:05Z\",\"walked\":\"2026-11-22T15:04:05Z\",\"tool\":\"x\"}\n"
#define GOOD HEADER("[]", "1")
#define META "\"mtime_ns\":5,\"mode\":\"0644\",\"uid\":0,\"gid\":0"
#define SHA "a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5"
#define ROOT "{\"path\":\"\",\"type\":\"dir\"," META "}\n"
#define DIR(path) "{\"path\":\"" path "\",\"type\":\"dir\"," META "}\n"
#define FILE_KEY(path, key)                                                                                            \
    "{\"path\":\"" path "\",\"type\":\"file\",\"size\":1," META ",\"sha256\":\"" SHA "\",\"tag\":\"t\"" key "}\n"
#define FILE_(path) FILE_KEY(path, "")
#define LINK(path) "{\"path\":\"" path "\",\"type\":\"link\"," META ",\"target\":\"/etc\"}\n"
#define COUNTS(entries, files, bytes)                                                                                  \
    "{\"end\":true,\"entries\":" entries ",\"files\":" files ",\"bytes\":" bytes                                       \
    ",\"finished\":\"2026-11-22T15:04:05Z\",\"sha256\":\"%s\"}\n"

struct hostile {
    const char *lines;   /* before the trailer */
    const char *trailer; /* NULL: counted by the number of lines; %s is the digest */
    const char *reason;  /* NULL: this one is right */
    enum sf_class cls;
};

static const struct hostile cases[] = {
    {GOOD ROOT FILE_("a"), NULL, NULL, SF_OK},
    {GOOD ROOT FILE_KEY("a", ",\"later\":{\"x\":[1,2]}"), NULL, NULL, SF_OK}, /* unknown members */
    {GOOD ROOT FILE_KEY("a", ",\"key\":\"2026-01-02-03/stream/a\""), NULL, NULL, SF_OK},
    {GOOD ROOT FILE_("x") FILE_("x-y") DIR("y"), NULL, NULL, SF_OK},
    {GOOD ROOT DIR("x") FILE_("x/y") FILE_("xx"), NULL, NULL, SF_OK},
    /* header */
    {ROOT, NULL, "line 1: 'format' is missing", SF_CORRUPT},
    {"[]\n" ROOT, NULL, "line 1: not a JSON object", SF_CORRUPT},
    {"hello\n" ROOT, NULL, "line 1: not JSON", SF_CORRUPT},
    {HEADER("[]", "2") ROOT, NULL, "version 2", SF_UNSUPPORTED},
    {HEADER("[]", "0") ROOT, NULL, "'version' is out of range", SF_CORRUPT},
    {HEADER("[]", "\"1\"") ROOT, NULL, "'version' is not an integer", SF_CORRUPT},
    {HEADER("[\"bundles\"]", "1") ROOT, NULL, "needs feature 'bundles'", SF_UNSUPPORTED},
    {HEADER("[\"\\u001b[2J\"]", "1") ROOT, NULL, "needs feature '\\x1b[2J'", SF_UNSUPPORTED},
    {HEADER("[1]", "1") ROOT, NULL, "'features'", SF_CORRUPT},
    {HEADER("{}", "1") ROOT, NULL, "'features' is not a list", SF_CORRUPT},
    /* the sequence */
    {GOOD, COUNTS("0", "0", "0"), "no entry of the root", SF_CORRUPT},
    {GOOD FILE_("a"), NULL, "line 2: path 'a' comes first", SF_CORRUPT},
    {GOOD FILE_(""), NULL, "comes first", SF_CORRUPT},
    {GOOD ROOT ROOT, NULL, "line 3: path '' (the root folder) is there twice", SF_CORRUPT},
    {GOOD ROOT FILE_("b") FILE_("a"), NULL, "line 4: path 'a' is out of order", SF_CORRUPT},
    {GOOD ROOT FILE_("a") FILE_("a"), NULL, "is there twice", SF_CORRUPT},
    {GOOD ROOT DIR("a") DIR("a"), NULL, "is there twice", SF_CORRUPT},
    {GOOD ROOT FILE_("a") DIR("a"), NULL, "twice, as a folder and as something else", SF_CORRUPT},
    {GOOD ROOT LINK("a") FILE_("a-b") FILE_("a-c") DIR("a"), NULL, "twice, as a folder and as something else",
     SF_CORRUPT},
    {GOOD ROOT DIR("d") LINK("d/a") DIR("d/a") FILE_("d/a/f"), NULL, "twice, as a folder", SF_CORRUPT},
    {GOOD ROOT FILE_("x") DIR("x-") FILE_("x-/y") DIR("x"), NULL, "twice, as a folder", SF_CORRUPT},
    {GOOD ROOT DIR("aa") FILE_("a"), NULL, "is out of order", SF_CORRUPT},
    {GOOD ROOT FILE_("a/b"), NULL, "has no entry of its folder before it", SF_CORRUPT},
    {GOOD ROOT LINK("a") FILE_("a/b"), NULL, "has no entry of its folder before it", SF_CORRUPT},
    {GOOD ROOT FILE_("a") FILE_("a/b"), NULL, "has no entry of its folder before it", SF_CORRUPT},
    {GOOD ROOT DIR("a") DIR("b") FILE_("b/a/c"), NULL, "has no entry of its folder before it", SF_CORRUPT},
    {GOOD ROOT DIR("a") FILE_("ab/c"), NULL, "has no entry of its folder before it", SF_CORRUPT},
    /* paths */
    {GOOD ROOT FILE_("/etc/passwd"), NULL, "is absolute", SF_CORRUPT},
    {GOOD ROOT FILE_(".."), NULL, "'.' or '..'", SF_CORRUPT},
    {GOOD ROOT FILE_("."), NULL, "'.' or '..'", SF_CORRUPT},
    {GOOD ROOT DIR("a") FILE_("a/../b"), NULL, "'.' or '..'", SF_CORRUPT},
    {GOOD ROOT DIR("a") FILE_("a/."), NULL, "'.' or '..'", SF_CORRUPT},
    {GOOD ROOT DIR("a") FILE_("a//b"), NULL, "empty part", SF_CORRUPT},
    {GOOD ROOT DIR("a/"), NULL, "empty part", SF_CORRUPT},
    {GOOD ROOT FILE_("a\\u0000b"), NULL, "not JSON", SF_CORRUPT},
    {GOOD ROOT "{\"path_b64\":\"YQBi\",\"type\":\"dir\"," META "}\n", NULL, "'path_b64' holds a NUL byte", SF_CORRUPT},
    {GOOD ROOT "{\"path_b64\":\"YQ\",\"type\":\"dir\"," META "}\n", NULL, "'path_b64' is not base64", SF_CORRUPT},
    {GOOD ROOT "{\"path_b64\":\"YR==\",\"type\":\"dir\"," META "}\n", NULL, "'path_b64' is not base64", SF_CORRUPT},
    {GOOD ROOT "{\"path_b64\":\"YQ==YQ==\",\"type\":\"dir\"," META "}\n", NULL, "'path_b64' is not base64", SF_CORRUPT},
    {GOOD ROOT "{\"path_b64\":\"Y=Q=\",\"type\":\"dir\"," META "}\n", NULL, "'path_b64' is not base64", SF_CORRUPT},
    {GOOD ROOT "{\"path_b64\":7,\"type\":\"dir\"," META "}\n", NULL, "'path_b64' is not base64", SF_CORRUPT},
    {GOOD ROOT "{\"path_b64\":\"Li4=\",\"type\":\"dir\"," META "}\n", NULL, "'.' or '..'", SF_CORRUPT},
    {GOOD ROOT "{\"path\":\"a\",\"path_b64\":\"YQ==\",\"type\":\"dir\"," META "}\n", NULL, "both", SF_CORRUPT},
    {GOOD ROOT "{\"type\":\"dir\"," META "}\n", NULL, "'path' is missing", SF_CORRUPT},
    {GOOD ROOT "{\"path\":\"a\xff\",\"type\":\"dir\"," META "}\n", NULL, "not JSON", SF_CORRUPT},
    /* members */
    {GOOD ROOT "{\"path\":\"a\",\"path\":\"b\",\"type\":\"dir\"," META "}\n", NULL, "not JSON", SF_CORRUPT},
    {GOOD ROOT "{\"path\":\"a\"," META "}\n", NULL, "'type' is missing", SF_CORRUPT},
    {GOOD ROOT "{\"path\":\"a\",\"type\":\"fifo\"," META "}\n", NULL, "'type' is 'fifo'", SF_CORRUPT},
    {GOOD ROOT "{\"path\":\"a\",\"type\":\"dir\",\"mtime_ns\":1.5,\"mode\":\"0644\",\"uid\":0,\"gid\":0}\n", NULL,
     "'mtime_ns' is not an integer", SF_CORRUPT},
    {GOOD ROOT
     "{\"path\":\"a\",\"type\":\"dir\",\"mtime_ns\":9223372036854775808,\"mode\":\"0644\",\"uid\":0,\"gid\":0}\n",
     NULL, "not JSON", SF_CORRUPT},
    {GOOD ROOT "{\"path\":\"a\",\"type\":\"dir\",\"mtime_ns\":1,\"mode\":\"644\",\"uid\":0,\"gid\":0}\n", NULL,
     "'mode' is not 4 octal", SF_CORRUPT},
    {GOOD ROOT "{\"path\":\"a\",\"type\":\"dir\",\"mtime_ns\":1,\"mode\":\"06448\",\"uid\":0,\"gid\":0}\n", NULL,
     "'mode' is not 4 octal", SF_CORRUPT},
    {GOOD ROOT "{\"path\":\"a\",\"type\":\"dir\",\"mtime_ns\":1,\"mode\":\"0948\",\"uid\":0,\"gid\":0}\n", NULL,
     "'mode' is not 4 octal", SF_CORRUPT},
    {GOOD ROOT "{\"path\":\"a\",\"type\":\"dir\",\"mtime_ns\":1,\"mode\":420,\"uid\":0,\"gid\":0}\n", NULL,
     "'mode' is not a string", SF_CORRUPT},
    {GOOD ROOT "{\"path\":\"a\",\"type\":\"dir\",\"mtime_ns\":1,\"mode\":\"0644\",\"uid\":-1,\"gid\":0}\n", NULL,
     "'uid' is out of range", SF_CORRUPT},
    {GOOD ROOT "{\"path\":\"a\",\"type\":\"dir\",\"mtime_ns\":1,\"mode\":\"0644\",\"uid\":0,\"gid\":4294967296}\n",
     NULL, "'gid' is out of range", SF_CORRUPT},
    {GOOD ROOT "{\"path\":\"a\",\"type\":\"file\",\"size\":-1," META ",\"sha256\":\"" SHA "\",\"tag\":\"t\"}\n", NULL,
     "'size' is out of range", SF_CORRUPT},
    {GOOD ROOT "{\"path\":\"a\",\"type\":\"file\"," META ",\"sha256\":\"" SHA "\",\"tag\":\"t\"}\n", NULL,
     "'size' is missing", SF_CORRUPT},
    {GOOD ROOT "{\"path\":\"a\",\"type\":\"file\",\"size\":1," META ",\"tag\":\"t\"}\n", NULL, "'sha256' is missing",
     SF_CORRUPT},
    {GOOD ROOT "{\"path\":\"a\",\"type\":\"file\",\"size\":1," META ",\"sha256\":\"A5\",\"tag\":\"t\"}\n", NULL,
     "'sha256' is not 64", SF_CORRUPT},
    {GOOD ROOT "{\"path\":\"a\",\"type\":\"file\",\"size\":1," META ",\"sha256\":\"" SHA "\",\"tag\":\"\\u007f\"}\n",
     NULL, "'tag' is longer", SF_CORRUPT},
    {GOOD ROOT "{\"path\":\"a\",\"type\":\"file\",\"size\":1," META ",\"sha256\":\"" SHA "\",\"tag\":\"" SHA SHA
               "t\"}\n",
     NULL, "'tag' is longer", SF_CORRUPT},
    {GOOD ROOT "{\"path\":\"a\",\"type\":\"link\"," META "}\n", NULL, "'target' is missing", SF_CORRUPT},
    {GOOD ROOT "{\"path\":\"a\",\"type\":\"link\"," META ",\"target\":\"\"}\n", NULL, "'target' is empty", SF_CORRUPT},
    {GOOD ROOT "{\"path\":\"a\",\"type\":\"link\"," META ",\"target_b64\":\"YQBi\"}\n", NULL,
     "'target_b64' holds a NUL byte", SF_CORRUPT},
    {GOOD ROOT "\n", NULL, "line 3: not JSON", SF_CORRUPT},
    {GOOD ROOT "{\"path\":\"a\",\"type\":\"dir\"," META "} {}\n", NULL, "not JSON", SF_CORRUPT},
    /* keys: another file's object must not come back as this one */
    {GOOD ROOT FILE_KEY("a", ",\"key\":\"2026-01-02/stream/b\""), NULL, "'key' is not that of this source and path",
     SF_CORRUPT},
    {GOOD ROOT FILE_KEY("a", ",\"key\":\"2026-01-02/other/a\""), NULL, "'key' is not that of this source and path",
     SF_CORRUPT},
    {GOOD ROOT FILE_KEY("a", ",\"key\":\"2026-01-02/stream/a/\""), NULL, "'key' is not that", SF_CORRUPT},
    {GOOD ROOT FILE_KEY("a%FF", ",\"key\":\"2026-01-02/stream/a%FF\""), NULL, "'key' is not that", SF_CORRUPT},
    {GOOD ROOT FILE_KEY("a", ",\"key\":\"2026-02-30/stream/a\""), NULL, "does not begin with a time-dir", SF_CORRUPT},
    {GOOD ROOT FILE_KEY("a", ",\"key\":\"../stream/a\""), NULL, "does not begin with a time-dir", SF_CORRUPT},
    {GOOD ROOT FILE_KEY("a", ",\"key\":\"/2026-01-02/stream/a\""), NULL, "does not begin with a time-dir", SF_CORRUPT},
    {GOOD ROOT FILE_KEY("a", ",\"key\":\"" SHA "/stream/a\""), NULL, "does not begin with a time-dir", SF_CORRUPT},
    {GOOD ROOT FILE_KEY("a", ",\"key\":\"a\""), NULL, "does not begin with a time-dir", SF_CORRUPT},
    {GOOD ROOT FILE_KEY("a", ",\"key\":null"), NULL, "'key' is not a string", SF_CORRUPT},
    /* the trailer */
    {GOOD ROOT, "", "line 3: the manifest ends without its trailer", SF_CORRUPT},
    {GOOD ROOT FILE_("a"), COUNTS("3", "1", "1"), "the trailer counts", SF_CORRUPT},
    {GOOD ROOT FILE_("a"), COUNTS("2", "2", "1"), "the trailer counts", SF_CORRUPT},
    {GOOD ROOT FILE_("a"), COUNTS("2", "1", "0"), "the trailer counts", SF_CORRUPT},
    {GOOD ROOT FILE_("a"), COUNTS("2", "1", "-1"), "'bytes' is out of range", SF_CORRUPT},
    {GOOD ROOT,
     "{\"end\":true,\"entries\":1,\"files\":0,\"bytes\":0,\"finished\":\"2026-11-22T15:04:05Z\",\"sha256\":\"" SHA
     "\"}\n",
     "SHA-256", SF_CORRUPT},
    {GOOD ROOT,
     "{\"end\":false,\"entries\":1,\"files\":0,\"bytes\":0,\"finished\":\"2026-11-22T15:04:05Z\",\"sha256\":\"%s\"}\n",
     "'end' is not true", SF_CORRUPT},
    {GOOD ROOT, "{\"end\":true,\"entries\":1,\"files\":0,\"bytes\":0,\"finished\":\"yesterday\",\"sha256\":\"%s\"}\n",
     "'finished' is not a time", SF_CORRUPT},
    {GOOD ROOT, COUNTS("1", "0", "0") FILE_("b"), "data after the trailer", SF_CORRUPT},
    {GOOD ROOT, COUNTS("1", "0", "0") "\n", "data after the trailer", SF_CORRUPT},
    {GOOD ROOT, COUNTS("1", "0", "0") "x", "data after the trailer", SF_CORRUPT},
    {GOOD ROOT, "{\"end\":true", "line 3: cut off in the middle of a line", SF_CORRUPT},
};

static void compress_to(int fd, const void *text, size_t length, int window_log)
{
    ZSTD_CCtx *stream = ZSTD_createCCtx();
    SF_AUTO(buf) out = BUF_INIT;
    ZSTD_inBuffer input = {text, length, 0};
    ZSTD_EndDirective end = ZSTD_e_continue; /* knowing that this is all, zstd would need no such window */
    size_t rest;

    ZSTD_CCtx_setParameter(stream, ZSTD_c_windowLog, window_log);
    do {
        ZSTD_outBuffer output;

        buf_reserve(&out, 1 << 20);
        output = (ZSTD_outBuffer){out.data + out.length, 1 << 20, 0};
        rest = ZSTD_compressStream2(stream, &output, &input, end);
        ck_assert(!ZSTD_isError(rest));
        out.length += output.pos;
        if (input.pos == length && end == ZSTD_e_continue) {
            end = ZSTD_e_end;
            rest = 1;
        }
    } while (rest != 0);
    ZSTD_freeCCtx(stream);
    if (pwrite(fd, out.data, out.length, 0) != (ssize_t)out.length || ftruncate(fd, (off_t)out.length) != 0)
        ck_abort_msg("cannot write");
}

static size_t count(const char *text, const char *what)
{
    size_t found = 0;

    for (text = strstr(text, what); text != NULL; text = strstr(text + 1, what))
        found++;
    return found;
}

static void build(const struct hostile *item, int fd)
{
    SF_AUTO(buf) text = BUF_INIT;
    SF_AUTO(buf) trailer = BUF_INIT;
    uint8_t sha256[SHA256_BYTES];
    char hex[SHA256_HEX + 1];
    const char *digest;

    buf_add_text(&text, item->lines);
    sha256_of(text.data, text.length, sha256);
    hex_encode(sha256, SHA256_BYTES, hex);
    if (item->trailer != NULL) {
        buf_add_text(&trailer, item->trailer);
    } else {
        size_t lines = count(item->lines, "\n") - 1, files = count(item->lines, "\"file\"");

        buf_printf(&trailer, "{\"end\":true,\"entries\":%zu,\"files\":%zu,\"bytes\":%zu,", lines, files, files);
        buf_add_text(&trailer, "\"finished\":\"2026-11-22T15:04:05Z\",\"sha256\":\"%s\"}\n");
    }
    digest = strstr(buf_text(&trailer), "%s");
    if (digest != NULL) {
        buf_add(&text, trailer.data, (size_t)(digest - trailer.data));
        buf_add_text(&text, hex);
        buf_add_text(&text, digest + 2);
    } else {
        buf_add_text(&text, buf_text(&trailer));
    }
    compress_to(fd, text.data, text.length, 15);
}

static int temp_file(void)
{
    struct sf_error err = SF_ERROR_INIT;
    int fd = spill_temp_file(unit_temp_dir(), &err);

    ck_assert_msg(fd >= 0, "%s", err.text);
    return fd;
}

START_TEST(each_is_refused_with_its_reason)
{
    int fd = temp_file();
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct hostile *item = &cases[i];
        struct sf_error err = SF_ERROR_INIT;
        int result;

        build(item, fd);
        result = manifest_check(fd, "points/m", NULL, NULL, &err);
        if (item->reason == NULL) {
            ck_assert_msg(result == 0, "case %zu: %s", i, err.text);
            continue;
        }
        ck_assert_msg(result == -1, "case %zu (%s) was accepted", i, item->reason);
        ck_assert_msg(strstr(err.text, item->reason) != NULL && err.cls == (int)item->cls &&
                          strstr(err.text, "points/m: line ") == err.text,
                      "case %zu (%s): class %d: %s", i, item->reason, err.cls, err.text);
    }
    close(fd);
}
END_TEST

START_TEST(a_failed_reader_stays_failed)
{
    const struct hostile broken = {GOOD ROOT FILE_("b") FILE_("a") FILE_("c"), NULL, NULL, SF_OK};
    SF_AUTO(entry) entry = ENTRY_INIT;
    struct sf_error err = SF_ERROR_INIT;
    struct manifest_reader *reader = NULL;
    int fd = temp_file(), i;

    build(&broken, fd);
    ck_assert_int_eq(manifest_reader_open(&reader, fd, "m", &err), 0);
    ck_assert_int_eq(manifest_reader_next(reader, &entry, &err), 1);
    ck_assert_int_eq(manifest_reader_next(reader, &entry, &err), 1);
    for (i = 0; i < 3; i++) {
        ck_assert_int_eq(manifest_reader_next(reader, &entry, &err), -1);
        ck_assert_int_eq(err.cls, SF_CORRUPT);
    }
    manifest_reader_free(reader);
    close(fd);
}
END_TEST

static void expect_check(int fd, const char *reason)
{
    struct sf_error err = SF_ERROR_INIT;

    ck_assert_int_eq(manifest_check(fd, "m", NULL, NULL, &err), -1);
    ck_assert_msg(err.cls == SF_CORRUPT && strstr(err.text, reason) != NULL, "%d %s", err.cls, err.text);
}

START_TEST(memory_is_bounded)
{
    SF_AUTO(buf) text = BUF_INIT;
    int fd = temp_file();

    /* A line that never ends: a bomb of 1 GiB in 100 KiB would look the same to the reader. */
    buf_add_text(&text, GOOD "{\"path\":\"");
    buf_reserve(&text, 8u << 20);
    memset(text.data + text.length, 'a', 8u << 20);
    text.length += 8u << 20;
    compress_to(fd, text.data, text.length, 19);
    expect_check(fd, "line 2: line longer than");
    /* A window beyond what is agreed. */
    compress_to(fd, text.data, text.length, 20);
    expect_check(fd, "line 1: zstd frame with a window over the 512 KiB");
    compress_to(fd, text.data, text.length, 27);
    expect_check(fd, "line 1: zstd frame with a window over the 512 KiB");
    close(fd);
}
END_TEST

START_TEST(a_line_of_the_largest_size_is_read)
{
    static const char start[] = "{\"path\":\"l\",\"type\":\"link\"," META ",\"target\":\"";
    SF_AUTO(buf) lines = BUF_INIT;
    struct hostile item = {NULL, NULL, NULL, SF_OK};
    struct sf_error err = SF_ERROR_INIT;
    size_t extra = 0;
    int fd = temp_file();

    for (extra = 0; extra < 2; extra++) {
        size_t fill = MANIFEST_LINE_MAX - strlen(start) - 2 + extra;

        buf_clear(&lines);
        buf_add_text(&lines, GOOD ROOT);
        buf_add_text(&lines, start);
        buf_reserve(&lines, fill);
        memset(lines.data + lines.length, 'a', fill);
        lines.length += fill;
        buf_add_text(&lines, "\"}\n");
        item.lines = lines.data;
        build(&item, fd);
        if (extra == 0)
            ck_assert_msg(manifest_check(fd, "m", NULL, NULL, &err) == 0, "%s", err.text);
        else
            expect_check(fd, "line 3: line longer than");
    }
    close(fd);
}
END_TEST

START_TEST(what_is_no_zstd_is_refused)
{
    static const char plain[] = GOOD ROOT;
    struct sf_error err = SF_ERROR_INIT;
    int fd = temp_file();

    expect_check(fd, "m: line 1: the manifest is empty");
    ck_assert(pwrite(fd, plain, strlen(plain), 0) == (ssize_t)strlen(plain));
    expect_check(fd, "m: line 1: damaged zstd data");
    close(fd);
    ck_assert_int_eq(manifest_check(-1, "m\n", NULL, NULL, &err), -1);
    ck_assert_msg(strstr(err.text, "m\\x0a: line 1: cannot read") == err.text, "%s", err.text);
}
END_TEST

UNIT_MAIN("manifest/hostile", &each_is_refused_with_its_reason, &a_failed_reader_stays_failed, &memory_is_bounded,
          &a_line_of_the_largest_size_is_read, &what_is_no_zstd_is_refused)
