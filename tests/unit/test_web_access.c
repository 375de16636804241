/* SPDX-License-Identifier: MIT */
/* The server behind a gate: who is answered, who waits, and what leaves the socket under TLS. */
#define _GNU_SOURCE
#include "fixture.h"
#include "http_client.h"
#include "suites.h"

#include "daemon/http/auth.h"
#include "daemon/http/web_access.h"

#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define OF_SECRET "$2y$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW"
#define ALICE "basic_auth_users: {alice: " OF_SECRET "}\n"
#define TOKEN                                                                                      \
    "bearer_token_hashes: [2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b]\n"
#define TLS "tls_server_config: {cert_file: a.crt, key_file: a.key}\n"
#define RIGHT "Authorization: Basic YWxpY2U6c2VjcmV0\r\n"
#define WRONG "Authorization: Basic YWxpY2U6d3Jvbmc=\r\n"
/* Who is unknown takes as long as b, some 15 ms. */
#define SLOW                                                                                       \
    "basic_auth_users: {alice: " OF_SECRET                                                         \
    ", b: $2b$08$abcdefghijklmnopqrstuuqflPDzB6gcMhKa1rZqKiun2YGL5sa2u}\n"
#define NOBODY "Authorization: Basic bm9ib2R5OmE=\r\n"
#define ASK(headers) "GET / HTTP/1.1\r\nHost: localhost\r\n" headers "\r\n"

static struct self *self;
static struct web_access *web;
static char path[128], error[512];

static void write_file(const char *text)
{
    FILE *file = fopen(path, "w");
    ck_assert_int_ge(fputs(text, file), 0);
    fclose(file);
}

static void make_certificate(const char *name)
{
    char command[512];
    snprintf(command, sizeof command,
             "cd %s && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes "
             "-keyout a.key -out a.crt -days 2 -subj /CN=%s 2>/dev/null",
             fixture_directory, name);
    ck_assert_int_eq(system(command), 0);
}

static void start(void)
{
    http_start();
    log_capture();
    snprintf(path, sizeof path, "%s/web.yml", fixture_directory);
    make_certificate("first");
    self = self_new(1, "0", "0");
    web = NULL;
}

/* The server has this gate from now on. */
static void use(const char *text)
{
    write_file(text);
    web = web_access_new(http.base, path, self, error, sizeof error);
    ck_assert_msg(web != NULL, "%s", error);
    http_server_set_gate(http.server, web_access_gate(web));
}

static void reload(const char *text)
{
    write_file(text);
    ck_assert_msg(web_access_reload(web, error, sizeof error), "%s", error);
}

static void stop(void)
{
    http_server_free(http.server);
    http.server = NULL;
    if (web)
        web_access_free(web);
    self_free(self);
    log_release(false);
    fixture_files(true);
    http_stop();
}

static int status_of(int listener, const char *request)
{
    struct client *client = client_new(listener);
    client_ask(client, request);
    int status = client_next_status(client);
    client_free(client);
    return status;
}

START_TEST(who_says_nothing_is_told_how)
{
    use(ALICE TOKEN);
    struct client *client = client_new(1);
    client_ask(client, GET);
    const struct response *response = client_next(client, false);
    ck_assert_int_eq(response->status, 401);
    ck_assert_ptr_nonnull(strstr(response->head, "\r\nWWW-Authenticate: Basic realm=\"engramd\""));
    ck_assert_ptr_nonnull(strstr(response->head, "\r\nWWW-Authenticate: Bearer "));
    client_ask(client, ASK(RIGHT)); /* on the same connection */
    ck_assert_str_eq(client_next(client, false)->body, "hello\n");
    client_free(client);
    reload(TOKEN);
    client = client_new(1);
    client_ask(client, ASK(RIGHT));
    response = client_next(client, false);
    ck_assert_int_eq(response->status, 401);
    ck_assert_ptr_null(strstr(response->head, "Basic"));
    client_free(client);
    ck_assert_int_eq(status_of(1, ASK("Authorization: Bearer secret\r\n")), 200);
    ck_assert_int_eq(http.handled, 2);
}
END_TEST

START_TEST(socket_files_have_no_gate)
{
    use(ALICE TLS);
    ck_assert_int_eq(status_of(0, GET), 200);
}
END_TEST

