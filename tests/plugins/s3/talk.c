/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/plugins/s3/talk.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>

#define SETTINGS_MAX 48

extern char **environ;

/* ---- what the plugin is given ---- */

static int call_cancelled(const struct sf_call *call)
{
    struct talk *talk = call->ctx;

    return talk->is_cancelled;
}

static void call_account(const struct sf_call *call, uint64_t bytes)
{
    struct talk *talk = call->ctx;

    talk->accounted += bytes;
}

static void call_request(const struct sf_call *call, uint32_t kind, int32_t status, uint64_t bytes)
{
    struct talk *talk = call->ctx;

    ck_assert_uint_le(kind, SF_REQUEST_OTHER);
    talk->requests[kind]++;
    talk->status = status;
    talk->bytes = bytes;
}

static void host_log(const struct sf_host *host, int32_t level, const char *text)
{
    static const char *const names[] = {"error", "warning", "info", "debug"};
    struct talk *talk = host->ctx;

    buf_printf(&talk->log, "%s: %s\n", names[level], text);
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

static void talk_init(struct talk *talk)
{
    *talk = (struct talk){.err = SF_ERROR_INIT,
                          .info = {.size = sizeof(struct sf_store_info)},
                          .object = {.size = sizeof(struct sf_object)}};
    talk->host = (struct sf_host){.size = sizeof(talk->host),
                                  .abi_major = SF_ABI_MAJOR,
                                  .abi_minor = SF_ABI_MINOR,
                                  .version = "test",
                                  .ctx = talk,
                                  .log = host_log,
                                  .log_level = SF_LOG_DEBUG};
    talk->call = (struct sf_call){.size = sizeof(talk->call),
                                  .ctx = talk,
                                  .cancelled = call_cancelled,
                                  .account = call_account,
                                  .request = call_request};
    talk->s3 = snapferry_plugin_v1(&talk->host);
}

void talk_start_as(struct talk *talk, const struct httpd_step *steps, size_t count, ...)
{
    struct sf_setting items[SETTINGS_MAX];
    struct sf_settings settings = {.size = sizeof(settings), .element_size = sizeof(items[0]), .items = items};
    const char *key;
    va_list args;

    clear_environment();
    talk_init(talk);
    talk->server = httpd_start_as(HTTPD_PLAIN, steps, count);
    set_fallbacks(talk->s3, items, &settings.count);
    set(items, &settings.count, "bucket", "bucket");
    set(items, &settings.count, "endpoint", httpd_url(talk->server));
    set(items, &settings.count, "region", "us-east-1");
    set(items, &settings.count, "access_key_id", "AKID");
    set(items, &settings.count, "secret_access_key", TALK_SECRET);
    set(items, &settings.count, "proxy", "");
    set(items, &settings.count, "connect_timeout", "600000");
    set(items, &settings.count, "stall_timeout", "600000");
    va_start(args, count);
    while ((key = va_arg(args, const char *)) != NULL)
        set(items, &settings.count, key, va_arg(args, const char *));
    va_end(args);
    ck_assert_msg(talk->s3->store_open(&talk->call, &settings, &talk->info, &talk->store, &talk->err) == 0, "%s",
                  talk->err.text);
    ck_assert_msg(talk->s3->conn_open(&talk->call, talk->store, &talk->conn, &talk->err) == 0, "%s", talk->err.text);
}

void talk_stop(struct talk *talk)
{
    talk->s3->conn_close(talk->conn);
    talk->s3->store_close(talk->store);
    httpd_stop(talk->server);
    buf_cleanup(&talk->got);
    buf_cleanup(&talk->log);
}

/* ---- calls ---- */

static void fresh(struct talk *talk)
{
    talk->err = (struct sf_error)SF_ERROR_INIT;
    talk->object = (struct sf_object){.size = sizeof(talk->object)};
}

/* On success *err is left alone, on failure it has a class and a text. */
static int checked(const struct talk *talk, int result)
{
    if (result == 0)
        ck_assert_msg(talk->err.cls == SF_OK && talk->err.text[0] == '\0', "a success with the error %s",
                      talk->err.text);
    else
        ck_assert_msg(result == -1 && talk->err.cls != SF_OK && talk->err.text[0] != '\0',
                      "a failure without an error");
    return result;
}

struct sf_body talk_text(const char *text)
{
    return (struct sf_body){
        .size = sizeof(struct sf_body), .kind = SF_BODY_MEMORY, .length = strlen(text), .data = text, .fd = -1};
}

int talk_put_as(struct talk *talk, const struct sf_put *put)
{
    struct sf_put sized = *put;

    sized.size = sizeof(sized);
    sized.meta_element_size = sizeof(struct sf_meta);
    fresh(talk);
    return checked(talk, talk->s3->put(&talk->call, talk->conn, &sized, &talk->object, &talk->err));
}

int talk_put(struct talk *talk, const char *key, const char *text)
{
    struct sf_body body = talk_text(text);

    return talk_put_as(talk, &(struct sf_put){.key = key, .body = &body});
}

int talk_stat(struct talk *talk, const char *key)
{
    fresh(talk);
    return checked(talk, talk->s3->stat(&talk->call, talk->conn, key, &talk->object, &talk->err));
}

static int sink_write(void *ctx, uint64_t position, const void *bytes, size_t length, struct sf_error *err)
{
    struct talk *talk = ctx;

    (void)err;
    ck_assert_uint_eq(position, talk->got.length);
    buf_add(&talk->got, bytes, length);
    return 0;
}

struct sf_sink talk_sink(struct talk *talk)
{
    return (struct sf_sink){
        .size = sizeof(struct sf_sink), .kind = SF_SINK_CALLBACK, .fd = -1, .ctx = talk, .write = sink_write};
}

int talk_get_as(struct talk *talk, const struct sf_get *get, const struct sf_sink *sink)
{
    struct sf_get sized = *get;

    sized.size = sizeof(sized);
    fresh(talk);
    return checked(talk, talk->s3->get(&talk->call, talk->conn, &sized, sink, &talk->object, &talk->err));
}

int talk_get(struct talk *talk, const char *key)
{
    struct sf_sink sink = talk_sink(talk);

    buf_clear(&talk->got);
    return talk_get_as(talk, &(struct sf_get){.key = key, .length = UINT64_MAX}, &sink);
}

static void take_object(void *ctx, const struct sf_object *object)
{
    struct talk *talk = ctx;

    buf_printf(&talk->got, "%s %llu %s\n", object->key, (unsigned long long)object->bytes, object->tag);
}

static void take_prefix(void *ctx, const char *prefix)
{
    struct talk *talk = ctx;

    buf_printf(&talk->got, "%s\n", prefix);
}

int talk_page(struct talk *talk, struct sf_list *list, int *more)
{
    struct sf_list_sink sink = {.size = sizeof(sink), .ctx = talk, .object = take_object, .prefix = take_prefix};

    fresh(talk);
    return checked(talk, talk->s3->list_next(&talk->call, list, &sink, more, &talk->err));
}

int talk_list(struct talk *talk, const struct sf_list_query *query)
{
    struct sf_list_query sized = *query;
    struct sf_list *list = NULL;
    int more = 1, result = 0;

    sized.size = sizeof(sized);
    if (sized.prefix == NULL)
        sized.prefix = "";
    fresh(talk);
    buf_clear(&talk->got);
    if (checked(talk, talk->s3->list_open(&talk->call, talk->conn, &sized, &list, &talk->err)) < 0)
        return -1;
    while (result == 0 && more)
        result = talk_page(talk, list, &more);
    talk->s3->list_close(list);
    return result;
}

static void take_result(void *ctx, uint32_t index, int32_t cls, const char *text)
{
    struct talk *talk = ctx;

    buf_printf(&talk->got, "%u %d %s\n", index, cls, text != NULL ? text : "");
}

int talk_remove(struct talk *talk, const struct sf_remove *items, uint32_t count)
{
    struct sf_remove_sink sink = {.size = sizeof(sink), .ctx = talk, .result = take_result};

    fresh(talk);
    buf_clear(&talk->got);
    return checked(
        talk, talk->s3->remove(&talk->call, talk->conn, items, count, sizeof(struct sf_remove), &sink, &talk->err));
}

int talk_remove_key(struct talk *talk, const char *key)
{
    struct sf_remove item = {.size = sizeof(item), .key = key};

    return talk_remove(talk, &item, 1);
}

int talk_copy(struct talk *talk, const struct sf_copy *copy)
{
    struct sf_copy sized = *copy;

    sized.size = sizeof(sized);
    sized.meta_element_size = sizeof(struct sf_meta);
    fresh(talk);
    return checked(talk, talk->s3->copy(&talk->call, talk->conn, &sized, &talk->object, &talk->err));
}

static struct sf_upload_args sized_args(const struct sf_upload_args *args)
{
    struct sf_upload_args sized = *args;

    sized.size = sizeof(sized);
    sized.meta_element_size = sizeof(struct sf_meta);
    return sized;
}

struct sf_upload *talk_begin(struct talk *talk, const struct sf_upload_args *args, struct sf_upload_token *token)
{
    struct sf_upload_args sized = sized_args(args);
    struct sf_upload_token own = {.size = sizeof(own)};
    struct sf_upload *upload = NULL;

    fresh(talk);
    if (checked(talk, talk->s3->upload_begin(&talk->call, talk->conn, &sized, &own, &upload, &talk->err)) < 0)
        ck_assert_ptr_null(upload);
    if (token != NULL)
        *token = own;
    return upload;
}

int talk_part(struct talk *talk, struct sf_upload *upload, uint32_t number, const char *text,
              struct sf_part_result *result)
{
    struct sf_body body = talk_text(text);
    struct sf_part part = {.size = sizeof(part), .number = number, .body = &body};

    *result = (struct sf_part_result){.size = sizeof(*result)};
    fresh(talk);
    return checked(talk, talk->s3->upload_part(&talk->call, talk->conn, upload, &part, result, &talk->err));
}

int talk_commit(struct talk *talk, struct sf_upload *upload, const struct sf_upload_args *args,
                const struct sf_part_done *parts, uint32_t count)
{
    struct sf_upload_args sized = sized_args(args);

    fresh(talk);
    return checked(talk, talk->s3->upload_commit(&talk->call, talk->conn, upload, &sized, parts, count,
                                                 sizeof(struct sf_part_done), &talk->object, &talk->err));
}

/* ---- looks ---- */

void talk_failed(const struct talk *talk, enum sf_class cls, int status, ...)
{
    const char *word;
    va_list args;

    ck_assert_msg(talk->err.cls == (int32_t)cls, "class %d: %s", talk->err.cls, talk->err.text);
    ck_assert_msg(talk->err.status == status, "status %d: %s", talk->err.status, talk->err.text);
    ck_assert_msg(strstr(talk->err.text, TALK_SECRET) == NULL, "the secret is in '%s'", talk->err.text);
    va_start(args, status);
    while ((word = va_arg(args, const char *)) != NULL)
        ck_assert_msg(strstr(talk->err.text, word) != NULL, "'%s' has no '%s'", talk->err.text, word);
    va_end(args);
}

const char *talk_sent(struct talk *talk, size_t request, const char *name)
{
    const char *value = httpd_seen_header(httpd_seen(talk->server, request), name);

    ck_assert_msg(value != NULL, "request %zu has no header %s", request, name);
    return value;
}

unsigned talk_count(const char *text, const char *word)
{
    unsigned count = 0;

    for (; (text = strstr(text, word)) != NULL; text += strlen(word))
        count++;
    return count;
}
