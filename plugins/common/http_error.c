/* SPDX-License-Identifier: Apache-2.0
 *
 * Class and words for a request that ended without a whole answer: what an operator needs in the worst hour.
 */
#include "plugins/common/http_priv.h"

#include "base/err.h"

#include <openssl/x509_vfy.h>
#include <string.h>

#define HOST_TEXT 280 /* a name of 255 bytes, and a port */

static const struct {
    int code;
    enum sf_class cls;
    const char *before; /* the host */
    const char *after;
} plain[] = {
    {CURLE_UNSUPPORTED_PROTOCOL, SF_TRANSIENT, "", " does not answer in HTTP"},
    {CURLE_WEIRD_SERVER_REPLY, SF_TRANSIENT, "", " does not answer in HTTP"},
    {CURLE_URL_MALFORMAT, SF_INVALID, "the address of ", " is malformed"},
    {CURLE_COULDNT_RESOLVE_HOST, SF_TRANSIENT, "the name of ",
     " cannot be resolved (is it spelled right, does DNS work here)"},
    {CURLE_COULDNT_RESOLVE_PROXY, SF_TRANSIENT, "the name of the proxy to ", " cannot be resolved"},
    {CURLE_PROXY, SF_TRANSIENT, "the proxy to ", " failed"},
    {CURLE_GOT_NOTHING, SF_TRANSIENT, "", " closed the connection without an answer"},
    {CURLE_PARTIAL_FILE, SF_TRANSIENT, "", " closed the connection in the middle of its answer"},
    {CURLE_SEND_ERROR, SF_TRANSIENT, "the connection to ", " broke while sending"},
    {CURLE_RECV_ERROR, SF_TRANSIENT, "the connection to ", " broke before the answer was whole"},
    {CURLE_SSL_CONNECT_ERROR, SF_TRANSIENT, "no TLS connection to ", ""},
    {CURLE_SSL_CERTPROBLEM, SF_PERMANENT, "the client certificate for ", " cannot be used"},
    {CURLE_SSL_CLIENTCERT, SF_PERMANENT, "", " wants a client certificate (option client_cert)"},
    {CURLE_SSL_CACERT_BADFILE, SF_PERMANENT, "the certificates to check ", " with cannot be read"},
};

/* Host and port of the URL. */
static const char *host_of(const char *url, char out[HOST_TEXT])
{
    bool is_tls = strncasecmp(url, "https:", 6) == 0;
    const char *start = strstr(url, "://");
    size_t bytes;
    const char *port;

    start = start != NULL ? start + 3 : url;
    bytes = strcspn(start, "/?#");
    port = memrchr(start, ':', bytes);
    if (port != NULL && memchr(port, ']', bytes - (size_t)(port - start)) != NULL)
        port = NULL; /* within an IPv6 address */
    snprintf(out, HOST_TEXT, "%.*s%s", (int)(bytes > 255 ? 255 : bytes), start,
             port != NULL ? "" : (is_tls ? ":443" : ":80"));
    return out;
}

/* libcurl's own words, or those of the system. */
static const char *reason_of(struct http_conn *conn, CURLcode code)
{
    return conn->reason[0] != '\0' ? conn->reason : curl_easy_strerror(code);
}

/* libcurl names whom it tried to reach: a proxy, if that is another one. */
static int fail_connect(struct http_conn *conn, const char *host, CURLcode code, struct sf_error *err)
{
    char tried[HOST_TEXT] = "", name[256];
    bool is_proxy;
    long number = 0;
    unsigned port;

    if (sscanf(conn->reason, "Failed to connect to %255s port %u", name, &port) == 2)
        snprintf(tried, sizeof(tried), strchr(name, ':') != NULL ? "[%s]:%u" : "%s:%u", name, port);
    is_proxy = tried[0] != '\0' && strcasecmp(tried, host) != 0;
    curl_easy_getinfo(conn->easy, CURLINFO_OS_ERRNO, &number);
    return sf_fail(err, SF_TRANSIENT, "cannot connect to %s%s: %s", is_proxy ? "the proxy " : "",
                   is_proxy ? tried : host, number != 0 ? strerror((int)number) : reason_of(conn, code));
}

static int fail_timeout(struct http_conn *conn, const char *host, struct sf_error *err)
{
    if (conn->exchange.tries == 0)
        return sf_fail(err, SF_TRANSIENT, "cannot connect to %s within %lld ms", host,
                       (long long)conn->http->connect_timeout_ms);
    return sf_fail(err, SF_TRANSIENT, "%s took too long", host);
}

/* A proxy that was asked for a tunnel and gave another answer. */
static int fail_tunnel(const char *host, long status, struct sf_error *err)
{
    if (status == 407)
        sf_fail(err, SF_AUTH, "the proxy wants a user and a password for %s (HTTP 407): see option proxy", host);
    else
        sf_fail(err, status < 500 ? SF_PERMANENT : SF_TRANSIENT, "the proxy does not let us through to %s (HTTP %ld)",
                host, status);
    err->status = (int32_t)status;
    return -1;
}