START_TEST(wrong_passwords_reach_no_handler)
{
    use(ALICE);
    ck_assert_int_eq(status_of(1, ASK(WRONG)), 401);
    ck_assert_int_eq(status_of(1, ASK("Authorization: Bearer secret\r\n")), 401);
    ck_assert_int_eq(status_of(1, ASK(RIGHT RIGHT)), 400);
    ck_assert_int_eq(status_of(1, "POST / HTTP/1.1\r\nHost: localhost\r\n\r\n"), 405);
    ck_assert_int_eq(http.handled, 0);
    ck_assert_int_eq(http.observed[401], 2);
}
END_TEST

START_TEST(requests_that_wait_are_answered_in_turn)
{
    use(ALICE);
    struct client *client = client_new(1);
    client_ask(client,
               "GET /query?1 HTTP/1.1\r\nHost: localhost\r\n" RIGHT "\r\n"
               "GET /query?2 HTTP/1.1\r\nHost: localhost\r\n" WRONG "\r\n"
               "GET /query?3 HTTP/1.1\r\nHost: localhost\r\n" RIGHT "Connection: close\r\n\r\n");
    ck_assert_str_eq(client_next(client, false)->body, "1");
    ck_assert_int_eq(client_next_status(client), 401);
    ck_assert_str_eq(client_next(client, false)->body, "3");
    client_expect_end(client);
    client_free(client);
}
END_TEST

/* Much more comes while the first request waits, in small pieces that move what is buffered. */
START_TEST(what_comes_meanwhile_harms_nothing)
{
    char fill[64];
    use(ALICE);
    struct client *client = client_new(1);
    client_ask(client,
               "HEAD /query?first HTTP/1.1\r\nHost: localhost\r\n" WRONG "\r\nGET /query?second "
               "HTTP/1.1\r\nHost: localhost\r\n" RIGHT);
    for (int i = 0; i < 90; i++) {
        snprintf(fill, sizeof fill, "X-%d: %050d\r\n", i, i);
        client_ask(client, fill);
    }
    client_ask(client, "\r\n");
    ck_assert_int_eq(client_next(client, true)->status, 401);
    ck_assert_str_eq(client_next(client, false)->body, "second");
    client_free(client);
}
END_TEST

/* The verdict finds nobody: after a reset the server knows that, after an end it does not. */
START_TEST(client_may_leave_while_it_waits)
{
    bool reset = _i == 1;
    use(SLOW);
    struct client *client = client_new(1);
    client_ask(client, ASK(NOBODY));
    if (reset)
        setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0},
                   sizeof(struct linger));
    client_free(client);
    http_run();
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(status_of(1, ASK(NOBODY)), 401); /* by then the verdict has come */
    ck_assert_int_eq(http.observed[401], reset ? 10 : 11);
    ck_assert_int_eq(status_of(1, ASK(RIGHT)), 200);
}
END_TEST

START_TEST(half_closed_client_gets_its_verdict)
{
    use(ALICE);
    struct client *client = client_new(1);
    client_ask(client, ASK(RIGHT));
    shutdown(client->fd, SHUT_WR);
    ck_assert_int_eq(client_next_status(client), 200);
    client_expect_end(client);
    client_free(client);
}
END_TEST

/* A verdict that comes after the scrape's time is none: it is told so before. */
START_TEST(who_scrapes_is_told_that_it_takes_too_long)
{
    use("basic_auth_users: {a: $2b$12$abcdefghijklmnopqrstuuqflPDzB6gcMhKa1rZqKiun2YGL5sa2u}\n");
    struct client *client = client_new(1);
    client_ask(client, ASK(WRONG "X-Prometheus-Scrape-Timeout-Seconds: 0.05\r\n"));
    const struct response *response = client_next(client, false);
    ck_assert_int_eq(response->status, 503);
    ck_assert_ptr_nonnull(strstr(response->head, "\r\nRetry-After: "));
    ck_assert_ptr_nonnull(strstr(response->body, "passwords"));
    client_ask(client, ASK(WRONG));
    ck_assert_int_eq(client_next_status(client), 401);
    client_free(client);
}
END_TEST

