/* SPDX-License-Identifier: Apache-2.0
 *
 * Certificates for the scripted server, made anew for each: an authority, the server's own, and one for a client.
 */
#include "tests/kit/httpd_priv.h"
#include "tests/kit/unit.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#define DAY 86400L

struct pair {
    EVP_PKEY *key;
    X509 *cert;
};

static void add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509_EXTENSION *extension;
    X509V3_CTX ctx;

    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    ck_assert_ptr_nonnull(extension);
    ck_assert_int_eq(X509_add_ext(cert, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

/* issuer NULL: signed by itself, an authority. names: "DNS:a,IP:127.0.0.1", or NULL. */
static struct pair make_pair(const struct pair *issuer, const char *common_name, const char *names, long days)
{
    struct pair made = {EVP_EC_gen("P-256"), X509_new()};
    X509_NAME *name = X509_NAME_new();
    static long serial;

    ck_assert(made.key != NULL && made.cert != NULL && name != NULL);
    X509_set_version(made.cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(made.cert), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(made.cert), -2 * DAY);
    X509_gmtime_adj(X509_getm_notAfter(made.cert), days * DAY);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)common_name, -1, -1, 0);
    X509_set_subject_name(made.cert, name);
    X509_set_issuer_name(made.cert, issuer != NULL ? X509_get_subject_name(issuer->cert) : name);
    X509_NAME_free(name);
    X509_set_pubkey(made.cert, made.key);
    if (issuer == NULL)
        add_extension(made.cert, made.cert, NID_basic_constraints, "critical,CA:TRUE");
    if (names != NULL)
        add_extension(made.cert, issuer != NULL ? issuer->cert : made.cert, NID_subject_alt_name, names);
    ck_assert_int_gt(X509_sign(made.cert, issuer != NULL ? issuer->key : made.key, EVP_sha256()), 0);
    return made;
}

static void free_pair(struct pair *pair)
{
    EVP_PKEY_free(pair->key);
    X509_free(pair->cert);
}

static void write_pem(char path[PATH_MAX], const char *name, const struct pair *pair, bool with_key)
{
    FILE *file;

    snprintf(path, PATH_MAX, "%s/%s", unit_temp_dir(), name);
    file = fopen(path, "we");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(PEM_write_X509(file, pair->cert), 1);
    if (with_key)
        ck_assert_int_eq(PEM_write_PrivateKey(file, pair->key, NULL, NULL, 0, NULL, NULL), 1);
    ck_assert_int_eq(fclose(file), 0);
}

void httpd_tls_make(struct httpd *server, enum httpd_tls tls)
{
    struct pair authority = make_pair(NULL, "Scripted Authority", NULL, 2);
    struct pair client = make_pair(&authority, "scripted client", NULL, 2);
    struct pair own = make_pair(&authority, "scripted server",
                                tls == HTTPD_TLS_OTHER_NAME ? "DNS:store.invalid" : "DNS:localhost,IP:127.0.0.1",
                                tls == HTTPD_TLS_EXPIRED ? -1 : 2);

    write_pem(server->ca_file, "ca.pem", &authority, false);
    write_pem(server->client_file, "client.pem", &client, true);
    server->tls = SSL_CTX_new(TLS_server_method());
    ck_assert_ptr_nonnull(server->tls);
    ck_assert_int_eq(SSL_CTX_use_certificate(server->tls, own.cert), 1);
    ck_assert_int_eq(SSL_CTX_use_PrivateKey(server->tls, own.key), 1);
    SSL_CTX_set_mode(server->tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    if (tls == HTTPD_TLS_CLIENT_CERT) {
        SSL_CTX_set_verify(server->tls, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
        X509_STORE_add_cert(SSL_CTX_get_cert_store(server->tls), authority.cert);
    }
    free_pair(&authority);
    free_pair(&client);
    free_pair(&own);
}
