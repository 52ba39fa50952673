/* SPDX-License-Identifier: Apache-2.0
 *
 * Opens the store anew for each case, runs it, clears up after it.
 */
#include "tests/conformance/conformance.h"

#include "base/auto.h"
#include "base/err.h"
#include "base/mem.h"

static const struct conformance_case *const tables[] = {
    conformance_put_cases,        conformance_precondition_cases, conformance_get_cases,  conformance_list_cases,
    conformance_odd_cases,        conformance_remove_cases,       conformance_copy_cases, conformance_upload_cases,
    conformance_upload_end_cases, conformance_parallel_cases,     conformance_abi_cases,
};

static int is_cancelled(const struct sf_call *call)
{
    struct conformance *suite = call->ctx;

    return suite->cancel != 0;
}

static void account(const struct sf_call *call, uint64_t bytes)
{
    (void)call;
    (void)bytes;
}

static void count_request(const struct sf_call *call, uint32_t kind, int32_t status, uint64_t bytes)
{
    struct conformance *suite = call->ctx;

    (void)status;
    (void)bytes;
    if (kind < sizeof(suite->requests) / sizeof(suite->requests[0]))
        suite->requests[kind]++;
}

static void note_removal(void *ctx, uint32_t index, int32_t cls, const char *text)
{
    struct sf_error *err = ctx;

    if (cls != SF_OK && cls != SF_NOT_FOUND)
        sf_fail(err, (enum sf_class)cls, "remove %u: %s", index, text != NULL ? text : "");
}

/* Removes all that lies below the case's prefix, and ends the uploads that were left there. */
static int clear(struct conformance *suite, struct sf_error *err)
{
    struct sf_list_query query = {.size = sizeof(query), .prefix = suite->prefix};
    struct sf_error removal = SF_ERROR_INIT;
    struct sf_remove_sink sink = {.size = sizeof(sink), .ctx = &removal, .result = note_removal};
    SF_AUTO(buf) keys = BUF_INIT;
    char *key, *rest = NULL;

    suite->cancel = 0;
    if (conformance_abort_uploads(suite, suite->prefix, err) < 0 || conformance_list(suite, &query, &keys, err) < 0)
        return -1;
    for (key = keys.length != 0 ? strtok_r(keys.data, "\n", &rest) : NULL; key != NULL;
         key = strtok_r(NULL, "\n", &rest)) {
        struct sf_remove item = {.size = sizeof(item), .key = key};

        if (suite->table->remove(&suite->call, suite->conn, &item, 1, sizeof(item), &sink, err) < 0)
            return -1;
    }
    if (removal.cls == SF_OK)
        return 0;
    *err = removal;
    return -1;
}

static int run_case(const struct sf_plugin *table, const struct sf_settings *settings, const char *prefix,
                    const struct conformance_case *one, struct conformance *suite, struct sf_error *err)
{
    int result = -1;

    *suite = (struct conformance){.table = table,
                                  .settings = settings,
                                  .info = {.size = sizeof(suite->info)},
                                  .call = {.size = sizeof(suite->call),
                                           .ctx = suite,
                                           .cancelled = is_cancelled,
                                           .account = account,
                                           .request = count_request},
                                  .prefix = prefix};
    if (table->store_open(&suite->call, settings, &suite->info, &suite->store, err) < 0)
        return -1;
    if (table->conn_open(&suite->call, suite->store, &suite->conn, err) == 0) {
        if (clear(suite, err) == 0) {
            one->run(suite);
            result = clear(suite, err);
        }
        table->conn_close(suite->conn);
    }
    table->store_close(suite->store);
    return result;
}

int conformance_run(const struct sf_plugin *table, const struct sf_settings *settings, const char *prefix,
                    const char *only, conformance_report_fn report, void *ctx, struct conformance_counts *counts,
                    struct sf_error *err)
{
    AUTO_FREE struct conformance *suite = mem_alloc(sizeof(*suite));
    AUTO_FREE char *below = mem_printf("%s%s.snapferry-check/", prefix, prefix[0] != '\0' ? "/" : "");
    size_t i;

    memset(counts, 0, sizeof(*counts));
    for (i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        const struct conformance_case *one;

        for (one = tables[i]; one->name != NULL; one++) {
            if (only != NULL && strstr(one->name, only) == NULL)
                continue;
            if (run_case(table, settings, below, one, suite, err) < 0)
                return err_prefix(err, "before or after the case \"%s\"", one->name);
            report(ctx, one->name, suite->verdict, suite->text);
            counts->passed += suite->verdict == CONFORMANCE_OK;
            counts->failed += suite->verdict == CONFORMANCE_FAILED;
            counts->skipped += suite->verdict == CONFORMANCE_SKIPPED;
        }
    }
    return 0;
}
