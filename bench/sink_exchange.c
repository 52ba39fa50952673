/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/sink_exchange.h"

#include "bench/sink_s3.h"
#include "bench/sink_stats.h"

#include "base/clock.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

void exchange_clear(struct exchange *exchange)
{
    exchange->kind = SINK_OTHER;
    exchange->is_control = false;
    exchange->keep = 0;
    exchange->received = 0;
    exchange->status = 0;
    exchange->length = 0;
    buf_clear(&exchange->body);
    buf_clear(&exchange->headers);
    buf_clear(&exchange->answer);
}

void exchange_cleanup(struct exchange *exchange)
{
    buf_cleanup(&exchange->body);
    buf_cleanup(&exchange->headers);
    buf_cleanup(&exchange->answer);
}

void exchange_begin(const struct sink *sink, struct exchange *exchange)
{
    exchange->is_control = strncmp(exchange->request.path, STATS_PATH, strlen(STATS_PATH)) == 0;
    if (!exchange->is_control)
        s3_begin(sink, exchange);
}

void exchange_take(struct exchange *exchange, const char *data, size_t bytes)
{
    exchange->received += bytes;
    if (exchange->received <= exchange->keep)
        buf_add(&exchange->body, data, bytes);
    else if (exchange->body.length > 0)
        buf_cleanup(&exchange->body);
}

bool exchange_is_kept(const struct exchange *exchange)
{
    return exchange->received == exchange->body.length;
}

/* xorshift64: which requests fail depends on the seed and on their order alone. */
static bool must_fail(struct sink *sink)
{
    if (sink->options.fail_503 == 0)
        return false;
    sink->random ^= sink->random << 13;
    sink->random ^= sink->random >> 7;
    sink->random ^= sink->random << 17;
    return (sink->random >> 11) % 100 < sink->options.fail_503;
}

void exchange_answer(struct sink *sink, struct exchange *exchange)
{
    sink->serial++;
    if (exchange->is_control) {
        stats_answer(sink, exchange);
        return;
    }
    sink->counts.requests[exchange->kind]++;
    sink->counts.received += exchange->received;
    if (must_fail(sink)) {
        sink->counts.unavailable++;
        exchange->status = 503;
        if (sink->options.slowdown)
            s3_slow_down(sink, exchange);
        return;
    }
    s3_answer(sink, exchange);
}

static const char *reason(unsigned status)
{
    static const struct {
        unsigned status;
        const char *text;
    } reasons[] = {
        {200, "OK"},
        {204, "No Content"},
        {206, "Partial Content"},
        {400, "Bad Request"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {412, "Precondition Failed"},
        {416, "Range Not Satisfiable"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
    };

    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
        if (reasons[i].status == status)
            return reasons[i].text;
    return "Unknown";
}

void exchange_write(struct sink *sink, struct exchange *exchange, bool keep_alive, struct buf *out)
{
    bool is_head = strcmp(exchange->request.method, "HEAD") == 0;
    uint64_t length = is_head && exchange->length > 0 ? exchange->length : exchange->answer.length;
    time_t now = (time_t)(clock_wall_ms() / 1000);
    char date[64];
    struct tm parts;

    gmtime_r(&now, &parts);
    strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    buf_printf(out, "HTTP/1.1 %u %s\r\nDate: %s\r\nx-amz-request-id: %016" PRIX64 "\r\n", exchange->status,
               reason(exchange->status), date, sink->serial);
    buf_add(out, exchange->headers.data, exchange->headers.length);
    if (exchange->status != 204)
        buf_printf(out, "Content-Length: %" PRIu64 "\r\n", length);
    buf_add_text(out, keep_alive ? "\r\n" : "Connection: close\r\n\r\n");
    if (!is_head)
        buf_add(out, exchange->answer.data, exchange->answer.length);
}
