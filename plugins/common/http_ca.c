/* SPDX-License-Identifier: Apache-2.0
 *
 * Whose certificates we trust: one set for all connections of a session, read by the first that speaks TLS. libcurl would parse the
 * system's set anew for each connection, which takes nearly a MiB and 20 ms each. Thread-safe.
 */
#include "plugins/common/http_priv.h"

#include "base/err.h"
#include "base/mem.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <string.h>

struct http_ca {
    char *file; /* NULL: the system's */
    struct {
        pthread_mutex_t mutex;
        X509_STORE *store; /* NULL: not read yet */
    } locked;
};

static const char *from_environment(void)
{
    static const char *const names[] = {"SSL_CERT_FILE", "CURL_CA_BUNDLE"};
    size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *value = getenv(names[i]);

        if (value != NULL && value[0] != '\0')
            return value;
    }
    return NULL;
}

/* A file that was named stands alone, as in other tools; else the file and the folder that libcurl was built with. */
static X509_STORE *read_store(CURL *easy, const char *named)
{
    X509_STORE *store = X509_STORE_new();
    char *file = NULL, *folder = NULL;
    bool loaded;

    if (store == NULL)
        return NULL;
    if (named != NULL) {
        loaded = X509_STORE_load_file(store, named) == 1;
    } else {
        curl_easy_getinfo(easy, CURLINFO_CAINFO, &file);
        curl_easy_getinfo(easy, CURLINFO_CAPATH, &folder);
        loaded = file != NULL && X509_STORE_load_file(store, file) == 1;
        loaded = (folder != NULL && X509_STORE_load_path(store, folder) == 1) || loaded;
    }
    if (!loaded) {
        X509_STORE_free(store);
        return NULL;
    }
    /* An authority that stands in the file is trusted, also one that another has signed. */
    X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
    return store;
}

int http_ca_open(struct http_ca **ca, const char *ca_file, struct sf_error *err)
{
    X509_STORE *store = NULL;
    struct http_ca *made;
    char text[256];

    if (ca_file != NULL) {
        err_printable(ca_file, text, sizeof(text));
        if (access(ca_file, R_OK) != 0)
            return err_errno(err, errno, "ca_file %s", text);
        store = read_store(NULL, ca_file);
        if (store == NULL)
            return sf_fail(err, SF_INVALID, "ca_file %s holds no certificate in PEM form", text);
    }
    made = mem_alloc(sizeof(*made));
    made->file = ca_file == NULL ? NULL : mem_text(ca_file);
    if (ca_file == NULL && from_environment() != NULL)
        made->file = mem_text(from_environment());
    pthread_mutex_init(&made->locked.mutex, NULL);
    made->locked.store = store;
    *ca = made;
    return 0;
}

void http_ca_close(struct http_ca *ca)
{
    if (ca == NULL)
        return;
    X509_STORE_free(ca->locked.store);
    pthread_mutex_destroy(&ca->locked.mutex);
    free(ca->file);
    free(ca);
}

const char *http_ca_file(const struct http_ca *ca)
{
    return ca->file;
}

/* Called by libcurl for each new TLS connection, before its handshake. */
static CURLcode on_ssl_ctx(CURL *easy, void *ssl_ctx, void *ctx)
{
    struct http_ca *ca = ctx;
    X509_STORE *store;

    pthread_mutex_lock(&ca->locked.mutex);
    if (ca->locked.store == NULL)
        ca->locked.store = read_store(easy, ca->file);
    store = ca->locked.store;
    if (store != NULL)
        SSL_CTX_set1_cert_store(ssl_ctx, store);
    pthread_mutex_unlock(&ca->locked.mutex);
    return store != NULL ? CURLE_OK : CURLE_SSL_CACERT_BADFILE;
}

int http_ca_use(CURL *easy, struct http_ca *ca, struct sf_error *err)
{
    int bad = 0;

    bad |= (int)curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_ssl_ctx);
    bad |= (int)curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, ca);
    if (bad)
        return sf_fail(err, SF_UNSUPPORTED, "this libcurl (%s) does not use OpenSSL", curl_version());
    /* So that it does not read a set of its own. */
    bad |= (int)curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
    bad |= (int)curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    bad |= (int)curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, NULL);
    bad |= (int)curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, NULL);
    if (bad)
        return sf_fail(err, SF_UNSUPPORTED, "this libcurl (%s) cannot be told which certificates to trust",
                       curl_version());
    return 0;
}
