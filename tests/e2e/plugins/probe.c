/* SPDX-License-Identifier: Apache-2.0
 *
 * The memory plugin, made to misbehave or to watch: break=PROMISE breaks one promise of docs/abi.md, so that the conformance suite must
 * find it; gate=N keeps puts of source files back until N of them run at once (or none comes for a while) and report=FILE tells the
 * most that there were. With -DSERIAL it is SF_SERIAL and fails when two calls overlap.
 */
#include <snapferry/plugin.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define WAIT_S 20          /* for others to come to the gate: then there are not that many */
#define LINGER_NS 50000000 /* for one more than the gate waits for */

const struct sf_plugin *memory_plugin(const struct sf_host *host);

/* One store at a time, as snapferry has it. */
static struct {
    const struct sf_plugin *memory;
    char broken[32];
    char report[4096];
    int gate;
    atomic_int inside; /* calls, for SERIAL */
    pthread_mutex_t mutex;
    pthread_cond_t came;
    int at_once, most;
    int gave_up;
    atomic_int aborts;
} probe = {.mutex = PTHREAD_MUTEX_INITIALIZER, .came = PTHREAD_COND_INITIALIZER};

static int breaks(const char *promise)
{
    return strcmp(probe.broken, promise) == 0;
}

static int enter(struct sf_error *err)
{
#ifdef SERIAL
    if (atomic_fetch_add(&probe.inside, 1) != 0)
        return sf_fail(err, SF_PERMANENT, "two calls at once into a plugin that takes one at a time");
#else
    (void)err;
#endif
    return 0;
}

static int leave(int result)
{
#ifdef SERIAL
    atomic_fetch_sub(&probe.inside, 1);
#endif
    return result;
}

static struct timespec after(time_t s, long ns)
{
    struct timespec when;

    clock_gettime(CLOCK_REALTIME, &when);
    when.tv_sec += s + (when.tv_nsec + ns) / 1000000000;
    when.tv_nsec = (when.tv_nsec + ns) % 1000000000;
    return when;
}

static void pass_gate(void)
{
    struct timespec until = after(WAIT_S, 0);

    pthread_mutex_lock(&probe.mutex);
    if (++probe.at_once > probe.most)
        probe.most = probe.at_once;
    pthread_cond_broadcast(&probe.came);
    while (probe.most < probe.gate && !probe.gave_up)
        if (pthread_cond_timedwait(&probe.came, &probe.mutex, &until) != 0)
            probe.gave_up = 1;
    until = after(0, LINGER_NS);
    while (probe.most <= probe.gate && pthread_cond_timedwait(&probe.came, &probe.mutex, &until) == 0)
        ;
    pthread_mutex_unlock(&probe.mutex);
}

static void leave_gate(void)
{
    pthread_mutex_lock(&probe.mutex);
    probe.at_once--;
    pthread_mutex_unlock(&probe.mutex);
}

static void setting(const struct sf_settings *settings, const char *key, char *out, size_t size)
{
    const char *value = sf_setting_value(settings, key);

    snprintf(out, size, "%s", value != NULL ? value : "");
}

static int probe_store_open(const struct sf_call *call, const struct sf_settings *settings, struct sf_store_info *info,
                            struct sf_store **store, struct sf_error *err)
{
    struct sf_store_info own = {.size = sizeof(own)};
    char number[32];

    setting(settings, "break", probe.broken, sizeof(probe.broken));
    setting(settings, "report", probe.report, sizeof(probe.report));
    setting(settings, "gate", number, sizeof(number));
    probe.gate = atoi(number);
    setting(settings, "small", number, sizeof(number));
    if (probe.memory->store_open(call, settings, &own, store, err) < 0)
        return -1;
    own.small_file_bytes = strtoull(number, NULL, 10);
    if (breaks("capabilities"))
        own.capabilities |= SF_CAP_COPY;
    sf_give(info, &own);
    return 0;
}

static void probe_store_close(struct sf_store *store)
{
    FILE *file = probe.report[0] != '\0' ? fopen(probe.report, "w") : NULL;

    if (file != NULL) {
        fprintf(file, "%d\n", probe.most);
        fclose(file);
    }
    probe.memory->store_close(store);
}

static void report_nothing(const struct sf_call *call, uint32_t kind, int32_t status, uint64_t bytes)
{
    (void)call;
    (void)kind;
    (void)status;
    (void)bytes;
}

static int probe_put(const struct sf_call *call, struct sf_conn *conn, const struct sf_put *put,
                     struct sf_object *object, struct sf_error *err)
{
    int gated = probe.gate > 0 && strstr(put->key, ".snapferry/") == NULL, result;
    struct sf_put other = {.size = sizeof(other)};
    struct sf_call silent = *call;

