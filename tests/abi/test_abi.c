/* SPDX-License-Identifier: Apache-2.0
 *
 * The promise of the ABI, seen from the host: smaller and larger tables work end to end, and each way in which a plugin
 * can be wrong has a message of its own. The plugins are those of variants/.
 */
#include "base/mem.h"
#include "core/store/call.h"
#include "core/store/load.h"
#include "core/store/store.h"
#include "tests/kit/store.h"
#include "tests/kit/unit.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

static void expect(const char *file, enum sf_class cls, const char *message)
{
    struct sf_error err = SF_ERROR_INIT;
    struct plugin plugin = {0};

    if (plugin_load_file(&plugin, file, NULL, &err) == 0)
        ck_abort_msg("%s was loaded", file);
    ck_assert_msg(strstr(err.text, message) != NULL, "'%s' has no '%s'", err.text, message);
    ck_assert_msg(strstr(err.text, strrchr(file, '/') + 1) != NULL, "'%s' does not name %s", err.text, file);
    ck_assert_int_eq(err.cls, cls);
    ck_assert_ptr_null(plugin.handle);
    ck_assert_ptr_null(plugin.path);
}

static void expect_variant(const char *name, const char *message)
{
    AUTO_FREE char *file = mem_printf(VARIANTS "/%s.so", name);

    expect(file, SF_UNSUPPORTED, message);
}

/* A file of the test's own that is the plain variant. */
static char *copy_plain(const char *name)
{
    char *file = mem_printf("%s/%s", unit_temp_dir(), name), *data = mem_alloc(8 << 20);
    int fd = open(VARIANTS "/plain.so", O_RDONLY | O_CLOEXEC);
    ssize_t bytes = read(fd, data, 8 << 20);

    ck_assert(bytes > 0 && bytes < 8 << 20);
    close(fd);
    unit_write(name, data, bytes);
    free(data);
    return file;
}

static void count_object(void *ctx, const struct sf_object *object)
{
    ck_assert_str_eq(object->key, "a/b");
    ++*(int *)ctx;
}

/* Puts, gets, lists and removes through the core's own copy of the table, wrappers and all. */
static void use(const struct sf_plugin *table)
{
    struct run_call run;
    SF_AUTO(store) store = {0};
    struct sf_error err = SF_ERROR_INIT;
    struct sf_settings settings = {.size = sizeof(settings), .element_size = sizeof(struct sf_setting)};
    struct sf_list_query query = {.size = sizeof(query), .prefix = "a/"};
    int count = 0, more = 1;
    struct sf_list_sink sink = {.size = sizeof(sink), .ctx = &count, .object = count_object};
    struct sf_conn *conn = NULL;
    struct sf_list *list = NULL;
    char *text;

    run_call_init(&run, 0);
    ck_assert_int_eq(store_open(&store, table, &settings, &run, NULL, &err), 0);
    kit_store_put(&store, &run, "a/b", "bytes of a snapshot");
    text = kit_store_get(&store, &run, "a/b");
    ck_assert_str_eq(text, "bytes of a snapshot");
    free(text);
    ck_assert_int_eq(store.table->conn_open(&run.call, store.handle, &conn, &err), 0);
    ck_assert_int_eq(store.table->list_open(&run.call, conn, &query, &list, &err), 0);
    while (more)
        ck_assert_int_eq(store.table->list_next(&run.call, list, &sink, &more, &err), 0);
    store.table->list_close(list);
    store.table->conn_close(conn);
    ck_assert_int_eq(count, 1);
    ck_assert_ptr_null(store.table->copy);
}

static void load_and_use(const char *name)
{
    AUTO_FREE char *file = mem_printf(VARIANTS "/%s.so", name);
    SF_AUTO(plugin) plugin = {0};
    struct sf_error err = SF_ERROR_INIT;

    if (plugin_load_file(&plugin, file, NULL, &err) != 0)
        ck_abort_msg("%s", err.text);
    ck_assert_str_eq(plugin.table.name, name);
    ck_assert_uint_eq(plugin.table.size, sizeof(plugin.table));
    ck_assert_ptr_null(plugin.table.copy);
    ck_assert_ptr_null(plugin.table.probe);
    ck_assert_uint_eq(plugin.table.option_count, 2);
    use(&plugin.table);
}

START_TEST(same_version)
{
    load_and_use("plain");
}
END_TEST

START_TEST(built_outside_the_tree)
{
    load_and_use("memory");
}
END_TEST

/* An older plugin: what it does not have is NULL in our copy, and its table ends where its memory ends. */
START_TEST(smaller_table)
{
    load_and_use("smaller");
}
END_TEST

