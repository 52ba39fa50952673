/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/localfs/bed.h"

#include "base/auto.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/mem.h"
#include "plugins/localfs/localfs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

/* What the file system makes of a time that is set; futimens is our own here. */
static enum { EXACT, COARSE, ONLY_NOW } times_are;

int futimens(int fd, const struct timespec times[2])
{
    struct timespec coarse[2];

    if (times == NULL || times_are == EXACT)
        return (int)syscall(SYS_utimensat, fd, NULL, times, 0);
    if (times_are == ONLY_NOW) {
        errno = EPERM;
        return -1;
    }
    coarse[0] = times[0];
    coarse[1] = (struct timespec){times[1].tv_sec & ~1, 0};
    return (int)syscall(SYS_utimensat, fd, NULL, coarse, 0);
}

static void remember_tag(const struct bed *bed, char tag[SF_TAG_MAX + 4])
{
    memcpy(tag, bed->object.tag, SF_TAG_MAX + 4);
}

static int put_meta(struct bed *bed, const char *key, const struct sf_meta *meta, uint32_t count)
{
    struct sf_body body = bed_text("text");
    struct sf_put put = {.size = sizeof(put),
                         .key = key,
                         .body = &body,
                         .meta = meta,
                         .meta_count = count,
                         .meta_element_size = sizeof(*meta)};

    return bed_put_args(bed, &put);
}

static void expect_stamped(struct bed *bed)
{
    char hex[SHA256_HEX + 1];
    uint8_t sha256[SHA256_BYTES];

    sha256_of("text", 4, sha256);
    hex_encode(sha256, SHA256_BYTES, hex);
    ck_assert(bed->object.digests.have & SF_DIGEST_SHA256);
    ck_assert_mem_eq(bed->object.digests.sha256, sha256, SHA256_BYTES);
    ck_assert_ptr_nonnull(sf_object_meta(&bed->object, SF_META_SHA256));
    ck_assert_str_eq(sf_object_meta(&bed->object, SF_META_SHA256), hex);
    ck_assert_str_eq(sf_object_meta(&bed->object, "run"), "a run = 1");
}

START_TEST(test_tag_and_metadata_stay)
{
    const struct sf_meta meta[] = {{sizeof(meta[0]), 0, "run", "a run = 1"}, {sizeof(meta[0]), 0, "e", ""}};
    char tag[SF_TAG_MAX + 4];
    struct bed bed;

    bed_open(&bed, "base", NULL);
    ck_assert_int_eq(put_meta(&bed, "d/a", meta, 2), SF_OK);
    remember_tag(&bed, tag);
    expect_stamped(&bed);
    bed_close(&bed);
    bed_open(&bed, "base", NULL);
    ck_assert_int_eq(bed_stat(&bed, "d/a"), SF_OK);
    ck_assert_str_eq(bed.object.tag, tag);
    expect_stamped(&bed);
    ck_assert_str_eq(sf_object_meta(&bed.object, "e"), "");
    ck_assert_int_eq(bed_get(&bed, "d/a", NULL), SF_OK);
    ck_assert_str_eq(bed.object.tag, tag);
    expect_stamped(&bed);
    bed_close(&bed);
}
END_TEST

START_TEST(test_change_in_place_shows)
{
    const struct sf_meta meta = {sizeof(meta), 0, "run", "a run = 1"};
    char tag[SF_TAG_MAX + 4];
    struct bed bed;
    int way;

    bed_open(&bed, "base", NULL);
    for (way = 0; way < 2; way++) {
        AUTO_FD fd = -1;

        ck_assert_int_eq(put_meta(&bed, "a", &meta, 1), SF_OK);
        remember_tag(&bed, tag);
        clock_sleep_ms(20); /* beyond the tick that older kernels take mtime from */
        fd = open(bed_path("base/a"), O_WRONLY | O_CLOEXEC);
        ck_assert_int_ge(fd, 0);
        if (way == 0)
            ck_assert_int_eq(pwrite(fd, "T", 1, 0), 1);
        else
            ck_assert_int_eq(ftruncate(fd, 2), 0);
        ck_assert_int_eq(bed_stat(&bed, "a"), SF_OK);
        ck_assert_str_ne(bed.object.tag, tag);
        ck_assert_uint_eq(bed.object.digests.have, 0);
        ck_assert_uint_eq(bed.object.meta_bytes, 0);
        ck_assert_int_eq(bed_put_if(&bed, "a", "x", tag), SF_PRECONDITION);
        ck_assert_int_eq(bed_remove(&bed, "a", tag), SF_PRECONDITION);
    }
    bed_close(&bed);
}
END_TEST

