/* SPDX-License-Identifier: Apache-2.0
 *
 * Plays the part of one connection, step by step, on its thread.
 */
#include "tests/kit/httpd_priv.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int httpd_differs(struct link *link, const char *fmt, ...)
{
    struct httpd *server = link->server;
    char text[HTTPD_TEXT - 32];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    pthread_mutex_lock(&server->locked.mutex);
    if (server->locked.mismatch[0] == '\0')
        snprintf(server->locked.mismatch, sizeof(server->locked.mismatch), "connection %u: %s", link->number, text);
    pthread_mutex_unlock(&server->locked.mutex);
    return -1;
}

/* ---- answers ---- */

static size_t body_bytes(const struct httpd_step *step)
{
    return step->bytes == 0 && step->body != NULL ? strlen(step->body) : step->bytes;
}

static int send_piece(struct link *link, const struct httpd_step *step, size_t from, size_t bytes)
{
    char size[32];

    if (bytes == 0)
        return 0;
    if (step->chunked && link_send(link, size, (size_t)snprintf(size, sizeof(size), "%zx\r\n", bytes)) < 0)
        return -1;
    if (link_send(link, (const char *)step->body + from, bytes) < 0)
        return -1;
    return step->chunked ? link_send(link, "\r\n", 2) : 0;
}

/* Up to most bytes of the body; behind the last one, what ends it. */
static int send_body(struct link *link, size_t most)
{
    const struct httpd_step *step = link->reply;
    size_t left = body_bytes(step) - link->replied;
    size_t bytes = most < left ? most : left;

    if (!link->is_head) {
        if (send_piece(link, step, link->replied, bytes) < 0)
            return -1;
        link->replied += bytes;
        if (bytes < left)
            return 0;
        if (step->chunked && link_send(link, "0\r\n\r\n", 5) < 0)
            return -1;
    }
    if (step->close || step->no_length)
        link_close(link);
    return 0;
}

static int reply(struct link *link, const struct httpd_step *step)
{
    SF_AUTO(buf) head = BUF_INIT;
    size_t i, most = step->part != 0 ? step->part : SIZE_MAX;

    buf_printf(&head, "HTTP/1.1 %d Scripted\r\n", step->status);
    for (i = 0; i < HTTPD_HEADERS && step->headers[i] != NULL; i++)
        buf_printf(&head, "%s\r\n", step->headers[i]);
    if (step->chunked)
        buf_add_text(&head, "Transfer-Encoding: chunked\r\n");
    else if (!step->no_length && step->status != 204 && step->status != 304)
        buf_printf(&head, "Content-Length: %zu\r\n", step->length != 0 ? step->length : body_bytes(step));
    if (step->close || step->no_length)
        buf_add_text(&head, "Connection: close\r\n");
    buf_add_text(&head, "\r\n");
    link->reply = step;
    link->replied = 0;
    if (step->part == 0 && !step->chunked && !link->is_head && body_bytes(step) <= HTTPD_HEAD_MAX) {
        buf_add(&head, step->body, body_bytes(step)); /* in one packet, as servers do it */
        link->replied = body_bytes(step);
    }
    if (link_send(link, head.data, head.length) < 0)
        return -1;
    return most == HTTPD_NONE && step->part != 0 ? 0 : send_body(link, most);
}

/* In order, with all read that the client still sends: a reset would take the answer from it. */
static void send_mismatch(struct link *link)
{
    struct httpd_step step = {.status = 599, .headers = {"Connection: close"}};
    char text[HTTPD_TEXT];

    httpd_mismatch(link->server, text);
    step.body = text;
    if (link->fd < 0 || reply(link, &step) < 0 || shutdown(link->fd, SHUT_WR) != 0)
        return;
    do
        buf_clear(&link->in);
    while (link_more(link) == 0);
}

/* ---- steps ---- */

static int wait_release(struct link *link)
{
    uint64_t count;

    if (link_poll(link, link->server->released, POLLIN) < 0)
        return -1;
    /* Another connection may have been faster. */
    return read(link->server->released, &count, sizeof(count)) == (ssize_t)sizeof(count) ? 0 : wait_release(link);
}

static int play_step(struct link *link, const struct httpd_step *step)
{
    if (link->fd < 0)
        return httpd_differs(link, "the script goes on after the connection's end");
    switch (step->verb) {
    case HTTPD_EXPECT:
        return request_read(link, step);
    case HTTPD_BODY:
        return request_body(link, step);
    case HTTPD_REPLY:
        return reply(link, step);
    case HTTPD_REST:
        return link->reply != NULL ? send_body(link, SIZE_MAX)
                                   : httpd_differs(link, "the script has REST before REPLY");
    case HTTPD_RAW:
        return link_send(link, step->body, body_bytes(step));
    case HTTPD_CUT:
        link_cut(link);
        return 0;
    case HTTPD_CLOSE:
        link_close(link);
        return 0;
    case HTTPD_HALF_CLOSE:
        return shutdown(link->fd, SHUT_WR);
    case HTTPD_STALL:
        link_stall(link);
        return 0;
    case HTTPD_WAIT:
        return wait_release(link);
    case HTTPD_ACCEPT:
    case HTTPD_AGAIN:
        break;
    }
    return 0;
}

static void note_step(struct link *link)
{
    pthread_mutex_lock(&link->server->locked.mutex);
    link->server->locked.steps_done++;
    pthread_mutex_unlock(&link->server->locked.mutex);
}

/* true: go on with the step. Before an AGAIN comes another request, or the end of the connection. */
static bool goes_on(struct link *link, size_t *at)
{
    if (*at >= link->part_count)
        return false;
    if (link->part[*at].verb != HTTPD_AGAIN)
        return true;
    *at = 0;
    return link->fd >= 0 && !link_wait_end(link);
}

/* A step that failed because the client is gone may have been the last one. */
static void check_rest(struct link *link, size_t at)
{
    if (at < link->part_count && link->part[at].verb != HTTPD_AGAIN)
        httpd_differs(link, "its part ended before step %zu of %zu", at + 1, link->part_count);
}

void *httpd_play(void *ctx)
{
    struct link *link = ctx;
    bool is_over = link->part == NULL;
    size_t at = 0;

    if (!is_over && link_handshake(link) < 0) {
        is_over = true;
        check_rest(link, 0);
    }
    while (!is_over && goes_on(link, &at)) {
        is_over = play_step(link, &link->part[at]) < 0;
        at++;
        if (is_over)
            check_rest(link, at);
        else
            note_step(link);
    }
    if (is_over)
        send_mismatch(link);
    else if (link->fd >= 0 && !link_wait_end(link))
        httpd_differs(link, "more came than the script has: %.80s", buf_text(&link->in));
    link_close(link);
    return NULL;
}
