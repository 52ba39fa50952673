/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/plugins/s3/bed.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>

#define SETTINGS_MAX 48

extern char **environ;

/* ---- what the plugin is given ---- */

static int call_cancelled(const struct sf_call *call)
{
    struct bed *bed = call->ctx;

    return bed->is_cancelled;
}

static void call_account(const struct sf_call *call, uint64_t bytes)
{
    struct bed *bed = call->ctx;

    bed->accounted += bytes;
}

static void call_request(const struct sf_call *call, uint32_t kind, int32_t status, uint64_t bytes)
{
    struct bed *bed = call->ctx;

    ck_assert_uint_le(kind, SF_REQUEST_OTHER);
    bed->requests[kind]++;
    bed->status = status;
    bed->bytes = bytes;
}

static void host_log(const struct sf_host *host, int32_t level, const char *text)
{
    static const char *const names[] = {"error", "warning", "info", "debug"};
    struct bed *bed = host->ctx;

    buf_printf(&bed->log, "%s: %s\n", names[level], text);
}

static void set(struct sf_setting *settings, uint32_t *count, const char *key, const char *value)
{
    uint32_t i;

    for (i = 0; i < *count && strcmp(settings[i].key, key) != 0; i++)
        continue;
    if (value == NULL && i < *count)
        settings[i] = settings[--*count];
    if (value == NULL)
        return;
    ck_assert_uint_lt(i, SETTINGS_MAX);
    settings[i] = (struct sf_setting){.size = sizeof(struct sf_setting), .key = key, .value = value};
    *count += i == *count;
}

/* As the host does it: a fallback stands for what is not set. */
static void set_fallbacks(const struct sf_plugin *s3, struct sf_setting *settings, uint32_t *count)
{
    uint32_t i;

    for (i = 0; i < s3->option_count; i++)
        if (s3->options[i].fallback != NULL && s3->options[i].type != SF_OPTION_DURATION)
            set(settings, count, s3->options[i].key, s3->options[i].fallback);
}

static void clear_environment(void)
{
    char name[128];
    size_t i = 0;

    while (environ[i] != NULL) {
        snprintf(name, sizeof(name), "%.*s", (int)strcspn(environ[i], "="), environ[i]);
        if (strncmp(name, "AWS_", 4) == 0)
            unsetenv(name);
        else
            i++;
    }
}

/* ---- start and end ---- */

static void bed_init(struct bed *bed)
{
    *bed = (struct bed){.err = SF_ERROR_INIT,
                        .info = {.size = sizeof(struct sf_store_info)},
                        .object = {.size = sizeof(struct sf_object)}};
    bed->host = (struct sf_host){.size = sizeof(bed->host),
                                 .abi_major = SF_ABI_MAJOR,
                                 .abi_minor = SF_ABI_MINOR,
                                 .version = "test",
                                 .ctx = bed,
                                 .log = host_log,
                                 .log_level = SF_LOG_DEBUG};
    bed->call = (struct sf_call){.size = sizeof(bed->call),
                                 .ctx = bed,
                                 .cancelled = call_cancelled,
                                 .account = call_account,
                                 .request = call_request};
    bed->s3 = snapferry_plugin_v1(&bed->host);
}

void bed_start_as(struct bed *bed, const struct httpd_step *steps, size_t count, ...)
{
    struct sf_setting items[SETTINGS_MAX];
    struct sf_settings settings = {.size = sizeof(settings), .element_size = sizeof(items[0]), .items = items};
    const char *key;
    va_list args;

    clear_environment();
    bed_init(bed);
    bed->server = httpd_start_as(HTTPD_PLAIN, steps, count);
    set_fallbacks(bed->s3, items, &settings.count);
    set(items, &settings.count, "bucket", "bucket");
    set(items, &settings.count, "endpoint", httpd_url(bed->server));
    set(items, &settings.count, "region", "us-east-1");
    set(items, &settings.count, "access_key_id", "AKID");
    set(items, &settings.count, "secret_access_key", BED_SECRET);
    set(items, &settings.count, "proxy", "");
    set(items, &settings.count, "connect_timeout", "600000");
    set(items, &settings.count, "stall_timeout", "600000");
    va_start(args, count);
    while ((key = va_arg(args, const char *)) != NULL)
        set(items, &settings.count, key, va_arg(args, const char *));
    va_end(args);
    ck_assert_msg(bed->s3->store_open(&bed->call, &settings, &bed->info, &bed->store, &bed->err) == 0, "%s",
                  bed->err.text);
    ck_assert_msg(bed->s3->conn_open(&bed->call, bed->store, &bed->conn, &bed->err) == 0, "%s", bed->err.text);
}

