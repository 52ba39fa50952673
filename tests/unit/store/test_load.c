/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding a plugin by its name. What is wrong with a plugin itself: tests/abi.
 */
#include "base/mem.h"
#include "core/progress/log.h"
#include "core/store/load.h"
#include "tests/kit/unit.h"

#include <string.h>
#include <sys/stat.h>

static const char *in_temp(const char *name)
{
    static char paths[8][256];
    static unsigned next;
    char *path = paths[next++ % 8];

    snprintf(path, sizeof(paths[0]), "%s/%s", unit_temp_dir(), name);
    return path;
}

/* Two folders of the test's own, "one" and "two", that come before those of the installation. */
static void open_path(struct plugin_path *path)
{
    const char *extra[] = {in_temp("one"), in_temp("two")};
    size_t i;

    for (i = 0; i < 2; i++)
        ck_assert_int_eq(mkdir(extra[i], 0755), 0);
    plugin_path_init(path, extra, 2);
}

static void add_memory(const char *name)
{
    ck_assert_int_eq(symlink(MEMORY_SO, in_temp(name)), 0);
}

static void expect_failure(const struct plugin_path *path, const char *name, enum sf_class cls, const char *message)
{
    struct sf_error err = SF_ERROR_INIT;
    struct plugin plugin = {0};

    ck_assert_int_eq(plugin_load(&plugin, name, path, NULL, &err), -1);
    ck_assert_msg(strstr(err.text, message) != NULL, "'%s' has no '%s'", err.text, message);
    ck_assert_int_eq(err.cls, cls);
}

START_TEST(path_in_order)
{
    SF_AUTO(plugin_path) path = {NULL, 0};

    open_path(&path);
    ck_assert_uint_ge(path.count, 3);
    ck_assert_str_eq(path.folders[0], in_temp("one"));
    ck_assert_str_eq(path.folders[1], in_temp("two"));
    ck_assert_ptr_nonnull(strstr(path.folders[path.count - 1], "/snapferry"));
}
END_TEST

START_TEST(path_cleaned_twice)
{
    struct plugin_path path;

    plugin_path_init(&path, NULL, 0);
    plugin_path_cleanup(&path);
    plugin_path_cleanup(&path);
    ck_assert_uint_eq(path.count, 0);
}
END_TEST

START_TEST(by_name)
{
    SF_AUTO(plugin_path) path = {NULL, 0};
    SF_AUTO(plugin) plugin = {0};
    struct sf_error err = SF_ERROR_INIT;

    open_path(&path);
    add_memory("two/memory.so");
    if (plugin_load(&plugin, "memory", &path, NULL, &err) != 0)
        ck_abort_msg("%s", err.text);
    ck_assert_str_eq(plugin.table.name, "memory");
    ck_assert_str_eq(plugin.path, MEMORY_SO);
    ck_assert_str_eq(plugin.host->version, SF_VERSION);
}
END_TEST

START_TEST(the_host_tells_what_is_shown)
{
    SF_AUTO(plugin_path) path = {NULL, 0};
    SF_AUTO(plugin) plugin = {0};
    struct sf_error err = SF_ERROR_INIT;
    struct log log = LOG_INIT;

    log.level = SF_LOG_WARNING;
    open_path(&path);
    add_memory("two/memory.so");
    if (plugin_load(&plugin, "memory", &path, &log, &err) != 0)
        ck_abort_msg("%s", err.text);
    ck_assert_int_eq(plugin.host->log_level, SF_LOG_WARNING);
    ck_assert(SF_HAS(plugin.host, struct sf_host, log_level));
}
END_TEST

START_TEST(by_name_with_lib)
{
    SF_AUTO(plugin_path) path = {NULL, 0};
    SF_AUTO(plugin) plugin = {0};
    struct sf_error err = SF_ERROR_INIT;

    open_path(&path);
    add_memory("one/libmemory.so");
    if (plugin_load(&plugin, "memory", &path, NULL, &err) != 0)
        ck_abort_msg("%s", err.text);
    ck_assert_str_eq(plugin.table.name, "memory");
}
END_TEST

/* A broken one in front is an error, not passed over for a good one behind. */
START_TEST(first_hit_wins)
{
    SF_AUTO(plugin_path) path = {NULL, 0};

    open_path(&path);
    unit_write("one/memory.so", "not a shared object, for sure", -1);
    add_memory("two/memory.so");
    expect_failure(&path, "memory", SF_UNSUPPORTED, "/one/memory.so is not a shared object");
}
END_TEST