static int fail_certificate(struct http_conn *conn, const char *host, struct sf_error *err)
{
    const char *file = http_ca_file(conn->http->ca);
    long verdict = X509_V_OK;

    curl_easy_getinfo(conn->easy, CURLINFO_SSL_VERIFYRESULT, &verdict);
    switch (verdict) {
    case X509_V_OK:
    case X509_V_ERR_UNSPECIFIED: /* libcurl found the name wrong before it asked for the verdict on the chain */
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return sf_fail(err, SF_PERMANENT,
                       "the certificate of %s is made out to another name: reach it by a name that it has", host);
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return sf_fail(err, SF_PERMANENT,
                       "the certificate of %s has expired: it must be renewed there (or the clock here is wrong)",
                       host);
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return sf_fail(err, SF_PERMANENT, "the certificate of %s is not valid yet: is the clock here right", host);
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        return sf_fail(err, SF_PERMANENT,
                       "the certificate of %s comes from an authority that %s does not know: name a file with that "
                       "authority's certificate by option ca_file",
                       host, file != NULL ? file : "this machine");
    default:
        return sf_fail(err, SF_PERMANENT, "the certificate of %s is not accepted: %s", host,
                       X509_verify_cert_error_string(verdict));
    }
}

static int fail_plain(struct http_conn *conn, const char *host, CURLcode code, struct sf_error *err)
{
    const char *before = "the request to ", *after = " failed";
    enum sf_class cls = SF_PERMANENT;
    char reason[256];
    size_t i;

    for (i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
        if (plain[i].code != (int)code)
            continue;
        cls = plain[i].cls;
        before = plain[i].before;
        after = plain[i].after;
    }
    /* TLS 1.3 tells the first only when the handshake is over; a port that speaks plain HTTP does not become another by waiting. */
    if (strstr(conn->reason, "certificate required") != NULL) {
        cls = SF_PERMANENT;
        before = "";
        after = " wants a client certificate (option client_cert)";
    } else if (strstr(conn->reason, "wrong version number") != NULL) {
        cls = SF_PERMANENT;
        before = "";
        after = " does not speak TLS (is it an endpoint of http://)";
    }
    return sf_fail(err, cls, "%s%s%s: %s", before, host, after,
                   err_printable(reason_of(conn, code), reason, sizeof(reason)));
}

static int fail_transport(struct http_conn *conn, CURLcode code, struct sf_error *err)
{
    char host[HOST_TEXT];
    long status = 0;

    host_of(conn->exchange.request->url, host);
    curl_easy_getinfo(conn->easy, CURLINFO_HTTP_CONNECTCODE, &status);
    if (conn->exchange.tries == 0 && status >= 300)
        return fail_tunnel(host, status, err);
    switch ((int)code) {
    case CURLE_COULDNT_CONNECT:
        return fail_connect(conn, host, code, err);
    case CURLE_OPERATION_TIMEDOUT:
        return fail_timeout(conn, host, err);
    case CURLE_PEER_FAILED_VERIFICATION:
        return fail_certificate(conn, host, err);
    default:
        return fail_plain(conn, host, code, err);
    }
}

/* Whether a byte of the request can have arrived. */
static bool may_have_arrived(struct http_conn *conn)
{
    long bytes = 0;

    curl_easy_getinfo(conn->easy, CURLINFO_REQUEST_SIZE, &bytes);
    return conn->exchange.tries > 1 || (conn->exchange.tries == 1 && bytes > 0);
}

int http_explain(struct http_conn *conn, CURLcode code, struct sf_error *err)
{
    const struct exchange *x = &conn->exchange;
    char what[256], host[HOST_TEXT];

    switch (x->end) {
    case END_GIVEN:
        return -1;
    case END_CANCELLED:
        sf_fail(err, SF_CANCELLED, "stopped");
        break;
    case END_STALLED:
        sf_fail(err, SF_TRANSIENT, "no byte from or to %s for %lld s", host_of(x->request->url, host),
                (long long)(x->stall_ms + 999) / 1000);
        break;
    case END_ENOUGH:
    case END_TOO_MUCH:
        sf_fail(err, SF_TRANSIENT, "%s answers with more than it should", host_of(x->request->url, host));
        break;
    case END_NONE:
        if (code == CURLE_OK)
            sf_fail(err, SF_TRANSIENT, "%s claimed success before all had been sent", host_of(x->request->url, host));
        else
            fail_transport(conn, code, err);
        break;
    }
    err_prefix(err, "%s", err_printable(x->request->what, what, sizeof(what)));
    err->maybe_applied = may_have_arrived(conn);
    return -1;
}
