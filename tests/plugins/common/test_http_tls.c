/* SPDX-License-Identifier: Apache-2.0
 *
 * TLS: whom we trust, and what is said if we do not.
 */
#include "tests/plugins/common/session.h"

#include <pthread.h>
#include <string.h>

/* Neither a ca_file nor an environment that names one is there unless the test says so. */
static void init(struct session *session, struct httpd *server)
{
    unsetenv("SSL_CERT_FILE");
    unsetenv("CURL_CA_BUNDLE");
    session_init(session, server);
    session->options.plain_http = false;
}

static void refused(enum httpd_tls tls, bool trusted, const char *words)
{
    static const struct httpd_step nothing[] = {ACCEPT()};
    struct session session;

    init(&session, httpd_start_tls(tls, nothing));
    if (trusted)
        session.options.ca_file = httpd_ca_file(session.server);
    session_start(&session);
    ck_assert_int_eq(session_ask(&session, HTTP_PUT, "/k"), -1);
    session_failed(&session, SF_PERMANENT, "the-object: the certificate of 127.0.0.1:");
    session_failed(&session, SF_PERMANENT, words);
    ck_assert_int_eq(session.err.maybe_applied, 0);
    ck_assert_uint_eq(httpd_requests(session.server), 0);
    session_close(&session);
}

START_TEST(a_good_certificate)
{
    static const struct httpd_step dialogue[] = {EXPECT("GET /k"), REPLY(200, .body = "hello"), AGAIN()};
    struct session session;
    int i;

    init(&session, httpd_start_tls(HTTPD_TLS, dialogue));
    session.options.ca_file = httpd_ca_file(session.server);
    session_start(&session);
    for (i = 0; i < 10; i++)
        ck_assert_int_eq(session_ask(&session, HTTP_GET, "/k"), 200);
    ck_assert_uint_eq(httpd_connections(session.server), 1);
    session_close(&session);
}
END_TEST

START_TEST(each_reason_has_its_words)
{
    refused(HTTPD_TLS, false, "comes from an authority that this machine does not know");
    refused(HTTPD_TLS, false, "option ca_file");
    refused(HTTPD_TLS_OTHER_NAME, true, "is made out to another name");
    refused(HTTPD_TLS_EXPIRED, true, "has expired");
}
END_TEST

/* Option, SSL_CERT_FILE, CURL_CA_BUNDLE; the first that is set stands alone. */
START_TEST(whose_word_counts)
{
    static const struct httpd_step dialogue[] = {EXPECT("GET /k"), REPLY(200), AGAIN()};
    static const struct httpd_step nothing[] = {ACCEPT(), AGAIN()};
    struct httpd *other = httpd_start_tls(HTTPD_TLS, nothing);
    char other_file[512], good_file[512];
    struct session session;
    struct httpd *server;
    int round;

    snprintf(other_file, sizeof(other_file), "%s.other", httpd_ca_file(other));
    ck_assert_int_eq(rename(httpd_ca_file(other), other_file), 0);
    server = httpd_start_tls(HTTPD_TLS, dialogue);
    snprintf(good_file, sizeof(good_file), "%s", httpd_ca_file(server));
    for (round = 0; round < 4; round++) {
        init(&session, server);
        session.options.ca_file = round == 0 ? good_file : NULL;
        setenv("SSL_CERT_FILE", round == 0 || round == 3 ? other_file : round == 1 ? good_file : "", 1);
        setenv("CURL_CA_BUNDLE", round == 2 || round == 3 ? good_file : other_file, 1);
        session_start(&session);
        ck_assert_int_eq(session_ask(&session, HTTP_GET, "/k"), round < 3 ? 200 : -1);
        if (round == 3)
            session_failed(&session, SF_PERMANENT, "was not signed by the authority of that name that is known here");
        session.server = NULL;
        session_close(&session);
    }
    ck_assert_uint_eq(httpd_requests(server), 3);
    httpd_end(server, (char[HTTPD_TEXT]){0}); /* the last connection ended before its part */
    httpd_end(other, (char[HTTPD_TEXT]){0});
}
END_TEST

START_TEST(files_that_are_no_use)
{
    struct sf_error err = SF_ERROR_INIT;
    struct http_options options = {.proxy = ""};
    struct http *http;
    char path[512];

    options.ca_file = "/nowhere/ca.pem";
    ck_assert_int_eq(http_open(&http, &options, &err), -1);
    ck_assert_str_eq(err.text, "ca_file /nowhere/ca.pem: No such file or directory");
    unit_write("empty.pem", "nothing", -1);
    snprintf(path, sizeof(path), "%s/empty.pem", unit_temp_dir());
    options.ca_file = path;
    ck_assert_int_eq(http_open(&http, &options, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "empty.pem holds no certificate in PEM form"));
    options.ca_file = NULL;
    options.client_cert = "/nowhere/client.pem";
    ck_assert_int_eq(http_open(&http, &options, &err), -1);
    ck_assert_str_eq(err.text, "client_cert /nowhere/client.pem: No such file or directory");
}
END_TEST

START_TEST(a_bundle_of_the_environment_that_is_no_use)
{
    static const struct httpd_step nothing[] = {ACCEPT()};
    struct session session;

    init(&session, httpd_start_tls(HTTPD_TLS, nothing));
    setenv("SSL_CERT_FILE", "/nowhere/ca.pem", 1);
    session_start(&session);
    ck_assert_int_eq(session_ask(&session, HTTP_GET, "/k"), -1);
    session_failed(&session, SF_PERMANENT, "/nowhere/ca.pem");
    session_close(&session);
}
END_TEST

