/* SPDX-License-Identifier: Apache-2.0
 *
 * A scripted HTTP/1.1 server for tests, on 127.0.0.1 and a port of its own. The script is a dialogue, a step a line:
 *
 *     static const struct httpd_step dialogue[] = {
 *         EXPECT("PUT /bucket/key", .headers = {"content-length: 4", "x-amz-date", "!expect"}, .body = "data"),
 *         REPLY(200, .headers = {"ETag: \"1\""}),
 *         EXPECT("GET /bucket/key"),
 *         REPLY(200, .body = "0123456789", .part = 4), // of ten bytes that it promises, four come
 *         CUT(),
 *         ACCEPT(), // the second connection
 *         EXPECT("GET /bucket/key"),
 *         REPLY(200, .body = "0123456789"),
 *     };
 *     struct httpd *server = httpd_start(dialogue);
 *     ... requests to httpd_url(server) ...
 *     httpd_stop(server); // fails the test if the client did anything else, or less
 *
 * Each connection plays its own part of the script, the n-th what follows the n-th ACCEPT(), on a thread of its own: parts may overlap in
 * time. When a part is over the connection stays open until the client closes it, and another request on it is a mismatch. After a
 * mismatch the client gets status 599 with the reason, and the end of the connection. Nothing here waits longer than until
 * httpd_stop(). What steps point to must live until then; the steps themselves are copied.
 */
#ifndef TESTS_KIT_HTTPD_H
#define TESTS_KIT_HTTPD_H

#include <stdbool.h>
#include <stddef.h>

#define HTTPD_HEADERS 16
#define HTTPD_NONE ((size_t)-1) /* for .part: headers alone */
#define HTTPD_TEXT 512

enum httpd_verb {
    HTTPD_ACCEPT,
    HTTPD_EXPECT,
    HTTPD_BODY,
    HTTPD_REPLY,
    HTTPD_REST,
    HTTPD_RAW,
    HTTPD_CUT,
    HTTPD_CLOSE,
    HTTPD_HALF_CLOSE,
    HTTPD_STALL,
    HTTPD_WAIT,
    HTTPD_AGAIN
};

/* The steps, and which members each of them obeys. */

/* The next connection begins here. One at the very start may be left out. */
#define ACCEPT()                                                                                                       \
    {                                                                                                                  \
        .verb = HTTPD_ACCEPT                                                                                           \
    }
/* A request comes. line: "PUT /target" (NULL: any; a '*' at its end stands for the rest). headers: "name: value" has this value, "name" is
 * there, "!name" is not. body: exactly this, of .bytes (0: its strlen); "": empty. .bytes without .body: so many, whatever they are.
 * Neither: any. .part: only so many of its bytes are read, HTTPD_NONE: none; the rest stays in the socket. */
#define EXPECT(line, ...)                                                                                              \
    {                                                                                                                  \
        .verb = HTTPD_EXPECT, .request = line, __VA_ARGS__                                                             \
    }
/* Reads on after an EXPECT with .part, to the end of the body (or up to .part bytes more), and compares the whole with .body, .bytes. */
#define BODY(...)                                                                                                      \
    {                                                                                                                  \
        .verb = HTTPD_BODY, __VA_ARGS__                                                                                \
    }
/* An answer, with Content-Length unless .chunked or .no_length (then its end is the end of the connection). .length: promises so many
 * instead of the body's own. A HEAD is answered without body. .close: closes after it, and says so. .part: headers and so many bytes of
 * the body; what comes then is up to the next steps. */
#define REPLY(code, ...)                                                                                               \
    {                                                                                                                  \
        .verb = HTTPD_REPLY, .status = code, __VA_ARGS__                                                               \
    }
/* The rest of the body of a REPLY with .part. */
#define REST()                                                                                                         \
    {                                                                                                                  \
        .verb = HTTPD_REST                                                                                             \
    }
/* Bytes as they are: "HTTP/1.1 100 Continue\r\n\r\n". */
#define RAW(text, ...)                                                                                                 \
    {                                                                                                                  \
        .verb = HTTPD_RAW, .body = text, __VA_ARGS__                                                                   \
    }
