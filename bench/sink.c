/* SPDX-License-Identifier: Apache-2.0
 *
 * An S3 server on 127.0.0.1 that swallows uploads as cheaply as it can and counts them, for measurements and for tests. It keeps what
 * a list shows, and the bodies of Snapferry's own objects, so that a backup, a list and a restore run against it. Ends at SIGTERM.
 */
#include "bench/sink_conn.h"

#include "base/auto.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

#define EVENTS 64
#define BACKLOG 512

static const char usage[] =
    "usage: sink [--port N] [--latency MS] [--fail-503 PERCENT] [--slowdown] [--seed N] [--keep BYTES]\n"
    "            [--refuse crc32c] [--no-echo] [--bucket NAME]\n"
    "prints the port when it listens; GET /_sink/stats, POST /_sink/reset, POST /_sink/clear\n";

static bool read_option(int option, struct sink_options *options)
{
    uint64_t number = 0;

    if (strchr("plfsk", option) != NULL && !number_parse(optarg, &number))
        return false;
    switch (option) {
    case 'p':
        options->port = (unsigned)number;
        return number <= UINT16_MAX;
    case 'l':
        options->latency_ms = (int64_t)number;
        return number <= 60000;
    case 'f':
        options->fail_503 = (unsigned)number;
        return number <= 100;
    case 's':
        options->seed = number;
        return number > 0;
    case 'k':
        options->keep = number;
        return true;
    case 'd':
        options->slowdown = true;
        return true;
    case 'r':
        options->refuse_crc32c = true;
        return strcmp(optarg, "crc32c") == 0;
    case 'e':
        options->echo = false;
        return true;
    case 'b':
        options->bucket = optarg;
        return true;
    default:
        return false;
    }
}

static bool read_options(int argc, char **argv, struct sink_options *options)
{
    static const struct option known[] = {
        {"port", required_argument, NULL, 'p'},   {"latency", required_argument, NULL, 'l'},
        {"seed", required_argument, NULL, 's'},   {"fail-503", required_argument, NULL, 'f'},
        {"keep", required_argument, NULL, 'k'},   {"slowdown", no_argument, NULL, 'd'},
        {"refuse", required_argument, NULL, 'r'}, {"no-echo", no_argument, NULL, 'e'},
        {"bucket", required_argument, NULL, 'b'}, {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1)
        if (!read_option(option, options))
            return false;
    return optind == argc;
}

static int listen_on(unsigned port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    AUTO_FD fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;

    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        bind(fd, (struct sockaddr *)&address, length) != 0 || listen(fd, BACKLOG) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &length) != 0)
        return -1;
    printf("%u\n", (unsigned)ntohs(address.sin_port));
    fflush(stdout);
    return fd_take(&fd);
}

static int signal_fd(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC);
}

static void accept_all(struct loop *loop, int listener)
{
    int fd, on = 1;

    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        conn_open(loop, fd);
    }
}

static void watch(const struct loop *loop, int *fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = fd};

    epoll_ctl(loop->epoll, EPOLL_CTL_ADD, *fd, &event);
}

/* Until a signal asks for the end. */
static int run(struct loop *loop, int *listener, int *signals)
{
    watch(loop, listener);
    watch(loop, signals);
    for (;;) {
        struct epoll_event events[EVENTS];
        int64_t ns = conn_send_due(loop);
        struct timespec timeout = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
        int count = epoll_pwait2(loop->epoll, events, EVENTS, ns < 0 ? NULL : &timeout, NULL);

        if (count < 0 && errno != EINTR)
            return -1;
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr == signals)
                return 0;
            if (events[i].data.ptr == listener)
                accept_all(loop, *listener);
            else
                conn_event(events[i].data.ptr, events[i].events);
        }
    }
}

int main(int argc, char **argv)
{
    struct sink sink = {.options = {.seed = 1, .echo = true, .bucket = "bucket"}};
    struct loop loop = {.sink = &sink};
    int listener, signals = signal_fd(), status;

    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(usage, stdout);
        return 0;
    }
    if (!read_options(argc, argv, &sink.options)) {
        fputs(usage, stderr);
        return 2;
    }
    sink.random = sink.options.seed;
    store_init(&sink.store, sink.options.bucket);
    loop.epoll = epoll_create1(EPOLL_CLOEXEC);
    listener = signals >= 0 && loop.epoll >= 0 ? listen_on(sink.options.port) : -1;
    status = listener >= 0 ? run(&loop, &listener, &signals) : -1;
    if (status != 0)
        perror("sink");
    conn_close_all(&loop);
    while (sink.uploads != NULL)
        upload_end(&sink.uploads, sink.uploads);
    store_cleanup(&sink.store);
    close(loop.epoll);
    return status == 0 ? 0 : 1;
}