/* The attribute is no part of the tag. */
START_TEST(test_lost_attribute_keeps_the_tag)
{
    const struct sf_meta meta = {sizeof(meta), 0, "run", "a run = 1"};
    char tag[SF_TAG_MAX + 4];
    struct bed bed;

    bed_open(&bed, "base", NULL);
    ck_assert_int_eq(put_meta(&bed, "a", &meta, 1), SF_OK);
    remember_tag(&bed, tag);
    ck_assert_int_eq(removexattr(bed_path("base/a"), XATTR_NAME), 0);
    ck_assert_int_eq(bed_stat(&bed, "a"), SF_OK);
    ck_assert_str_eq(bed.object.tag, tag);
    ck_assert_uint_eq(bed.object.digests.have, 0);
    ck_assert_uint_eq(bed.object.meta_bytes, 0);
    ck_assert_int_eq(bed_put_if(&bed, "a", "x", tag), SF_OK);
    bed_close(&bed);
}
END_TEST

/* Also within one tick of the clock, put after put and copy after copy; and no time is far from now. */
START_TEST(test_same_bytes_again_have_another_tag)
{
    struct sf_copy copy = {.size = sizeof(copy), .from = "a", .to = "b"};
    char put[SF_TAG_MAX + 4] = "", copied[SF_TAG_MAX + 4] = "";
    struct bed bed;
    int i;

    bed_open(&bed, "base", NULL);
    for (i = 0; i < 100; i++) {
        int64_t now_ms = clock_wall_ms();

        ck_assert_int_eq(bed_replace(&bed, "a", "x"), SF_OK);
        ck_assert_str_ne(bed.object.tag, put);
        ck_assert_int_gt(bed.object.modified_ms, now_ms - 1000);
        ck_assert_int_lt(bed.object.modified_ms, clock_wall_ms() + 1000);
        remember_tag(&bed, put);
        ck_assert_int_eq(bed.plugin->copy(&bed.call, bed.conn, &copy, &bed.object, &bed.err), 0);
        ck_assert_str_ne(bed.object.tag, put);
        ck_assert_str_ne(bed.object.tag, copied);
        remember_tag(&bed, copied);
    }
    bed_close(&bed);
}
END_TEST

/* The tag that a put answers with is the one that its object has from then on, whatever became of the time. */
START_TEST(test_times_that_cannot_be_set)
{
    const struct sf_meta meta = {sizeof(meta), 0, "run", "a run = 1"};
    char tag[SF_TAG_MAX + 4];
    struct bed bed;
    struct stat st;

    bed_open(&bed, "base", NULL);
    for (times_are = COARSE; times_are <= ONLY_NOW; times_are++) {
        ck_assert_int_eq(put_meta(&bed, times_are == COARSE ? "coarse" : "now", &meta, 1), SF_OK);
        remember_tag(&bed, tag);
        ck_assert_int_eq(bed_stat(&bed, times_are == COARSE ? "coarse" : "now"), SF_OK);
        ck_assert_str_eq(bed.object.tag, tag);
        expect_stamped(&bed);
    }
    times_are = EXACT;
    ck_assert_int_eq(stat(bed_path("base/coarse"), &st), 0);
    ck_assert_int_eq(st.st_mtim.tv_nsec, 0);
    bed_close(&bed);
}
END_TEST

/* Whatever keeps mtimes keeps tags; digests and metadata come along with extended attributes. */
START_TEST(test_copied_base_keeps_tags)
{
    static const char *const ways[] = {"-a", "-r --preserve=timestamps"};
    const struct sf_meta meta = {sizeof(meta), 0, "run", "a run = 1"};
    char tag[SF_TAG_MAX + 4];
    struct bed bed;
    size_t i;

    bed_open(&bed, "base", NULL);
    ck_assert_int_eq(put_meta(&bed, "d/a", &meta, 1), SF_OK);
    remember_tag(&bed, tag);
    bed_close(&bed);
    for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        AUTO_FREE char *command =
            mem_printf("cp %s '%s/base' '%s/moved%zu'", ways[i], unit_temp_dir(), unit_temp_dir(), i);
        char name[16];

        snprintf(name, sizeof(name), "moved%zu", i);
        ck_assert_int_eq(system(command), 0);
        bed_open(&bed, name, NULL);
        ck_assert_int_eq(bed_stat(&bed, "d/a"), SF_OK);
        ck_assert_str_eq(bed.object.tag, tag);
        if (i == 0)
            expect_stamped(&bed);
        else
            ck_assert_uint_eq(bed.object.digests.have, 0);
        bed_close(&bed);
    }
}
END_TEST

