/* SPDX-License-Identifier: MIT */
#include "suites.h"

#include "daemon/http_request.h"

#include <string.h>

#define GET "GET /metrics HTTP/1.1\r\n"
#define HOST "Host: a\r\n"

static const struct {
    const char *head;
    int status;
} cases[] = {
    {GET HOST "\r\n", 0},
    {"HEAD / HTTP/1.1\r\n" HOST "\r\n", 0},
    {"GET / HTTP/1.0\r\n\r\n", 0},
    {GET "\r\n", 400},
    {GET HOST HOST "\r\n", 400},
    {"POST / HTTP/1.1\r\n" HOST "\r\n", 405},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\n", 413},
    {GET HOST "Content-Length: 0\r\n\r\n", 0},
    {GET HOST "Content-Length: 0x\r\n\r\n", 400},
    {GET HOST "Content-Length: \r\n\r\n", 400},
    {GET HOST "Transfer-Encoding: chunked\r\n\r\n", 501},
    {GET HOST "Transfer-Encoding : chunked\r\n\r\n", 400},
    {GET HOST " folded\r\n\r\n", 400},
    {GET HOST "a\nb: c\r\n\r\n", 400},
    {GET HOST "a: b\rc\r\n\r\n", 400},
    {GET HOST "no colon\r\n\r\n", 400},
    {GET HOST ": empty\r\n\r\n", 400},
    {"GET / HTTP/2.0\r\n" HOST "\r\n", 505},
    {"GET / FTP/1.1\r\n" HOST "\r\n", 400},
    {"GET  / HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET http://a/ HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET /\r\n\r\n", 400},
    {"\r\n\r\n", 400},
    {"G\x01T / HTTP/1.1\r\n" HOST "\r\n", 400},
};

static int parse(struct http_request *request, char *room, const char *head)
{
    strcpy(room, head);
    ck_assert_uint_eq(http_head_length(room, strlen(room)), strlen(room));
    return http_request_parse(request, room, strlen(room));
}

START_TEST(status_of_a_head)
{
    struct http_request request;
    char room[512];
    ck_assert_msg(parse(&request, room, cases[_i].head) == cases[_i].status, "%s", cases[_i].head);
}
END_TEST

START_TEST(fields_of_a_request)
{
    struct http_request request;
    char room[512];
    ck_assert_int_eq(parse(&request, room,
                           "GET /metrics?a=b HTTP/1.1\r\nhost:x\r\nACCEPT:  text/plain \r\n"
                           "Accept-Encoding: gzip\r\n\r\n"),
                     0);
    ck_assert_str_eq(request.path, "/metrics");
    ck_assert_str_eq(request.query, "a=b");
    ck_assert_str_eq(request.accept, "text/plain");
    ck_assert_str_eq(request.accept_encoding, "gzip");
    ck_assert(request.keep_alive && !request.head);
}
END_TEST

START_TEST(connection_is_kept_or_not)
{
    struct http_request request;
    char room[512];
    parse(&request, room, GET HOST "Connection: close\r\n\r\n");
    ck_assert(!request.keep_alive);
    parse(&request, room, "GET / HTTP/1.0\r\n\r\n");
    ck_assert(!request.keep_alive);
    parse(&request, room, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    ck_assert(request.keep_alive);
}
END_TEST

START_TEST(head_has_an_end)
{
    ck_assert_uint_eq(http_head_length("GET / HTTP/1.1\r\n", 16), 0);
    ck_assert_uint_eq(http_head_length("a\r\n\r\nrest", 9), 5);
    ck_assert_uint_eq(http_head_length("", 0), 0);
}
END_TEST

START_TEST(nul_is_refused)
{
    char bytes[] = "GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n";
    struct http_request request;
    ck_assert_int_eq(http_request_parse(&request, bytes, sizeof bytes - 1), 400);
}
END_TEST

Suite *http_request_suite(void)
{
    Suite *suite = suite_create("http_request");
    TCase *tests = tcase_create("parser");
    tcase_add_loop_test(tests, status_of_a_head, 0, (int)(sizeof cases / sizeof cases[0]));
    tcase_add_test(tests, fields_of_a_request);
    tcase_add_test(tests, connection_is_kept_or_not);
    tcase_add_test(tests, head_has_an_end);
    tcase_add_test(tests, nul_is_refused);
    suite_add_tcase(suite, tests);
    return suite;
}