START_TEST(server_may_end_while_clients_wait)
{
    use("basic_auth_users: {a: $2b$10$abcdefghijklmnopqrstuuqflPDzB6gcMhKa1rZqKiun2YGL5sa2u}\n");
    struct client *clients[3];
    for (int i = 0; i < 3; i++) {
        clients[i] = client_new(1);
        client_ask(clients[i], ASK(WRONG));
    }
    http_run();
    http_server_free(http.server);
    http.server = NULL;
    web_access_free(web);
    web = NULL;
    for (int i = 0; i < 3; i++)
        client_free(clients[i]);
    http.server = http_server_new(http.base, NULL, NULL, NULL); /* for stop() */
}
END_TEST

/* However many passwords are tried, who is known is answered, and nothing piles up. */
START_TEST(flood_of_wrong_passwords)
{
    enum { CLIENTS = 30 };
    struct client *clients[CLIENTS];
    int put_off = 0;
    use(SLOW);
    ck_assert_int_eq(status_of(1, ASK(RIGHT)), 200);
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = client_new(1);
        client_ask(clients[i], ASK(NOBODY));
    }
    ck_assert_int_eq(status_of(1, ASK(RIGHT)), 200);
    for (int i = 0; i < CLIENTS; i++) {
        int status = client_next_status(clients[i]);
        ck_assert(status == 401 || status == 503);
        put_off += status == 503;
        client_free(clients[i]);
    }
    ck_assert_int_ge(put_off, 1);
    ck_assert_int_eq(http.handled, 2);
}
END_TEST

START_TEST(headers_are_added)
{
    use(ALICE "http_server_config: {headers: {X-Frame-Options: deny}}\n");
    struct client *client = client_new(1);
    client_ask(client, ASK(RIGHT));
    ck_assert_ptr_nonnull(
        strstr(client_next(client, false)->head, "\r\nX-Frame-Options: deny\r\n"));
    client_ask(client, GET);
    ck_assert_ptr_nonnull(
        strstr(client_next(client, false)->head, "\r\nX-Frame-Options: deny\r\n"));
    client_free(client);
}
END_TEST

/* A client that speaks TLS. */
struct sealed {
    struct client *plain;
    SSL_CTX *context;
    SSL *ssl;
    char in[65536];
    size_t length;
    bool ended; /* by a notice, not by the socket alone */
};

static struct sealed *sealed_new(void)
{
    struct sealed *sealed = calloc(1, sizeof *sealed);
    int done = 0;
    sealed->plain = client_new(1);
    sealed->context = SSL_CTX_new(TLS_client_method());
    sealed->ssl = SSL_new(sealed->context);
    SSL_set_fd(sealed->ssl, sealed->plain->fd);
    while (done != 1) {
        done = SSL_connect(sealed->ssl);
        ck_assert(done == 1 || SSL_get_error(sealed->ssl, done) == SSL_ERROR_WANT_READ);
        http_run();
    }
    return sealed;
}

static void sealed_free(struct sealed *sealed)
{
    SSL_free(sealed->ssl);
    SSL_CTX_free(sealed->context);
    client_free(sealed->plain);
    free(sealed);
}

static void sealed_ask(struct sealed *sealed, const char *text)
{
    ck_assert_int_eq(SSL_write(sealed->ssl, text, (int)strlen(text)), (int)strlen(text));
    http_run();
}

/* Takes what has come. */
static void sealed_take(struct sealed *sealed)
{
    http_run();
    int got = SSL_read(sealed->ssl, sealed->in + sealed->length,
                       (int)(sizeof sealed->in - sealed->length));
    int why = got > 0 ? SSL_ERROR_NONE : SSL_get_error(sealed->ssl, got);
    ck_assert(why == SSL_ERROR_NONE || why == SSL_ERROR_WANT_READ || why == SSL_ERROR_ZERO_RETURN);
    sealed->length += got > 0 ? (size_t)got : 0;
    sealed->ended = why == SSL_ERROR_ZERO_RETURN;
}

/* Hears until there is such a text, or the end. */
static void sealed_hear(struct sealed *sealed, const char *text)
{
    while (!memmem(sealed->in, sealed->length, text, strlen(text)) && !sealed->ended)
        sealed_take(sealed);
}