    if (enter(err) < 0)
        return leave(-1);
    sf_take(&other, sizeof(other), put);
    silent.request = report_nothing;
    if (breaks("create-only") && other.precondition == SF_IF_ABSENT)
        other.precondition = SF_IF_ANY;
    if (breaks("digest"))
        other.digests = NULL;
    if (breaks("metadata"))
        other.meta_count = 0;
    if (gated)
        pass_gate();
    result = probe.memory->put(breaks("report") ? &silent : call, conn, &other, object, err);
    if (gated)
        leave_gate();
    if (result == 0 && breaks("tag"))
        object->tag[0] = object->tag[0] == '9' ? '1' : '9';
    return leave(result);
}

static int probe_get(const struct sf_call *call, struct sf_conn *conn, const struct sf_get *get,
                     const struct sf_sink *sink, struct sf_object *object, struct sf_error *err)
{
    struct sf_object whole = {.size = sizeof(whole)};
    struct sf_get other = {.size = sizeof(other)};
    int result;

    if (enter(err) < 0)
        return leave(-1);
    sf_take(&other, sizeof(other), get);
    if (breaks("short-get") && other.length == UINT64_MAX &&
        probe.memory->stat(call, conn, other.key, &whole, err) == 0 && whole.bytes > 1)
        other.length = whole.bytes - 1;
    result = probe.memory->get(call, conn, &other, sink, object, err);
    return leave(result);
}

static int probe_stat(const struct sf_call *call, struct sf_conn *conn, const char *key, struct sf_object *object,
                      struct sf_error *err)
{
    return leave(enter(err) < 0 ? -1 : probe.memory->stat(call, conn, key, object, err));
}

static int probe_list_open(const struct sf_call *call, struct sf_conn *conn, const struct sf_list_query *query,
                           struct sf_list **list, struct sf_error *err)
{
    struct sf_list_query other = {.size = sizeof(other)};

    if (enter(err) < 0)
        return leave(-1);
    sf_take(&other, sizeof(other), query);
    if (breaks("start-after"))
        other.start_after = NULL;
    return leave(probe.memory->list_open(call, conn, &other, list, err));
}

/* Hands every second object over before the first. */
struct swap {
    const struct sf_list_sink *sink;
    struct sf_object kept;
    char *key; /* of kept; NULL: none is kept */
};

static void swap_flush(struct swap *swap)
{
    if (swap->key != NULL)
        swap->sink->object(swap->sink->ctx, &swap->kept);
    free(swap->key);
    swap->key = NULL;
}

static void swap_object(void *ctx, const struct sf_object *object)
{
    struct swap *swap = ctx;

    if (swap->key != NULL) {
        swap->sink->object(swap->sink->ctx, object);
        swap_flush(swap);
        return;
    }
    swap->kept = *object;
    swap->kept.key = swap->key = strdup(object->key);
}

static void swap_prefix(void *ctx, const char *prefix)
{
    struct swap *swap = ctx;

    swap->sink->prefix(swap->sink->ctx, prefix);
}

static int probe_list_next(const struct sf_call *call, struct sf_list *list, const struct sf_list_sink *sink, int *more,
                           struct sf_error *err)
{
    struct swap swap = {.sink = sink};
    struct sf_list_sink swapped = {.size = sizeof(swapped), .ctx = &swap, .object = swap_object, .prefix = swap_prefix};
    int result;

    if (enter(err) < 0)
        return leave(-1);
    result = probe.memory->list_next(call, list, breaks("order") ? &swapped : sink, more, err);
    swap_flush(&swap);
    return leave(result);
}

static int probe_remove(const struct sf_call *call, struct sf_conn *conn, const struct sf_remove *items, uint32_t count,
                        uint32_t element_size, const struct sf_remove_sink *sink, struct sf_error *err)
{
    if (enter(err) < 0)
        return leave(-1);
    if (breaks("batch") && count > 1)
        count--;
    return leave(probe.memory->remove(call, conn, items, count, element_size, sink, err));
}

/* --- uploads --- */

static int probe_upload_begin(const struct sf_call *call, struct sf_conn *conn, const struct sf_upload_args *args,
                              struct sf_upload_token *token, struct sf_upload **upload, struct sf_error *err)
{
    struct sf_body body = {.size = sizeof(body), .kind = SF_BODY_MEMORY, .data = ""};
    struct sf_put early = {.size = sizeof(early), .key = args->key, .body = &body};
    struct sf_object object = {.size = sizeof(object)};

    if (enter(err) < 0)
        return leave(-1);
    if (breaks("upload-early") && probe.memory->put(call, conn, &early, &object, err) < 0)
        return leave(-1);
    return leave(probe.memory->upload_begin(call, conn, args, token, upload, err));
}

static int probe_upload_resume(const struct sf_call *call, struct sf_conn *conn, const struct sf_upload_args *args,
                               const struct sf_upload_token *token, uint64_t *persisted, struct sf_upload **upload,
                               struct sf_error *err)
{
    return leave(enter(err) < 0 ? -1 : probe.memory->upload_resume(call, conn, args, token, persisted, upload, err));
}