START_TEST(larger_table)
{
    SF_AUTO(plugin) plugin = {0};
    struct sf_error err = SF_ERROR_INIT;

    load_and_use("larger");
    ck_assert_int_eq(plugin_load_file(&plugin, VARIANTS "/larger.so", NULL, &err), 0);
    ck_assert_uint_eq(plugin.table.abi_minor, SF_ABI_MINOR + 7);
    ck_assert_uint_eq(plugin.table.option_element_size, sizeof(struct sf_option) + sizeof(char *));
}
END_TEST

/* An option of a newer type is a text to us. */
START_TEST(newer_option_type)
{
    load_and_use("optionnew");
}
END_TEST

START_TEST(loads_again_after_cleanup)
{
    load_and_use("plain");
    load_and_use("plain");
}
END_TEST

START_TEST(wrong_tables)
{
    expect_variant("tiny", "its table of 6 bytes is too small to have an ABI version");
    expect_variant("short", "bytes is too small, ");
    expect_variant("major", "was built for the plugin ABI 2, this version speaks 1");
    expect_variant("noslot", "the required slot 'list_next' is missing");
    expect_variant("noversion", "it has no version");
    expect_variant("badname", "its name 'Bad Name' is not [a-z0-9_-]+");
    expect_variant("noname", "its name '' is not [a-z0-9_-]+");
    expect_variant("othername", "holds the plugin 'someone': name the file someone.so");
    expect_variant("badscheme", "its URL scheme 'S3:' is not [a-z][a-z0-9+.-]*");
}
END_TEST

START_TEST(wrong_options)
{
    expect_variant("optionsize", "its 2 options of 16 bytes each are no table of options");
    expect_variant("optionlies", "option 2 says that it has 4096 bytes, in a table of ");
    expect_variant("optionkey", "the key 'Key' of option 2 is not [a-z0-9_]+");
    expect_variant("optionown", "option 'prefix': the key is Snapferry's own");
    expect_variant("optiontwice", "option 'name': it is there twice");
    expect_variant("optiondefault", "option 'keep': its default is neither true nor false");
    expect_variant("optionchoice", "option 'keep': it has no choices");
    expect_variant("optionurl", "option 'keep': another option takes the same part of a URL");
}
END_TEST

START_TEST(refuses_to_run)
{
    expect_variant("refuse", "will not run with this version: the moon is in the wrong phase");
    expect_variant("silent", "will not run with this version, and does not say why");
}
END_TEST

START_TEST(not_a_plugin)
{
    AUTO_FREE char *text = mem_printf("%s/text.so", unit_temp_dir()),
                   *empty = mem_printf("%s/empty.so", unit_temp_dir());
    AUTO_FREE char *cut = mem_printf("%s/cut.so", unit_temp_dir()), *dir = mem_printf("%s/dir.so", unit_temp_dir());
    AUTO_FREE char *fifo = mem_printf("%s/fifo.so", unit_temp_dir()), *gone = mem_printf("%s/gone.so", unit_temp_dir());
    AUTO_FREE char *program = mem_printf("%s/object.so", unit_temp_dir());

    unit_write("text.so", "#!/bin/sh\necho no shared object at all\n", -1);
    unit_write("empty.so", "", 0);
    unit_write("cut.so", "\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\3\0rest is missing", 33);
    unit_write("object.so", "\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\1\0rest is missing", 33); /* ET_REL */
    ck_assert_int_eq(mkdir(dir, 0755), 0);
    ck_assert_int_eq(mkfifo(fifo, 0644), 0);
    expect_variant("nothing", "does not export snapferry_plugin_v1");
    expect_variant("undefined", "cannot be loaded: undefined symbol: function_that_is_nowhere");
    expect(text, SF_UNSUPPORTED, "is not a shared object");
    expect(empty, SF_UNSUPPORTED, "is not a shared object");
    expect(cut, SF_UNSUPPORTED, "cannot be loaded: ");
    expect(program, SF_UNSUPPORTED, "is not a shared object, but another kind of ELF file");
    expect(dir, SF_UNSUPPORTED, "is not a regular file");
    expect(fifo, SF_UNSUPPORTED, "is not a regular file");
    expect(gone, SF_NOT_FOUND, "No such file or directory");
}
END_TEST

START_TEST(wrong_file_names)
{
    expect("/nowhere/plugin.dll", SF_INVALID, "does not have a plugin's name");
    expect("/nowhere/Plugin.so", SF_INVALID, "does not have a plugin's name");
    expect("/nowhere/.so", SF_INVALID, "does not have a plugin's name");
}
END_TEST