START_TEST(dangling_link_is_told)
{
    SF_AUTO(plugin_path) path = {NULL, 0};

    open_path(&path);
    ck_assert_int_eq(symlink("nowhere.so", in_temp("one/memory.so")), 0);
    add_memory("two/memory.so");
    expect_failure(&path, "memory", SF_NOT_FOUND, "/one/memory.so: No such file");
}
END_TEST

START_TEST(unsafe_folder_only_matters_where_it_holds_the_plugin)
{
    SF_AUTO(plugin_path) path = {NULL, 0};
    SF_AUTO(plugin) plugin = {0};
    struct sf_error err = SF_ERROR_INIT;

    open_path(&path);
    ck_assert_int_eq(chmod(in_temp("one"), 0777), 0);
    add_memory("two/memory.so");
    ck_assert_int_eq(plugin_load(&plugin, "memory", &path, NULL, &err), 0);
    add_memory("one/memory.so");
    expect_failure(&path, "memory", SF_DENIED, "/one is not safe: others may write to it (mode 0777)");
}
END_TEST

START_TEST(no_such_plugin)
{
    SF_AUTO(plugin_path) path = {NULL, 0};

    open_path(&path);
    expect_failure(&path, "s4", SF_NOT_FOUND, "there is no plugin 's4'; none was found; searched /");
    unit_write("one/gcs.so", "", 0);
    unit_write("two/libs3.so", "", 0);
    expect_failure(&path, "s4", SF_NOT_FOUND, "there is no plugin 's4'; there are: gcs, s3; searched /");
    expect_failure(&path, "s4", SF_NOT_FOUND, in_temp("one"));
    expect_failure(&path, "s4", SF_NOT_FOUND, in_temp("two"));
}
END_TEST

/* Never a path, whatever stands there. */
START_TEST(bad_names)
{
    SF_AUTO(plugin_path) path = {NULL, 0};

    open_path(&path);
    add_memory("two/memory.so");
    expect_failure(&path, "", SF_INVALID, "'' cannot be a plugin's name");
    expect_failure(&path, "../two/memory", SF_INVALID, "'../two/memory' cannot be a plugin's name");
    expect_failure(&path, "Memory", SF_INVALID, "'Memory' cannot be a plugin's name");
    expect_failure(&path, "memory.so", SF_INVALID, "'memory.so' cannot be a plugin's name");
    expect_failure(&path, "mem\n", SF_INVALID, "'mem\\x0a' cannot be a plugin's name");
}
END_TEST

START_TEST(all_found)
{
    SF_AUTO(plugin_path) path = {NULL, 0};
    struct plugin_found *found;
    size_t count;

    open_path(&path);
    unit_write("one/zeta.so", "", 0);
    unit_write("one/alpha.so", "", 0);
    unit_write("one/Alpha.so", "", 0);
    unit_write("one/notes.txt", "", 0);
    unit_write("one/.hidden.so", "", 0);
    unit_write("two/alpha.so", "", 0);
    unit_write("two/libbeta.so", "", 0);
    plugin_find_all(&path, &found, &count);
    ck_assert_uint_eq(count, 3);
    ck_assert_str_eq(found[0].name, "alpha");
    ck_assert_str_eq(found[0].path, in_temp("one/alpha.so"));
    ck_assert_str_eq(found[1].name, "beta");
    ck_assert_str_eq(found[1].path, in_temp("two/libbeta.so"));
    ck_assert_str_eq(found[2].name, "zeta");
    plugin_found_free(found, count);
}
END_TEST

START_TEST(slots_of_a_table)
{
    SF_AUTO(plugin) plugin = {0};
    struct sf_error err = SF_ERROR_INIT;
    size_t i, filled_count = 0;
    const char *name;
    bool filled;

    ck_assert_int_eq(plugin_load_file(&plugin, MEMORY_SO, NULL, &err), 0);
    for (i = 0; (name = plugin_slot(&plugin.table, i, &filled)) != NULL; i++) {
        filled_count += filled;
        if (strcmp(name, "remove") == 0)
            ck_assert(filled);
        if (strcmp(name, "copy") == 0 || strcmp(name, "probe") == 0)
            ck_assert(!filled);
    }
    ck_assert_uint_eq(filled_count, i - 2);
    ck_assert_uint_eq(i, (sizeof(struct sf_plugin) - offsetof(struct sf_plugin, store_open)) / sizeof(void (*)(void)));
}
END_TEST

UNIT_MAIN("load", &path_in_order, &path_cleaned_twice, &by_name, &the_host_tells_what_is_shown, &by_name_with_lib,
          &first_hit_wins, &dangling_link_is_told, &unsafe_folder_only_matters_where_it_holds_the_plugin,
          &no_such_plugin, &bad_names, &all_found, &slots_of_a_table)