void bed_stop(struct bed *bed)
{
    bed->s3->conn_close(bed->conn);
    bed->s3->store_close(bed->store);
    httpd_stop(bed->server);
    buf_cleanup(&bed->got);
    buf_cleanup(&bed->log);
}

/* ---- calls ---- */

static void fresh(struct bed *bed)
{
    bed->err = (struct sf_error)SF_ERROR_INIT;
    bed->object = (struct sf_object){.size = sizeof(bed->object)};
}

/* On success *err is left alone, on failure it has a class and a text. */
static int checked(const struct bed *bed, int result)
{
    if (result == 0)
        ck_assert_msg(bed->err.cls == SF_OK && bed->err.text[0] == '\0', "a success with the error %s", bed->err.text);
    else
        ck_assert_msg(result == -1 && bed->err.cls != SF_OK && bed->err.text[0] != '\0', "a failure without an error");
    return result;
}

struct sf_body bed_text(const char *text)
{
    return (struct sf_body){
        .size = sizeof(struct sf_body), .kind = SF_BODY_MEMORY, .length = strlen(text), .data = text, .fd = -1};
}

int bed_put_as(struct bed *bed, const struct sf_put *put)
{
    struct sf_put sized = *put;

    sized.size = sizeof(sized);
    sized.meta_element_size = sizeof(struct sf_meta);
    fresh(bed);
    return checked(bed, bed->s3->put(&bed->call, bed->conn, &sized, &bed->object, &bed->err));
}

int bed_put(struct bed *bed, const char *key, const char *text)
{
    struct sf_body body = bed_text(text);

    return bed_put_as(bed, &(struct sf_put){.key = key, .body = &body});
}

int bed_stat(struct bed *bed, const char *key)
{
    fresh(bed);
    return checked(bed, bed->s3->stat(&bed->call, bed->conn, key, &bed->object, &bed->err));
}

static int sink_write(void *ctx, uint64_t position, const void *bytes, size_t length, struct sf_error *err)
{
    struct bed *bed = ctx;

    (void)err;
    ck_assert_uint_eq(position, bed->got.length);
    buf_add(&bed->got, bytes, length);
    return 0;
}

struct sf_sink bed_sink(struct bed *bed)
{
    return (struct sf_sink){
        .size = sizeof(struct sf_sink), .kind = SF_SINK_CALLBACK, .fd = -1, .ctx = bed, .write = sink_write};
}

int bed_get_as(struct bed *bed, const struct sf_get *get, const struct sf_sink *sink)
{
    struct sf_get sized = *get;

    sized.size = sizeof(sized);
    fresh(bed);
    return checked(bed, bed->s3->get(&bed->call, bed->conn, &sized, sink, &bed->object, &bed->err));
}

int bed_get(struct bed *bed, const char *key)
{
    struct sf_sink sink = bed_sink(bed);

    buf_clear(&bed->got);
    return bed_get_as(bed, &(struct sf_get){.key = key, .length = UINT64_MAX}, &sink);
}

static void take_object(void *ctx, const struct sf_object *object)
{
    struct bed *bed = ctx;

    buf_printf(&bed->got, "%s %llu %s\n", object->key, (unsigned long long)object->bytes, object->tag);
}

static void take_prefix(void *ctx, const char *prefix)
{
    struct bed *bed = ctx;

    buf_printf(&bed->got, "%s\n", prefix);
}

int bed_page(struct bed *bed, struct sf_list *list, int *more)
{
    struct sf_list_sink sink = {.size = sizeof(sink), .ctx = bed, .object = take_object, .prefix = take_prefix};

    fresh(bed);
    return checked(bed, bed->s3->list_next(&bed->call, list, &sink, more, &bed->err));
}

int bed_list(struct bed *bed, const struct sf_list_query *query)
{
    struct sf_list_query sized = *query;
    struct sf_list *list = NULL;
    int more = 1, result = 0;

    sized.size = sizeof(sized);
    if (sized.prefix == NULL)
        sized.prefix = "";
    fresh(bed);
    buf_clear(&bed->got);
    if (checked(bed, bed->s3->list_open(&bed->call, bed->conn, &sized, &list, &bed->err)) < 0)
        return -1;
    while (result == 0 && more)
        result = bed_page(bed, list, &more);
    bed->s3->list_close(list);
    return result;
}