START_TEST(library_prefix_in_the_file_name)
{
    AUTO_FREE char *file = copy_plain("libplain.so");
    SF_AUTO(plugin) plugin = {0};
    struct sf_error err = SF_ERROR_INIT;

    if (plugin_load_file(&plugin, file, NULL, &err) != 0)
        ck_abort_msg("%s", err.text);
    ck_assert_str_eq(plugin.table.name, "plain");
}
END_TEST

START_TEST(file_that_others_may_write)
{
    AUTO_FREE char *file = copy_plain("plain.so");

    ck_assert_int_eq(chmod(file, 0646), 0);
    expect(file, SF_DENIED, "is not safe: others may write to it (mode 0646)");
    ck_assert_int_eq(chmod(file, 0664), 0);
    expect(file, SF_DENIED, "is not safe: others may write to it (mode 0664)");
    ck_assert_int_eq(chmod(file, 0644), 0);
    load_and_use("plain");
}
END_TEST

START_TEST(folder_that_others_may_write)
{
    AUTO_FREE char *file = copy_plain("in/plain.so"), *folder = mem_printf("%s/in", unit_temp_dir());
    SF_AUTO(plugin) plugin = {0};
    struct sf_error err = SF_ERROR_INIT;

    ck_assert_int_eq(chmod(folder, 01777), 0);
    ck_assert_int_eq(plugin_load_file(&plugin, file, NULL, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "/in is not safe: others may write to it (mode 1777)"));
    ck_assert_int_eq(err.cls, SF_DENIED);
    ck_assert_int_eq(chmod(folder, 0755), 0);
    ck_assert_int_eq(plugin_load_file(&plugin, file, NULL, &err), 0);
}
END_TEST

/* The folder of the symlink and that of the file are both ways in. */
START_TEST(symlink_and_its_folders)
{
    AUTO_FREE char *file = copy_plain("far/plain.so"), *near = mem_printf("%s/near", unit_temp_dir());
    AUTO_FREE char *link = mem_printf("%s/plain.so", near), *far = mem_printf("%s/far", unit_temp_dir());
    struct plugin plugin = {0};
    struct sf_error err = SF_ERROR_INIT;

    ck_assert_int_eq(mkdir(near, 0755), 0);
    ck_assert_int_eq(symlink("../far/plain.so", link), 0);
    ck_assert_int_eq(plugin_load_file(&plugin, link, NULL, &err), 0);
    ck_assert_str_eq(plugin.path, file);
    plugin_cleanup(&plugin);
    ck_assert_int_eq(chmod(near, 0777), 0);
    ck_assert_int_eq(plugin_load_file(&plugin, link, NULL, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "/near is not safe"));
    ck_assert_int_eq(chmod(near, 0755), 0);
    ck_assert_int_eq(chmod(far, 0777), 0);
    ck_assert_int_eq(plugin_load_file(&plugin, link, NULL, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "/far is not safe"));
}
END_TEST

/* Only root can give a file away. For any other user there is the half that needs no chown: one's own files load. */
START_TEST(file_of_another_user)
{
    AUTO_FREE char *file = copy_plain("in/plain.so"), *folder = mem_printf("%s/in", unit_temp_dir());
    SF_AUTO(plugin) plugin = {0};
    struct sf_error err = SF_ERROR_INIT;

    ck_assert_int_eq(chmod(unit_temp_dir(), 0755), 0);
    if (geteuid() == 0) {
        ck_assert_int_eq(chown(file, 4711, 0), 0);
        expect(file, SF_DENIED, "is not safe: it belongs to user 4711, not to root or to the user who runs this (0)");
        ck_assert_int_eq(chown(file, 0, 0), 0);
        ck_assert_int_eq(chown(folder, 4711, 0), 0);
        ck_assert_int_eq(plugin_load_file(&plugin, file, NULL, &err), -1);
        ck_assert_ptr_nonnull(strstr(err.text, "/in is not safe: it belongs to user 4711"));
        ck_assert_int_eq(seteuid(4711), 0); /* its own folder, root's file */
    }
    ck_assert_int_eq(plugin_load_file(&plugin, file, NULL, &err), 0);
    if (getuid() == 0)
        ck_assert_int_eq(seteuid(0), 0);
}
END_TEST

UNIT_MAIN("abi", &same_version, &built_outside_the_tree, &smaller_table, &larger_table, &newer_option_type,
          &loads_again_after_cleanup, &wrong_tables, &wrong_options, &refuses_to_run, &not_a_plugin, &wrong_file_names,
          &library_prefix_in_the_file_name, &file_that_others_may_write, &folder_that_others_may_write,
          &symlink_and_its_folders, &file_of_another_user)
