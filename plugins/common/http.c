/* SPDX-License-Identifier: Apache-2.0
 *
 * Makes and ends sessions and connections. A connection is one easy handle, made at its first request, that keeps its options for
 * life: http_body.c and http_send.c set what differs from request to request, and nobody resets the handle.
 */
#include "plugins/common/http_priv.h"

#include "base/err.h"
#include "base/mem.h"

#include <errno.h>
#include <pthread.h>

static const struct {
    CURLoption option;
    long value;
} fixed[] = {
    {CURLOPT_NOSIGNAL, 1},
    {CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1},
    {CURLOPT_PATH_AS_IS, 1},
    {CURLOPT_FOLLOWLOCATION, 0},
    {CURLOPT_NETRC, CURL_NETRC_IGNORED},
    {CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2},
    {CURLOPT_SSL_VERIFYPEER, 1},
    {CURLOPT_SSL_VERIFYHOST, 2},
    {CURLOPT_SUPPRESS_CONNECT_HEADERS, 1},
    {CURLOPT_TCP_NODELAY, 1},
    {CURLOPT_TCP_KEEPALIVE, 1},
    {CURLOPT_TCP_KEEPIDLE, 60},
    {CURLOPT_TCP_KEEPINTVL, 15},
    {CURLOPT_MAXCONNECTS, 2},        /* the store, and where it sends us */
    {CURLOPT_MAXAGE_CONN, 60},       /* idle for longer: not used again */
    {CURLOPT_MAXLIFETIME_CONN, 900}, /* long runs spread over a store's front ends anew */
    {CURLOPT_QUICK_EXIT, 1},         /* a cancelled request does not wait for the resolver's thread */
    {CURLOPT_NOPROGRESS, 0},
};

/* Never undone: other plugins of the process may use libcurl as well. If it fails, no handle can be made later. */
static void init_libcurl(void)
{
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
}

static char *copy(const char *text)
{
    return text != NULL ? mem_text(text) : NULL;
}

static int check_file(const char *option, const char *file, struct sf_error *err)
{
    char text[256];

    if (file == NULL || access(file, R_OK) == 0)
        return 0;
    return err_errno(err, errno, "%s %s", option, err_printable(file, text, sizeof(text)));
}

int http_open(struct http **http, const struct http_options *options, struct sf_error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct http_ca *ca;
    struct http *made;

    pthread_once(&once, init_libcurl);
    if (check_file("client_cert", options->client_cert, err) < 0 ||
        check_file("client_key", options->client_key, err) < 0 || http_ca_open(&ca, options->ca_file, err) < 0)
        return -1;
    made = mem_alloc(sizeof(*made));
    made->ca = ca;
    made->user_agent = copy(options->user_agent);
    made->client_cert = copy(options->client_cert);
    made->client_key = copy(options->client_key);
    made->proxy = copy(options->proxy);
    made->plain_http = options->plain_http;
    made->connect_timeout_ms = options->connect_timeout_ms;
    made->stall_timeout_ms = options->stall_timeout_ms;
    made->host = options->host;
    *http = made;
    return 0;
}

void http_close(struct http *http)
{
    if (http == NULL)
        return;
    http_ca_close(http->ca);
    free(http->user_agent);
    free(http->client_cert);
    free(http->client_key);
    free(http->proxy);
    free(http);
}

static int set_strings(CURL *easy, const struct http *http)
{
    int bad = 0;

    bad |= (int)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, http->plain_http ? "http,https" : "https");
    bad |= (int)curl_easy_setopt(easy, CURLOPT_USERAGENT, http->user_agent);
    if (http->proxy != NULL)
        bad |= (int)curl_easy_setopt(easy, CURLOPT_PROXY, http->proxy);
    if (http->client_cert != NULL) {
        bad |= (int)curl_easy_setopt(easy, CURLOPT_SSLCERT, http->client_cert);
        bad |= (int)curl_easy_setopt(easy, CURLOPT_SSLKEY,
                                     http->client_key != NULL ? http->client_key : http->client_cert);
    }
    return bad;
}

int http_handle_make(struct http_conn *conn, struct sf_error *err)
{
    CURL *easy = curl_easy_init();
    int bad = easy == NULL;
    size_t i;

    for (i = 0; i < sizeof(fixed) / sizeof(fixed[0]) && !bad; i++)
        bad |= (int)curl_easy_setopt(easy, fixed[i].option, fixed[i].value);
    if (!bad) {
        bad |= set_strings(easy, conn->http);
        bad |= (int)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, conn->reason);
        bad |= (int)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)conn->http->connect_timeout_ms);
        bad |= http_callbacks(easy, conn);
    }
    if (bad) {
        curl_easy_cleanup(easy);
        return sf_fail(err, SF_UNSUPPORTED, "this libcurl (%s) does not do what is needed of it, or memory is short",
                       curl_version());
    }
    if (http_ca_use(easy, conn->http->ca, err) < 0) {
        curl_easy_cleanup(easy);
        return -1;
    }
    conn->easy = easy;
    return 0;
}

int http_conn_open(struct http_conn **conn, const struct http *http, struct sf_error *err)
{
    struct http_conn *made = mem_alloc(sizeof(*made));

    (void)err;
    made->http = http;
    *conn = made;
    return 0;
}

void http_conn_close(struct http_conn *conn)
{
    if (conn == NULL)
        return;
    curl_easy_cleanup(conn->easy);
    free(conn->headers);
    buf_cleanup(&conn->header_text);
    buf_cleanup(&conn->joined);
    free(conn);
}

const char *http_method_name(enum http_method method)
{
    switch (method) {
    case HTTP_GET:
        return "GET";
    case HTTP_HEAD:
        return "HEAD";
    case HTTP_PUT:
        return "PUT";
    case HTTP_POST:
        return "POST";
    case HTTP_DELETE:
        return "DELETE";
    }
    return "?";
}
