/* SPDX-License-Identifier: Apache-2.0
 *
 * Start and end of the scripted server, and the thread that accepts its connections.
 */
#include "tests/kit/httpd_priv.h"

#include "base/mem.h"

#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- connections ---- */

/* The n-th part of the script. NULL: there is none. */
static const struct httpd_step *find_part(const struct httpd *server, unsigned number, size_t *count)
{
    size_t start = server->count > 0 && server->steps[0].verb == HTTPD_ACCEPT, end;

    for (;; start = end + 1) {
        for (end = start; end < server->count && server->steps[end].verb != HTTPD_ACCEPT; end++)
            continue;
        *count = end - start;
        if (number == 0 || (end == server->count && *count > 0 && server->steps[end - 1].verb == HTTPD_AGAIN))
            return server->steps + start;
        if (end == server->count) {
            *count = 0;
            return NULL;
        }
        number--;
    }
}

static void start_link(struct httpd *server, int fd)
{
    struct link *link = mem_alloc(sizeof(*link));
    int on = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    link->server = server;
    link->fd = fd;
    link->number = server->link_count;
    link->part = find_part(server, link->number, &link->part_count);
    server->links[server->link_count++] = link;
    pthread_mutex_lock(&server->locked.mutex);
    server->locked.connections++;
    pthread_mutex_unlock(&server->locked.mutex);
    if (link->part == NULL)
        httpd_differs(link, "more connections than the script has");
    ck_assert_int_eq(pthread_create(&link->thread, NULL, httpd_play, link), 0);
}

static void *accept_all(void *ctx)
{
    struct httpd *server = ctx;
    struct pollfd fds[] = {{.fd = server->listener, .events = POLLIN}, {.fd = server->stop, .events = POLLIN}};

    while (server->link_count < HTTPD_CONNECTIONS) {
        int fd;

        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            break;
        if (fds[0].revents == 0) {
            if (fds[1].revents != 0)
                break;
            continue;
        }
        fd = accept4(server->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0)
            start_link(server, fd);
    }
    return NULL;
}

/* ---- start and end ---- */

struct httpd *httpd_start_as(enum httpd_tls tls, const struct httpd_step *steps, size_t count)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct httpd *server = mem_alloc(sizeof(*server));
    socklen_t length = sizeof(address);

    server->steps = mem_alloc(count * sizeof(*steps));
    memcpy(server->steps, steps, count * sizeof(*steps));
    server->count = count;
    pthread_mutex_init(&server->locked.mutex, NULL);
    server->stop = eventfd(0, EFD_CLOEXEC);
    server->released = eventfd(0, EFD_CLOEXEC | EFD_SEMAPHORE | EFD_NONBLOCK);
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    ck_assert_int_eq(bind(server->listener, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(listen(server->listener, HTTPD_CONNECTIONS), 0);
    ck_assert_int_eq(getsockname(server->listener, (struct sockaddr *)&address, &length), 0);
    server->port = ntohs(address.sin_port);
    snprintf(server->url, sizeof(server->url), "%s://127.0.0.1:%u", tls == HTTPD_PLAIN ? "http" : "https",
             server->port);
    if (tls != HTTPD_PLAIN)
        httpd_tls_make(server, tls);
    ck_assert_int_eq(pthread_create(&server->acceptor, NULL, accept_all, server), 0);
    return server;
}

static void free_link(struct link *link)
{
    pthread_join(link->thread, NULL);
    buf_cleanup(&link->in);
    buf_cleanup(&link->body);
    free(link);
}

static void free_seen(struct httpd_seen *seen)
{
    free(seen->method);
    free(seen->target);
    free(seen->headers);
    free(seen->body);
    free(seen);
}

/* Each part of the script needs a connection that played it; what a connection did not play it has told itself. */
static void check_parts(struct httpd *server)
{
    unsigned parts = 1, connections = httpd_connections(server);
    size_t i;

    for (i = 1; i < server->count; i++)
        parts += server->steps[i].verb == HTTPD_ACCEPT;
    if (server->count > 0 && server->locked.mismatch[0] == '\0' && connections < parts)
        snprintf(server->locked.mismatch, sizeof(server->locked.mismatch), "the script has %u connections, and %u came",
                 parts, connections);
}

bool httpd_end(struct httpd *server, char mismatch[HTTPD_TEXT])
{
    uint64_t one = 1;
    bool is_fine;
    size_t i;

    ck_assert_int_eq(write(server->stop, &one, sizeof(one)), sizeof(one));
    pthread_join(server->acceptor, NULL);
    for (i = 0; i < server->link_count; i++)
        free_link(server->links[i]);
    check_parts(server);
    is_fine = !httpd_mismatch(server, mismatch);
    for (i = 0; i < server->locked.seen_count; i++)
        free_seen(server->locked.seen[i]);
    free(server->locked.seen);
    SSL_CTX_free(server->tls);
    close(server->listener);
    close(server->stop);
    close(server->released);
    pthread_mutex_destroy(&server->locked.mutex);
    free(server->steps);
    free(server);
    return is_fine;
}

void httpd_stop(struct httpd *server)
{
    char mismatch[HTTPD_TEXT];

    if (!httpd_end(server, mismatch))
        ck_abort_msg("%s", mismatch);
}

void httpd_release(struct httpd *server)
{
    uint64_t one = 1;

    ck_assert_int_eq(write(server->released, &one, sizeof(one)), sizeof(one));
}

/* ---- questions ---- */

unsigned httpd_port(const struct httpd *server)
{
    return server->port;
}

const char *httpd_url(const struct httpd *server)
{
    return server->url;
}

unsigned httpd_connections(struct httpd *server)
{
    unsigned count;

    pthread_mutex_lock(&server->locked.mutex);
    count = server->locked.connections;
    pthread_mutex_unlock(&server->locked.mutex);
    return count;
}

unsigned httpd_steps_done(struct httpd *server)
{
    unsigned count;

    pthread_mutex_lock(&server->locked.mutex);
    count = server->locked.steps_done;
    pthread_mutex_unlock(&server->locked.mutex);
    return count;
}

size_t httpd_requests(struct httpd *server)
{
    size_t count;

    pthread_mutex_lock(&server->locked.mutex);
    count = server->locked.seen_count;
    pthread_mutex_unlock(&server->locked.mutex);
    return count;
}

bool httpd_mismatch(struct httpd *server, char mismatch[HTTPD_TEXT])
{
    pthread_mutex_lock(&server->locked.mutex);
    memcpy(mismatch, server->locked.mismatch, HTTPD_TEXT);
    pthread_mutex_unlock(&server->locked.mutex);
    return mismatch[0] != '\0';
}

const struct httpd_seen *httpd_seen(struct httpd *server, size_t index)
{
    const struct httpd_seen *seen = NULL;

    pthread_mutex_lock(&server->locked.mutex);
    if (index < server->locked.seen_count)
        seen = server->locked.seen[index];
    pthread_mutex_unlock(&server->locked.mutex);
    ck_assert_msg(seen != NULL, "there is no request %zu", index);
    return seen;
}

const char *httpd_ca_file(const struct httpd *server)
{
    return server->ca_file;
}

const char *httpd_client_file(const struct httpd *server)
{
    return server->client_file;
}