/* A file that some other tool put there. */
START_TEST(test_foreign_object)
{
    char tag[SF_TAG_MAX + 4];
    struct bed bed;

    unit_write("base/a", "text", -1);
    bed_open(&bed, "base", NULL);
    ck_assert_int_eq(bed_stat(&bed, "a"), SF_OK);
    remember_tag(&bed, tag);
    ck_assert_uint_eq(bed.object.bytes, 4);
    ck_assert_uint_eq(bed.object.digests.have, 0);
    ck_assert_int_eq(bed_stat(&bed, "a"), SF_OK);
    ck_assert_str_eq(bed.object.tag, tag);
    ck_assert_int_eq(bed_put_if(&bed, "a", "new", tag), SF_OK);
    bed_close(&bed);
}
END_TEST

/* Whatever stands in the attribute, reading it is safe; nothing of what is malformed is answered. */
START_TEST(test_malformed_attributes)
{
    static const char *const values[] = {
        "", "1", "1 ", "1 1 1", "2 0 0 0 0\n", "1 zz 4 1 00\n", "1 11111111111111111 4 1 00\n", "1 1 4 1 abc\nrun=x\n"};
    char large[3000], tag[SF_TAG_MAX + 4];
    struct bed bed;
    size_t i;

    memset(large, 'a', sizeof(large));
    unit_write("base/a", "text", -1);
    bed_open(&bed, "base", NULL);
    ck_assert_int_eq(bed_stat(&bed, "a"), SF_OK);
    remember_tag(&bed, tag);
    for (i = 0; i <= sizeof(values) / sizeof(values[0]); i++) {
        const char *value = i < sizeof(values) / sizeof(values[0]) ? values[i] : large;
        size_t bytes = value == large ? sizeof(large) : strlen(value);

        ck_assert_int_eq(setxattr(bed_path("base/a"), XATTR_NAME, value, bytes, 0), 0);
        ck_assert_int_eq(bed_stat(&bed, "a"), SF_OK);
        ck_assert_str_eq(bed.object.tag, tag);
        ck_assert_uint_eq(bed.object.meta_bytes, 0);
    }
    bed_close(&bed);
}
END_TEST

START_TEST(test_bad_metadata)
{
    static const struct sf_meta bad[] = {{sizeof(bad[0]), 0, "", "x"},
                                         {sizeof(bad[0]), 0, "Run", "x"},
                                         {sizeof(bad[0]), 0, "a=b", "x"},
                                         {sizeof(bad[0]), 0, "run", "two\nlines"},
                                         {sizeof(bad[0]), 0, "run", "\xc3\xa9"}};
    char value[SF_META_MAX];
    struct sf_meta meta = {sizeof(meta), 0, "k", value};
    struct bed bed;
    size_t i;

    bed_open(&bed, "base", NULL);
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(put_meta(&bed, "a", &bad[i], 1) == SF_INVALID, "%s was taken", bad[i].key);
    memset(value, 'v', sizeof(value));
    value[SF_META_MAX - 2] = '\0'; /* "k", its NUL and this value's make one byte too many */
    ck_assert_int_eq(put_meta(&bed, "a", &meta, 1), SF_TOO_LARGE);
    ck_assert(!bed_exists("base/a"));
    value[SF_META_MAX - 3] = '\0';
    ck_assert_msg(put_meta(&bed, "a", &meta, 1) == SF_OK, "%s", bed.err.text);
    ck_assert_int_eq(bed_stat(&bed, "a"), SF_OK);
    ck_assert_str_eq(sf_object_meta(&bed.object, "k"), value);
    bed_close(&bed);
}
END_TEST

int main(void)
{
    static const TTest *const *const tests[] = {&test_tag_and_metadata_stay,
                                                &test_change_in_place_shows,
                                                &test_lost_attribute_keeps_the_tag,
                                                &test_same_bytes_again_have_another_tag,
                                                &test_times_that_cannot_be_set,
                                                &test_copied_base_keeps_tags,
                                                &test_foreign_object,
                                                &test_malformed_attributes,
                                                &test_bad_metadata};
    const char *parent = getenv("TMPDIR");

    if (getxattr(parent != NULL ? parent : "/tmp", XATTR_NAME, NULL, 0) < 0 && errno == EOPNOTSUPP) {
        puts("1..0 # SKIP the file system of the temporary folder has no user.* attributes");
        return 0;
    }
    return unit_run("localfs/stamp", tests, sizeof(tests) / sizeof(tests[0]));
}
