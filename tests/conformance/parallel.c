/* SPDX-License-Identifier: Apache-2.0
 *
 * Several connections at once, as the core's workers use them. A SERIAL plugin gets one call at a time, as the core would do.
 */
#include "tests/conformance/conformance.h"

#include "base/auto.h"
#include "base/clock.h"

#include <pthread.h>

#define THREADS 8
#define PUTS 40

struct crew {
    struct conformance *suite;
    bool same_key;
    struct {
        pthread_mutex_t mutex;
        unsigned stored;
        unsigned refused;
        char problem[SF_ERROR_TEXT];
    } locked;
    pthread_mutex_t serial; /* held round each call of a SERIAL plugin */
    atomic_uint numbers;
};

static int put_one(struct crew *crew, struct sf_conn *conn, const char *key, struct sf_error *err)
{
    struct sf_body body = {.size = sizeof(body), .kind = SF_BODY_MEMORY, .length = strlen(key), .data = key};
    struct sf_digests digests;
    struct sf_put put = {.size = sizeof(put),
                         .key = key,
                         .body = &body,
                         .digests = &digests,
                         .meta_element_size = sizeof(struct sf_meta),
                         .precondition = crew->same_key ? SF_IF_ABSENT : SF_IF_ANY};
    struct sf_object object = {.size = sizeof(object)};
    int result;

    conformance_digests(crew->suite, key, strlen(key), &digests);
    if (crew->suite->table->threads == SF_SERIAL)
        pthread_mutex_lock(&crew->serial);
    result = crew->suite->table->put(&crew->suite->call, conn, &put, &object, err);
    if (crew->suite->table->threads == SF_SERIAL)
        pthread_mutex_unlock(&crew->serial);
    return result;
}

static void work(struct crew *crew, struct sf_conn *conn)
{
    unsigned number = crew->numbers++, i;

    for (i = 0; i < PUTS; i++) {
        struct sf_error err = SF_ERROR_INIT;
        SF_AUTO(buf) key = BUF_INIT;
        char name[64];
        int result;

        if (crew->same_key)
            snprintf(name, sizeof(name), "race/%u", i);
        else
            snprintf(name, sizeof(name), "folder-%u/%u", i % 4, number * PUTS + i);
        conformance_key(crew->suite, name, &key);
        result = put_one(crew, conn, key.data, &err);
        pthread_mutex_lock(&crew->locked.mutex);
        if (result == 0)
            crew->locked.stored++;
        else if (crew->same_key && (err.cls == SF_EXISTS || err.cls == SF_CONFLICT))
            crew->locked.refused++;
        else
            memcpy(crew->locked.problem, err.text, sizeof(err.text));
        pthread_mutex_unlock(&crew->locked.mutex);
    }
}

static void *run_thread(void *ctx)
{
    struct crew *crew = ctx;
    struct sf_error err = SF_ERROR_INIT;
    struct sf_conn *conn = NULL;

    if (crew->suite->table->conn_open(&crew->suite->call, crew->suite->store, &conn, &err) < 0) {
        pthread_mutex_lock(&crew->locked.mutex);
        memcpy(crew->locked.problem, err.text, sizeof(err.text));
        pthread_mutex_unlock(&crew->locked.mutex);
        return NULL;
    }
    work(crew, conn);
    crew->suite->table->conn_close(conn);
    return NULL;
}