/* Ends the connection: with a reset; in order; for our direction alone. */
#define CUT()                                                                                                          \
    {                                                                                                                  \
        .verb = HTTPD_CUT                                                                                              \
    }
#define CLOSE()                                                                                                        \
    {                                                                                                                  \
        .verb = HTTPD_CLOSE                                                                                            \
    }
#define HALF_CLOSE()                                                                                                   \
    {                                                                                                                  \
        .verb = HTTPD_HALF_CLOSE                                                                                       \
    }
/* Neither reads nor writes until the client ends the connection (or httpd_stop). */
#define STALL()                                                                                                        \
    {                                                                                                                  \
        .verb = HTTPD_STALL                                                                                            \
    }
/* Goes on when the test calls httpd_release(): each call lets one WAIT() go on, also one that is reached later. */
#define WAIT()                                                                                                         \
    {                                                                                                                  \
        .verb = HTTPD_WAIT                                                                                             \
    }
/* This part from its start, for as long as requests come; if it is the last part, all further connections play it too. */
#define AGAIN()                                                                                                        \
    {                                                                                                                  \
        .verb = HTTPD_AGAIN                                                                                            \
    }

struct httpd_step {
    enum httpd_verb verb;
    int status;
    const char *request;
    const char *headers[HTTPD_HEADERS];
    const void *body;
    size_t bytes;
    size_t part;
    size_t length;
    bool chunked;
    bool no_length;
    bool close;
};

enum httpd_tls {
    HTTPD_PLAIN,
    HTTPD_TLS,             /* a certificate for 127.0.0.1 and localhost, from the authority of httpd_ca_file() */
    HTTPD_TLS_OTHER_NAME,  /* ... for store.invalid */
    HTTPD_TLS_EXPIRED,     /* ... that ended yesterday */
    HTTPD_TLS_CLIENT_CERT, /* as HTTPD_TLS; asks for a client certificate from the same authority */
};

struct httpd;

#define httpd_start(script) httpd_start_as(HTTPD_PLAIN, script, sizeof(script) / sizeof((script)[0]))
#define httpd_start_tls(tls, script) httpd_start_as(tls, script, sizeof(script) / sizeof((script)[0]))
/* Fails the test if it cannot. */
struct httpd *httpd_start_as(enum httpd_tls tls, const struct httpd_step *steps, size_t count);
/* Ends everything, and fails the test if the dialogue went otherwise than scripted, or not to its end. */
void httpd_stop(struct httpd *server);
/* The same without failing the test: true, or false with the first mismatch. */
bool httpd_end(struct httpd *server, char mismatch[HTTPD_TEXT]);

unsigned httpd_port(const struct httpd *server);
const char *httpd_url(const struct httpd *server); /* "http://127.0.0.1:40001": no slash at its end */
void httpd_release(struct httpd *server);

/* What has happened so far; from any thread, at any time before the end. */
unsigned httpd_connections(struct httpd *server);
unsigned httpd_steps_done(struct httpd *server); /* of all connections; a step that is under way is not done */
bool httpd_mismatch(struct httpd *server, char mismatch[HTTPD_TEXT]);
size_t httpd_requests(struct httpd *server); /* whose headers are in */

/* A request as it was received, in the order of their headers' arrival. Valid until the server's end; body and bytes are
 * filled when the step that reads them is done. */
#define HTTPD_KEEP (1024u * 1024u)
struct httpd_seen {
    unsigned connection; /* 0, 1, ... */
    char *method;
    char *target;
    char *headers; /* "name\0value\0" with names in lower case, an empty name at the end */
    char *body;    /* its first HTTPD_KEEP bytes */
    size_t bytes;  /* as many as were read */
};
/* Fails the test if there is none. */
const struct httpd_seen *httpd_seen(struct httpd *server, size_t index);
const char *httpd_seen_header(const struct httpd_seen *seen, const char *name); /* in lower case; NULL: none */

/* With TLS. Files in unit_temp_dir(): the authority; a client's certificate from it, and its key. */
const char *httpd_ca_file(const struct httpd *server);
const char *httpd_client_file(const struct httpd *server);

#endif