static int probe_upload_part(const struct sf_call *call, struct sf_conn *conn, struct sf_upload *upload,
                             const struct sf_part *part, struct sf_part_result *result, struct sf_error *err)
{
    struct sf_part other = {.size = sizeof(other)};
    struct sf_call silent = *call;

    if (enter(err) < 0)
        return leave(-1);
    sf_take(&other, sizeof(other), part);
    silent.request = report_nothing;
    if (breaks("upload-digest"))
        other.digests = NULL;
    return leave(
        probe.memory->upload_part(breaks("upload-report") ? &silent : call, conn, upload, &other, result, err));
}

static int probe_upload_commit(const struct sf_call *call, struct sf_conn *conn, struct sf_upload *upload,
                               const struct sf_upload_args *args, const struct sf_part_done *parts, uint32_t count,
                               uint32_t element_size, struct sf_object *object, struct sf_error *err)
{
    struct sf_upload_args other = {.size = sizeof(other)};
    struct sf_part_done done = {.size = sizeof(done)};
    uint32_t i;

    if (enter(err) < 0)
        return leave(-1);
    sf_take(&other, sizeof(other), args);
    if (breaks("upload-create-only"))
        other.precondition = SF_IF_ANY;
    if (breaks("upload-metadata"))
        other.meta_count = 0;
    if (breaks("upload-missing"))
        for (i = 0, other.bytes = 0, other.digests = NULL; i < count; i++) {
            sf_take(&done, sizeof(done), (const char *)parts + (size_t)i * element_size);
            other.bytes += done.bytes;
        }
    if (breaks("upload-element"))
        element_size = sizeof(*parts);
    return leave(probe.memory->upload_commit(call, conn, upload, &other, parts, count, element_size, object, err));
}

/* "upload-abort": every other one fails, as if what is gone could not be aborted again. */
static int probe_upload_abort(const struct sf_call *call, struct sf_conn *conn, struct sf_upload *upload,
                              struct sf_error *err)
{
    if (enter(err) < 0)
        return leave(-1);
    if (breaks("upload-abort") && probe.aborts++ % 2 == 1)
        return leave(sf_fail(err, SF_NOT_FOUND, "no such upload"));
    return leave(probe.memory->upload_abort(call, conn, upload, err));
}

static int probe_uploads_list(const struct sf_call *call, struct sf_conn *conn, const char *prefix,
                              const struct sf_uploads_sink *sink, struct sf_error *err)
{
    const char *slash = strrchr(prefix, '/');
    char folder[1024];

    if (enter(err) < 0)
        return leave(-1);
    snprintf(folder, sizeof(folder), "%.*s", slash != NULL ? (int)(slash - prefix + 1) : 0, prefix);
    return leave(probe.memory->uploads_list(call, conn, breaks("upload-prefix") ? folder : prefix, sink, err));
}

const struct sf_plugin *snapferry_plugin_v1(const struct sf_host *host)
{
    static const struct sf_option options[] = {
        {sizeof(options[0]), SF_OPTION_TEXT, SF_OPTION_URL_HOST, 0, "name", "default", NULL, "of the store"},
        {sizeof(options[0]), SF_OPTION_TEXT, 0, 0, "break", NULL, NULL, "the promise to break"},
        {sizeof(options[0]), SF_OPTION_INTEGER, 0, 0, "gate", NULL, NULL, "puts of files to wait for"},
        {sizeof(options[0]), SF_OPTION_BYTES, 0, 0, "small", NULL, NULL, "small_file_bytes of this store"},
        {sizeof(options[0]), SF_OPTION_TEXT, 0, 0, "report", NULL, NULL, "file to write the most puts at once to"},
        {sizeof(options[0]), SF_OPTION_TEXT, SF_OPTION_SECRET, 0, "token", NULL, NULL, "a secret that nothing needs"},
    };
    static const char *const schemes[] = {"probe"};
    static struct sf_plugin plugin;

    probe.memory = memory_plugin(host);
    plugin = *probe.memory;
    plugin.name = "probe";
#ifdef SERIAL
    plugin.name = "serial";
    plugin.threads = SF_SERIAL;
#endif
    plugin.options = options;
    plugin.option_count = sizeof(options) / sizeof(options[0]);
    plugin.option_element_size = sizeof(options[0]);
    plugin.schemes = schemes;
    plugin.scheme_count = 1;
    plugin.store_open = probe_store_open;
    plugin.store_close = probe_store_close;
    plugin.put = probe_put;
    plugin.get = probe_get;
    plugin.stat = probe_stat;
    plugin.list_open = probe_list_open;
    plugin.list_next = probe_list_next;
    plugin.remove = probe_remove;
    plugin.upload_begin = probe_upload_begin;
    plugin.upload_resume = probe_upload_resume;
    plugin.upload_part = probe_upload_part;
    plugin.upload_commit = probe_upload_commit;
    plugin.upload_abort = probe_upload_abort;
    plugin.uploads_list = probe_uploads_list;
    return &plugin;
}