static bool run_crew(struct crew *crew)
{
    pthread_t threads[THREADS];
    int i, started = 0;

    for (i = 0; i < THREADS; i++)
        started += pthread_create(&threads[started], NULL, run_thread, crew) == 0;
    for (i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    if (crew->locked.problem[0] != '\0')
        conformance_fail(crew->suite, __FILE__, __LINE__, "%s", crew->locked.problem);
    return crew->locked.problem[0] == '\0';
}

static void many_connections(struct conformance *suite)
{
    struct crew crew = {
        .suite = suite, .locked = {.mutex = PTHREAD_MUTEX_INITIALIZER}, .serial = PTHREAD_MUTEX_INITIALIZER};
    struct sf_list_query query = {.size = sizeof(query), .prefix = suite->prefix};
    struct sf_error err = SF_ERROR_INIT;
    SF_AUTO(buf) listed = BUF_INIT;
    unsigned lines = 0;
    const char *at;

    if (!run_crew(&crew))
        return;
    REQUIRE(suite, conformance_list(suite, &query, &listed, &err) == 0, "list: %s", err.text);
    for (at = buf_text(&listed); (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    REQUIRE(suite, lines == THREADS * PUTS, "%u objects of %u are there", lines, (unsigned)(THREADS * PUTS));
}

static void one_winner(struct conformance *suite)
{
    struct crew crew = {.suite = suite,
                        .same_key = true,
                        .locked = {.mutex = PTHREAD_MUTEX_INITIALIZER},
                        .serial = PTHREAD_MUTEX_INITIALIZER};

    SKIP_UNLESS(suite, suite->info.capabilities & SF_CAP_CREATE_ONLY_PUT, "no SF_CAP_CREATE_ONLY_PUT");
    if (!run_crew(&crew))
        return;
    REQUIRE(suite, crew.locked.stored == PUTS, "%u create-only puts won %u keys", crew.locked.stored, (unsigned)PUTS);
    REQUIRE(suite, crew.locked.refused == (THREADS - 1) * PUTS, "%u losers instead of %u", crew.locked.refused,
            (unsigned)((THREADS - 1) * PUTS));
}

struct slow_body {
    struct conformance *suite;
    atomic_uint reads;
};

/* Cancels the call after the first read, and then goes on without end as far as the plugin lets it. */
static int64_t read_slowly(void *ctx, uint64_t position, void *buffer, size_t bytes, struct sf_error *err)
{
    struct slow_body *body = ctx;

    (void)position;
    (void)err;
    if (body->reads++ > 0)
        clock_sleep_ms(10);
    body->suite->cancel = 1;
    memset(buffer, 'x', bytes);
    return (int64_t)bytes;
}

static void cancelled(struct conformance *suite)
{
    struct slow_body source = {.suite = suite};
    struct sf_body body = {
        .size = sizeof(body), .kind = SF_BODY_CALLBACK, .length = 256u << 20, .ctx = &source, .read = read_slowly};
    SF_AUTO(buf) key = BUF_INIT;
    struct sf_put put = {.size = sizeof(put), .body = &body, .meta_element_size = sizeof(struct sf_meta)};
    struct sf_object object = {.size = sizeof(object)};
    struct sf_error err = SF_ERROR_INIT;
    int64_t began = clock_mono_ms();
    int result;

    conformance_key(suite, "cancelled", &key);
    put.key = key.data;
    result = suite->table->put(&suite->call, suite->conn, &put, &object, &err);
    suite->cancel = 0;
    REQUIRE(suite, result < 0, "a put of 256 MiB went on to its end though it was cancelled");
    REQUIRE(suite, err.cls == SF_CANCELLED, "class %d instead of cancelled: %s", err.cls, err.text);
    REQUIRE(suite, clock_mono_ms() - began < 10000, "it took %lld ms to notice", (long long)(clock_mono_ms() - began));
    REQUIRE(suite, conformance_exists(suite, key.data, &err) == 0, "the cancelled object is visible");
    REQUIRE(suite, conformance_put(suite, key.data, "x", 1, NULL, &err) == 0,
            "the connection is unusable afterwards: %s", err.text);
}

const struct conformance_case conformance_parallel_cases[] = {
    {"parallel: eight connections put side by side", many_connections},
    {"parallel: of eight create-only puts of a key one wins", one_winner},
    {"cancel: a put ends soon and leaves nothing", cancelled},
    {NULL, NULL},
};
