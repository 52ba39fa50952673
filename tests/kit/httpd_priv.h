/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the scripted server share: httpd.c accepts, httpd_play.c plays a connection's part, httpd_request.c reads requests
 * and compares them, httpd_link.c moves bytes, httpd_tls.c makes certificates.
 */
#ifndef TESTS_KIT_HTTPD_PRIV_H
#define TESTS_KIT_HTTPD_PRIV_H

#include "base/auto.h"
#include "base/buf.h"
#include "tests/kit/httpd.h"

#include <limits.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>

#define HTTPD_CONNECTIONS 64 /* at most, in one test */
#define HTTPD_HEAD_MAX 65536

struct httpd {
    struct httpd_step *steps;
    size_t count;
    int listener;
    int stop;     /* eventfd: readable once the end has come */
    int released; /* eventfd, counts */
    unsigned port;
    char url[64];
    SSL_CTX *tls; /* NULL: plain */
    char ca_file[PATH_MAX];
    char client_file[PATH_MAX];
    pthread_t acceptor;
    struct link *links[HTTPD_CONNECTIONS]; /* the acceptor's until it is joined */
    unsigned link_count;
    struct {
        pthread_mutex_t mutex;
        unsigned connections;
        unsigned steps_done;
        struct httpd_seen **seen;
        size_t seen_count;
        char mismatch[HTTPD_TEXT]; /* the first; "": none */
    } locked;
};

/* One connection, and its thread. */
struct link {
    struct httpd *server;
    pthread_t thread;
    unsigned number;
    const struct httpd_step *part; /* what it plays */
    size_t part_count;
    int fd; /* -1: closed */
    SSL *ssl;
    struct buf in; /* read, not yet used */
    /* the request under way */
    struct httpd_seen *seen;
    struct buf body;
    uint64_t body_length;
    bool is_head;
    /* the answer under way */
    const struct httpd_step *reply;
    size_t replied;
};

/* The first mismatch counts. Returns -1. */
int httpd_differs(struct link *link, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* ---- httpd_link.c: -1: the connection, or the whole server, is at its end ---- */

int link_handshake(struct link *link);
int link_more(struct link *link); /* reads what there is, at least a byte, into in */
int link_send(struct link *link, const void *data, size_t bytes);
bool link_wait_end(struct link *link); /* false: a byte came instead of the end */
void link_stall(struct link *link);    /* until the client is gone */
void link_cut(struct link *link);
void link_close(struct link *link);
/* Waits until fd is ready; input that is there goes before the end of the server. */
int link_poll(struct link *link, int fd, short events);

/* ---- httpd_request.c ---- */

int request_read(struct link *link, const struct httpd_step *step);
int request_body(struct link *link, const struct httpd_step *step);

/* ---- httpd_play.c ---- */

void *httpd_play(void *link);

/* ---- httpd_tls.c ---- */

void httpd_tls_make(struct httpd *server, enum httpd_tls tls);

#endif