static const char *certificate_of(const struct sealed *sealed)
{
    static char name[64];
    X509 *certificate = SSL_get1_peer_certificate(sealed->ssl);
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name,
                              sizeof name);
    X509_free(certificate);
    return name;
}

START_TEST(answers_are_sealed)
{
    use(ALICE TLS);
    struct sealed *sealed = sealed_new();
    sealed_ask(sealed, ASK(RIGHT));
    sealed_hear(sealed, "\r\n\r\nhello\n");
    sealed->length = 0;
    sealed_ask(sealed, ASK(RIGHT "Connection: close\r\n"));
    sealed_hear(sealed, "an end");
    ck_assert_ptr_nonnull(memmem(sealed->in, sealed->length, "\r\n\r\nhello\n", 10));
    ck_assert(sealed->ended);
    sealed_free(sealed);
}
END_TEST

START_TEST(big_answers_are_sealed)
{
    use(TLS);
    struct sealed *sealed = sealed_new();
    size_t total = 0;
    sealed_ask(sealed, "GET /big HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    while (!sealed->ended) {
        sealed->length = 0;
        sealed_take(sealed);
        total += sealed->length;
    }
    ck_assert_uint_gt(total, BIG);
    sealed_free(sealed);
}
END_TEST

/* Frames of a stream go to the socket at once, but never past the seal. */
START_TEST(frames_are_sealed)
{
    static const char text[] = "data: 1\n\n";
    use(TLS);
    struct sealed *sealed = sealed_new();
    sealed_ask(sealed, "GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
    sealed_hear(sealed, "\r\n\r\n");
    for (int i = 0; i < 3; i++) {
        struct buffer bytes = {0};
        buffer_append_string(&bytes, text);
        struct frame *frame = frame_take(&bytes, NULL);
        sealed->length = 0;
        http_stream_send(http.stream, frame);
        frame_release(frame);
        sealed_hear(sealed, text);
        ck_assert(!sealed->ended);
        ck_assert_uint_eq(http_stream_backlog(http.stream), 0);
    }
    http_stream_close(http.stream);
    sealed_hear(sealed, "an end");
    ck_assert(sealed->ended);
    sealed_free(sealed);
}
END_TEST

START_TEST(who_does_not_speak_tls_is_told_so)
{
    use(TLS);
    struct client *client = client_new(1), *other = client_new(1);
    client_ask(client, GET);
    const struct response *response = client_next(client, false);
    ck_assert_int_eq(response->status, 400);
    ck_assert_msg(strstr(response->body, "https://\n") != NULL, "%s", response->body);
    client_expect_end(client);
    client_ask(other, "SSH-2.0-OpenSSH_9.2\r\n");
    client_expect_end(other);
    client_free(other);
    ck_assert_int_eq(http.handled, 0);
    client_free(client);
    struct sealed *sealed = sealed_new(); /* and the others are served */
    sealed_ask(sealed, GET);
    sealed_hear(sealed, "hello\n");
    sealed_free(sealed);
}
END_TEST

START_TEST(refusals_are_sealed)
{
    use(TLS);
    struct sealed *sealed = sealed_new();
    sealed_ask(sealed, "GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n");
    sealed_hear(sealed, "an end");
    ck_assert_int_eq(strncmp(sealed->in, "HTTP/1.1 413 ", 13), 0);
    ck_assert(sealed->ended);
    sealed_free(sealed);
}
END_TEST

/* There is no room: nothing can be said that one who expects a handshake would understand. */
START_TEST(one_too_many_hears_nothing)
{
    const struct http_limits limits = {
        .connections = 1, .connections_of_one = 1, .patience_ms = 1000000};
    use(TLS);
    struct sealed *reading = sealed_new();
    sealed_ask(reading, "GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n");
    http_server_limit(http.server, &limits);
    struct client *second = client_new(1);
    client_expect_end(second);
    ck_assert_int_eq(http.observed[503], 1);
    client_free(second);
    sealed_free(reading);
}
END_TEST

/* What changes counts for new connections, the others go on as they are. */
START_TEST(certificates_are_read_again)
{
    use(TLS);
    struct sealed *before = sealed_new();
    ck_assert_str_eq(certificate_of(before), "first");
    make_certificate("second");
    ck_assert(web_access_reload(web, error, sizeof error));
    struct sealed *after = sealed_new();
    ck_assert_str_eq(certificate_of(after), "second");
    sealed_ask(before, GET);
    sealed_hear(before, "hello\n");
    reload(ALICE);
    ck_assert_int_eq(status_of(1, ASK(RIGHT)), 200);
    sealed_ask(after, ASK(RIGHT)); /* the seal stays, the users are new */
    sealed_hear(after, "hello\n");
    sealed_free(before);
    sealed_free(after);
}
END_TEST

static const char *const broken[] = {"", ALICE "x: 1\n", ALICE TLS "#", "[", ALICE};

START_TEST(broken_file_changes_nothing)
{
    use(ALICE);
    ck_assert_int_eq(status_of(1, ASK(RIGHT)), 200);
    write_file(broken[_i]);
    char key[128];
    snprintf(key, sizeof key, "%s/a.key", fixture_directory);
    ck_assert_int_eq(_i == 4 ? unlink(path) : unlink(key), 0);
    ck_assert(!web_access_reload(web, error, sizeof error));
    ck_assert_msg(strncmp(error, path, strlen(path)) == 0, "%s", error);
    ck_assert_int_eq(status_of(1, ASK(RIGHT)), 200);
    ck_assert_int_eq(status_of(1, ASK(WRONG)), 401);
    ck_assert(web_access_asks(web) && !web_access_seals(web));
}
END_TEST

START_TEST(secrets_that_all_can_read_are_named)
{
    char key[128];
    snprintf(key, sizeof key, "%s/a.key", fixture_directory);
    umask(0);
    use(ALICE TLS);
    ck_assert_ptr_nonnull(strstr(log_captured(), "open to others"));
    ck_assert_ptr_nonnull(strstr(log_captured(), path));
    ck_assert_ptr_null(strstr(log_captured(), key)); /* openssl knows how keys are made */
    chmod(key, 0644);
    reload(ALICE TLS);
    ck_assert_ptr_nonnull(strstr(log_captured(), key));
}
END_TEST

START_TEST(nothing_is_made_of_what_is_wrong)
{
    write_file("x: 1\n");
    ck_assert_ptr_null(web_access_new(http.base, path, self, error, sizeof error));
    ck_assert_ptr_nonnull(strstr(error, "web.yml:1: "));
    ck_assert_ptr_null(web_access_new(http.base, "/none/web.yml", self, error, sizeof error));
    ck_assert_ptr_nonnull(strstr(error, "/none/web.yml"));
}
END_TEST

Suite *web_access_suite(void)
{
    Suite *suite = suite_create("web_access");
    TCase *tests = tcase_create("gate");
    tcase_set_timeout(tests, 30);
    tcase_add_checked_fixture(tests, start, stop);
    tcase_add_test(tests, who_says_nothing_is_told_how);
    tcase_add_test(tests, socket_files_have_no_gate);
    tcase_add_test(tests, wrong_passwords_reach_no_handler);
    tcase_add_test(tests, requests_that_wait_are_answered_in_turn);
    tcase_add_test(tests, what_comes_meanwhile_harms_nothing);
    tcase_add_loop_test(tests, client_may_leave_while_it_waits, 0, 2);
    tcase_add_test(tests, half_closed_client_gets_its_verdict);
    tcase_add_test(tests, who_scrapes_is_told_that_it_takes_too_long);
    tcase_add_test(tests, server_may_end_while_clients_wait);
    tcase_add_test(tests, flood_of_wrong_passwords);
    tcase_add_test(tests, headers_are_added);
    tcase_add_test(tests, answers_are_sealed);
    tcase_add_test(tests, big_answers_are_sealed);
    tcase_add_test(tests, frames_are_sealed);
    tcase_add_test(tests, who_does_not_speak_tls_is_told_so);
    tcase_add_test(tests, refusals_are_sealed);
    tcase_add_test(tests, one_too_many_hears_nothing);
    tcase_add_test(tests, certificates_are_read_again);
    tcase_add_loop_test(tests, broken_file_changes_nothing, 0,
                        (int)(sizeof broken / sizeof broken[0]));
    tcase_add_test(tests, secrets_that_all_can_read_are_named);
    tcase_add_test(tests, nothing_is_made_of_what_is_wrong);
    suite_add_tcase(suite, tests);
    return suite;
}