static void take_result(void *ctx, uint32_t index, int32_t cls, const char *text)
{
    struct bed *bed = ctx;

    buf_printf(&bed->got, "%u %d %s\n", index, cls, text != NULL ? text : "");
}

int bed_remove(struct bed *bed, const struct sf_remove *items, uint32_t count)
{
    struct sf_remove_sink sink = {.size = sizeof(sink), .ctx = bed, .result = take_result};

    fresh(bed);
    buf_clear(&bed->got);
    return checked(bed,
                   bed->s3->remove(&bed->call, bed->conn, items, count, sizeof(struct sf_remove), &sink, &bed->err));
}

int bed_remove_key(struct bed *bed, const char *key)
{
    struct sf_remove item = {.size = sizeof(item), .key = key};

    return bed_remove(bed, &item, 1);
}

int bed_copy(struct bed *bed, const struct sf_copy *copy)
{
    struct sf_copy sized = *copy;

    sized.size = sizeof(sized);
    sized.meta_element_size = sizeof(struct sf_meta);
    fresh(bed);
    return checked(bed, bed->s3->copy(&bed->call, bed->conn, &sized, &bed->object, &bed->err));
}

static struct sf_upload_args sized_args(const struct sf_upload_args *args)
{
    struct sf_upload_args sized = *args;

    sized.size = sizeof(sized);
    sized.meta_element_size = sizeof(struct sf_meta);
    return sized;
}

struct sf_upload *bed_begin(struct bed *bed, const struct sf_upload_args *args, struct sf_upload_token *token)
{
    struct sf_upload_args sized = sized_args(args);
    struct sf_upload_token own = {.size = sizeof(own)};
    struct sf_upload *upload = NULL;

    fresh(bed);
    if (checked(bed, bed->s3->upload_begin(&bed->call, bed->conn, &sized, &own, &upload, &bed->err)) < 0)
        ck_assert_ptr_null(upload);
    if (token != NULL)
        *token = own;
    return upload;
}

int bed_part(struct bed *bed, struct sf_upload *upload, uint32_t number, const char *text,
             struct sf_part_result *result)
{
    struct sf_body body = bed_text(text);
    struct sf_part part = {.size = sizeof(part), .number = number, .body = &body};

    *result = (struct sf_part_result){.size = sizeof(*result)};
    fresh(bed);
    return checked(bed, bed->s3->upload_part(&bed->call, bed->conn, upload, &part, result, &bed->err));
}

int bed_commit(struct bed *bed, struct sf_upload *upload, const struct sf_upload_args *args,
               const struct sf_part_done *parts, uint32_t count)
{
    struct sf_upload_args sized = sized_args(args);

    fresh(bed);
    return checked(bed, bed->s3->upload_commit(&bed->call, bed->conn, upload, &sized, parts, count,
                                               sizeof(struct sf_part_done), &bed->object, &bed->err));
}

/* ---- looks ---- */

void bed_failed(const struct bed *bed, enum sf_class cls, int status, ...)
{
    const char *word;
    va_list args;

    ck_assert_msg(bed->err.cls == (int32_t)cls, "class %d: %s", bed->err.cls, bed->err.text);
    ck_assert_msg(bed->err.status == status, "status %d: %s", bed->err.status, bed->err.text);
    ck_assert_msg(strstr(bed->err.text, BED_SECRET) == NULL, "the secret is in '%s'", bed->err.text);
    va_start(args, status);
    while ((word = va_arg(args, const char *)) != NULL)
        ck_assert_msg(strstr(bed->err.text, word) != NULL, "'%s' has no '%s'", bed->err.text, word);
    va_end(args);
}

const char *bed_sent(struct bed *bed, size_t request, const char *name)
{
    const char *value = httpd_seen_header(httpd_seen(bed->server, request), name);

    ck_assert_msg(value != NULL, "request %zu has no header %s", request, name);
    return value;
}

unsigned bed_count(const char *text, const char *word)
{
    unsigned count = 0;

    for (; (text = strstr(text, word)) != NULL; text += strlen(word))
        count++;
    return count;
}
