/* SPDX-License-Identifier: MIT */
/* What is asked before a request, and which pages may read its answer. */
#define _GNU_SOURCE
#include "http_client.h"
#include "suites.h"

#include "daemon/http/cors.h"

#include <stdio.h>

#define OURS "Origin: https://ours.example\r\n"
#define THEIRS "Origin: https://theirs.example\r\n"
#define PREFLIGHT "Access-Control-Request-Method: GET\r\n"

static char *origins[] = {(char[]){"http://localhost:3000"}, (char[]){"https://ours.example"},
                          NULL};

static const struct response *asked(struct client *client, const char *method, const char *headers)
{
    char request[512];
    snprintf(request, sizeof request, "%s HTTP/1.1\r\nHost: localhost\r\n%s\r\n", method, headers);
    client_ask(client, request);
    return client_next(client, false);
}

static bool has(const struct response *response, const char *header)
{
    char line[256];
    snprintf(line, sizeof line, "\r\n%s\r\n", header);
    return strstr(response->head, line) != NULL;
}

START_TEST(options_tell_the_methods)
{
    static const char *const targets[] = {"OPTIONS *", "OPTIONS /metrics"};
    struct client *client = client_new(_i);
    for (int i = 0; i < 2; i++) {
        const struct response *response = asked(client, targets[i], "");
        ck_assert_int_eq(response->status, 204);
        ck_assert(has(response, "Allow: GET, HEAD, OPTIONS"));
        ck_assert_ptr_null(strstr(response->head, "Content-"));
        ck_assert_ptr_null(strstr(response->head, "Access-Control"));
    }
    ck_assert_int_eq(asked(client, "GET /", "")->status, 200); /* the connection stays */
    client_free(client);
    ck_assert_int_eq(http.handled, 1);
}
END_TEST

START_TEST(without_a_list_nothing_is_said)
{
    struct client *client = client_new(0);
    const struct response *response = asked(client, "OPTIONS /", OURS PREFLIGHT);
    ck_assert_int_eq(response->status, 204);
    ck_assert_ptr_null(strstr(response->head, "Access-Control"));
    ck_assert(!has(response, "Vary: Origin"));
    client_free(client);
}
END_TEST

START_TEST(listed_origin_may_ask_and_read)
{
    struct client *client = client_new(0);
    http_server_allow_origins(http.server, origins);
    const struct response *response = asked(client, "OPTIONS /", OURS PREFLIGHT);
    ck_assert(has(response, "Access-Control-Allow-Origin: https://ours.example"));
    ck_assert(has(response, "Access-Control-Allow-Methods: GET, HEAD"));
    ck_assert(
        has(response, "Access-Control-Allow-Headers: Authorization, Cache-Control, Last-Event-ID"));
    ck_assert(has(response, "Vary: Origin"));
    response = asked(client, "GET /", OURS);
    ck_assert(has(response, "Access-Control-Allow-Origin: https://ours.example"));
    ck_assert(has(response, "Vary: Origin"));
    ck_assert_ptr_null(strstr(response->head, "Access-Control-Allow-Methods"));
    response = asked(client, "GET /", "Origin: http://localhost:3000\r\n");
    ck_assert(has(response, "Access-Control-Allow-Origin: http://localhost:3000"));
    response = asked(client, "GET /forgotten", OURS); /* an error is read, too */
    ck_assert_int_eq(response->status, 500);
    ck_assert(has(response, "Access-Control-Allow-Origin: https://ours.example"));
    client_free(client);
}
END_TEST

START_TEST(listed_origin_may_read_a_stream)
{
    struct client *client = client_new(0);
    http_server_allow_origins(http.server, origins);
    client_ask(client, "GET /stream HTTP/1.1\r\nHost: localhost\r\n" OURS "\r\n");
    while (!memmem(client->in, client->length, "\r\n\r\n", 4))
        client_hear(client);
    static const char header[] = "\r\nAccess-Control-Allow-Origin: https://ours.example\r\n";
    ck_assert_ptr_nonnull(memmem(client->in, client->length, header, sizeof header - 1));
    client_free(client);
}
END_TEST

START_TEST(others_may_not)
{
    static const char *const headers[] = {"",
                                          THEIRS,
                                          "Origin: null\r\n",
                                          "Origin: https://ours.example.org\r\n",
                                          "Origin: https://ours\r\n",
                                          "Origin:\r\n"};
    struct client *client = client_new(0);
    http_server_allow_origins(http.server, origins);
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        const struct response *response = asked(client, "GET /", headers[i]);
        ck_assert_int_eq(response->status, 200);
        ck_assert_ptr_null(strstr(response->head, "Access-Control"));
        ck_assert(has(response, "Vary: Origin")); /* or a cache would give it to one who may */
    }
    ck_assert_ptr_null(
        strstr(asked(client, "OPTIONS /", THEIRS PREFLIGHT)->head, "Access-Control"));
    client_free(client);
}
END_TEST

START_TEST(origins_are_as_browsers_write_them)
{
    static const char *const valid[] = {"http://localhost", "https://a.example:8443",
                                        "http://127.0.0.1:3000", "http://[::1]:3000"};
    static const char *const invalid[] = {
        "",           "*",           "null",          "https://",       "a.example",
        "ftp://a",    "https://A",   "HTTPS://a",     "https://a/",     "https://a/path",
        "https://a ", "https://a\n", "https://a\r\n", "https://user@a", "https://*.example"};
    for (size_t i = 0; i < sizeof valid / sizeof valid[0]; i++)
        ck_assert_msg(cors_origin_valid(valid[i]), "%s", valid[i]);
    for (size_t i = 0; i < sizeof invalid / sizeof invalid[0]; i++)
        ck_assert_msg(!cors_origin_valid(invalid[i]), "%s", invalid[i]);
}
END_TEST

Suite *cors_suite(void)
{
    Suite *suite = suite_create("cors");
    TCase *tests = tcase_create("origins");
    tcase_add_checked_fixture(tests, http_start, http_stop);
    tcase_add_loop_test(tests, options_tell_the_methods, 0, 2);
    tcase_add_test(tests, without_a_list_nothing_is_said);
    tcase_add_test(tests, listed_origin_may_ask_and_read);
    tcase_add_test(tests, listed_origin_may_read_a_stream);
    tcase_add_test(tests, others_may_not);
    tcase_add_test(tests, origins_are_as_browsers_write_them);
    suite_add_tcase(suite, tests);
    return suite;
}