START_TEST(a_client_certificate)
{
    static const struct httpd_step dialogue[] = {EXPECT("GET /k"), REPLY(200)};
    static const struct httpd_step nothing[] = {ACCEPT()};
    struct session session;

    init(&session, httpd_start_tls(HTTPD_TLS_CLIENT_CERT, dialogue));
    session.options.ca_file = httpd_ca_file(session.server);
    session.options.client_cert = httpd_client_file(session.server);
    session_start(&session);
    ck_assert_int_eq(session_ask(&session, HTTP_GET, "/k"), 200);
    session_close(&session);

    init(&session, httpd_start_tls(HTTPD_TLS_CLIENT_CERT, nothing));
    session.options.ca_file = httpd_ca_file(session.server);
    session_start(&session);
    ck_assert_int_eq(session_ask(&session, HTTP_GET, "/k"), -1);
    session_failed(&session, SF_PERMANENT, "wants a client certificate (option client_cert)");
    session_close(&session);

    init(&session, httpd_start_tls(HTTPD_TLS, nothing));
    session.options.ca_file = httpd_ca_file(session.server);
    session.options.client_cert = session.options.ca_file; /* has no key */
    session_start(&session);
    ck_assert_int_eq(session_ask(&session, HTTP_GET, "/k"), -1);
    session_failed(&session, SF_PERMANENT, "the client certificate for 127.0.0.1:");
    session.server = (httpd_end(session.server, (char[HTTPD_TEXT]){0}), NULL);
    session_close(&session);
}
END_TEST

START_TEST(a_port_that_speaks_no_tls)
{
    static const struct httpd_step dialogue[] = {RAW("HTTP/1.1 400 Bad Request\r\n\r\n"), CLOSE()};
    struct http_request request;
    struct session session;

    session_open(&session, httpd_start(dialogue));
    request = session_request(&session, HTTP_GET, "/k");
    snprintf(session.url, sizeof(session.url), "https://127.0.0.1:%u/k", httpd_port(session.server));
    ck_assert_int_eq(session_send(&session, &request), -1);
    session_failed(&session, SF_PERMANENT, "does not speak TLS");
    ck_assert_int_eq(session.err.maybe_applied, 0);
    session_close(&session);
}
END_TEST

START_TEST(refused_early_over_tls)
{
    static const struct httpd_step dialogue[] = {
        EXPECT("PUT /k", .part = HTTPD_NONE),
        REPLY(403, .body = "<Error/>", .chunked = true, .close = true),
        AGAIN(),
    };
    struct source source = SOURCE_INIT;
    struct sf_body body = session_source(&source, 32u * 1024 * 1024);
    struct http_request request;
    struct session session;
    int i;

    init(&session, httpd_start_tls(HTTPD_TLS, dialogue));
    session.options.ca_file = httpd_ca_file(session.server);
    session_start(&session);
    request = session_request(&session, HTTP_PUT, "/k");
    request.body = &body;
    for (i = 0; i < 20; i++) {
        ck_assert_msg(session_send(&session, &request) == 403, "%s", session.err.text);
        ck_assert_str_eq(buf_text(&session.response.body), "<Error/>");
    }
    session_close(&session);
}
END_TEST

static void *send_many(void *ctx)
{
    struct session *session = ctx;
    struct source source = SOURCE_INIT;
    struct sf_body body = session_source(&source, 200000);
    struct http_request request = session_request(session, HTTP_PUT, "/k");
    int i;

    request.body = &body;
    for (i = 0; i < 20; i++)
        ck_assert_msg(session_send(session, &request) == 200, "%s", session->err.text);
    return NULL;
}

/* All of them make their first connection at once, and share the certificates. */
START_TEST(connections_on_threads)
{
    static const struct httpd_step dialogue[] = {EXPECT("PUT /k", .bytes = 200000), REPLY(200), AGAIN()};
    struct session sessions[8];
    pthread_t threads[8];
    size_t i;

    init(&sessions[0], httpd_start_tls(HTTPD_TLS, dialogue));
    setenv("SSL_CERT_FILE", httpd_ca_file(sessions[0].server), 1);
    sessions[0].host.log_level = SF_LOG_ERROR; /* a session keeps its log without a lock */
    session_start(&sessions[0]);
    for (i = 1; i < 8; i++) {
        session_init(&sessions[i], sessions[0].server);
        ck_assert_int_eq(http_conn_open(&sessions[i].conn, sessions[0].http, &sessions[i].err), 0);
    }
    for (i = 0; i < 8; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, send_many, &sessions[i]), 0);
    for (i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    for (i = 1; i < 8; i++) {
        sessions[i].server = NULL;
        session_close(&sessions[i]);
    }
    session_close(&sessions[0]);
}
END_TEST

UNIT_MAIN("http_tls", &a_good_certificate, &each_reason_has_its_words, &whose_word_counts, &files_that_are_no_use,
          &a_bundle_of_the_environment_that_is_no_use, &a_client_certificate, &a_port_that_speaks_no_tls,
          &refused_early_over_tls, &connections_on_threads)
