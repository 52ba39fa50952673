/* SPDX-License-Identifier: Apache-2.0
 *
 * Bytes over one connection, plain or TLS. Sockets do not block; each wait ends with the server, unless what is waited for is there.
 */
#include "tests/kit/httpd_priv.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#define PIECE 65536u

int link_poll(struct link *link, int fd, short events)
{
    struct pollfd fds[] = {{.fd = fd, .events = events}, {.fd = link->server->stop, .events = POLLIN}};

    while (poll(fds, 2, -1) < 0)
        if (errno != EINTR)
            return -1;
    return fds[0].revents != 0 ? 0 : -1;
}

/* After a call of SSL_* that failed: waits for what it wants. */
static int wait_tls(struct link *link, int result)
{
    switch (SSL_get_error(link->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        return link_poll(link, link->fd, POLLIN);
    case SSL_ERROR_WANT_WRITE:
        return link_poll(link, link->fd, POLLOUT);
    default:
        return -1;
    }
}

int link_handshake(struct link *link)
{
    int result;

    if (link->server->tls == NULL)
        return 0;
    link->ssl = SSL_new(link->server->tls);
    if (link->ssl == NULL || SSL_set_fd(link->ssl, link->fd) != 1)
        return -1;
    while ((result = SSL_accept(link->ssl)) != 1)
        if (wait_tls(link, result) < 0)
            return -1;
    return 0;
}

static ssize_t receive(struct link *link, void *buffer, size_t bytes)
{
    for (;;) {
        int result;

        if (link->ssl == NULL) {
            ssize_t got = recv(link->fd, buffer, bytes, 0);

            if (got >= 0)
                return got;
            if ((errno != EAGAIN && errno != EINTR) || link_poll(link, link->fd, POLLIN) < 0)
                return -1;
            continue;
        }
        result = SSL_read(link->ssl, buffer, (int)bytes);
        if (result > 0)
            return result;
        if (SSL_get_error(link->ssl, result) == SSL_ERROR_ZERO_RETURN)
            return 0;
        if (wait_tls(link, result) < 0)
            return -1;
    }
}

int link_more(struct link *link)
{
    ssize_t got;

    buf_reserve(&link->in, PIECE);
    got = receive(link, link->in.data + link->in.length, PIECE);
    if (got <= 0)
        return -1;
    link->in.length += (size_t)got;
    link->in.data[link->in.length] = '\0';
    return 0;
}

int link_send(struct link *link, const void *data, size_t bytes)
{
    const char *at = data;

    while (bytes > 0) {
        ssize_t sent;

        if (link->ssl != NULL) {
            sent = SSL_write(link->ssl, at, (int)bytes);
            if (sent <= 0 && wait_tls(link, (int)sent) < 0)
                return -1;
        } else {
            sent = send(link->fd, at, bytes, MSG_NOSIGNAL);
            if (sent < 0 && ((errno != EAGAIN && errno != EINTR) || link_poll(link, link->fd, POLLOUT) < 0))
                return -1;
        }
        if (sent > 0) {
            at += sent;
            bytes -= (size_t)sent;
        }
    }
    return 0;
}

bool link_wait_end(struct link *link)
{
    return link->in.length == 0 && link_more(link) < 0;
}

void link_stall(struct link *link)
{
    /* POLLIN would come with bytes that are not to be read. */
    (void)link_poll(link, link->fd, POLLRDHUP);
}

void link_close(struct link *link)
{
    if (link->ssl != NULL)
        SSL_shutdown(link->ssl);
    SSL_free(link->ssl);
    link->ssl = NULL;
    if (link->fd >= 0)
        close(link->fd);
    link->fd = -1;
}

void link_cut(struct link *link)
{
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};

    setsockopt(link->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    SSL_free(link->ssl); /* without its goodbye */
    link->ssl = NULL;
    link_close(link);
}
