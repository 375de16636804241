/* SPDX-License-Identifier: MIT */
#include "suites.h"

#include "daemon/http/http_request.h"

#include <stdio.h>
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
    {GET "Host:\r\n\r\n", 0},
    {GET "Host: [::1]:7433\r\n\r\n", 0},
    {GET "Host: a b\r\n\r\n", 400},
    {GET "Host: a/b\r\n\r\n", 400},
    {GET "Host: user@a\r\n\r\n", 400},
    {GET "Host: a, b\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\n" HOST "\r\n", 405},
    {"get / HTTP/1.1\r\n" HOST "\r\n", 405},
    {"OPTIONS / HTTP/1.1\r\n" HOST "\r\n", 0},
    {"OPTIONS * HTTP/1.1\r\n" HOST "\r\n", 0},
    {"OPTIONS *x HTTP/1.1\r\n" HOST "\r\n", 400},
    {"OPTIONS http://a/ HTTP/1.1\r\n" HOST "\r\n", 400},
    {"options * HTTP/1.1\r\n" HOST "\r\n", 400},
    {"TRACE / HTTP/1.1\r\n" HOST "\r\n", 405},
    {"CONNECT a:80 HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET * HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET / HTTP/2.0\r\n" HOST "\r\n", 505},
    {"GET / HTTP/1.1 \r\n" HOST "\r\n", 505},
    {"GET / HTTP/1.10\r\n" HOST "\r\n", 505},
    {"PRI * HTTP/2.0\r\n\r\n", 505},
    {"GET / http/1.1\r\n" HOST "\r\n", 400},
    {"GET / FTP/1.1\r\n" HOST "\r\n", 400},
    {"GET  / HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET\t/\tHTTP/1.1\r\n" HOST "\r\n", 400},
    {" GET / HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET http://a/ HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET /\r\n\r\n", 400},
    {"GET / \r\n" HOST "\r\n", 400},
    {"\r\n\r\n", 400},
    {"\r\nGET / HTTP/1.1\r\n" HOST "\r\n", 400},
    {"G\x01T / HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET /\x7f HTTP/1.1\r\n" HOST "\r\n", 400},
    {"G(T / HTTP/1.1\r\n" HOST "\r\n", 400},
};

/* Where one server sees the end of a request and another does not. */
static const struct {
    const char *head;
    int status;
} smuggled[] = {
    {GET HOST "Content-Length: 5\r\n\r\n", 413},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\n", 413},
    {"GET / HTTP/1.0\r\nContent-Length: 5\r\n\r\n", 413},
    {GET HOST "Content-Length: 0\r\n\r\n", 0},
    {GET HOST "Content-Length: 00\r\n\r\n", 0},
    {GET HOST "Content-Length: 0x\r\n\r\n", 400},
    {GET HOST "Content-Length: 0x5\r\n\r\n", 400},
    {GET HOST "Content-Length: +5\r\n\r\n", 400},
    {GET HOST "Content-Length: -5\r\n\r\n", 400},
    {GET HOST "Content-Length: 5 5\r\n\r\n", 400},
    {GET HOST "Content-Length: 0, 5\r\n\r\n", 400},
    {GET HOST "Content-Length: \r\n\r\n", 400},
    {GET HOST "Content-Length: 99999999999999999999999\r\n\r\n", 413},
    {GET HOST "Content-Length: 0\r\nContent-Length: 0\r\n\r\n", 400},
    {GET HOST "Content-Length: 0\r\nContent-Length: 5\r\n\r\n", 400},
    {GET HOST "Content-Length: 5\r\ncontent-length: 0\r\n\r\n", 400},
    {GET HOST "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
    {GET HOST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", 400},
    {GET HOST "Transfer-Encoding: chunked\r\n\r\n", 501},
    {GET HOST "TRANSFER-ENCODING: chunked\r\n\r\n", 501},
    {GET HOST "Transfer-Encoding: Chunked\r\n\r\n", 501},
    {GET HOST "Transfer-Encoding: identity\r\n\r\n", 501},
    {GET HOST "Transfer-Encoding: xchunked\r\n\r\n", 501},
    {GET HOST "Transfer-Encoding:\r\n\r\n", 501},
    {GET HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n", 501},
    {"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
    {GET HOST "Transfer-Encoding : chunked\r\n\r\n", 400},
    {GET HOST "Transfer-Encoding\t: chunked\r\n\r\n", 400},
    {GET HOST " Transfer-Encoding: chunked\r\n\r\n", 400},
    {GET HOST "Transfer-Encoding:\r\n chunked\r\n\r\n", 400},
    {GET HOST "Transfer-Encoding: \x0b"
              "chunked\r\n\r\n",
     400},
    {GET HOST "X: a\r\n\tTransfer-Encoding: chunked\r\n\r\n", 400},
    {GET HOST "X: a\nTransfer-Encoding: chunked\r\n\r\n", 400},
    {GET HOST "X: a\rTransfer-Encoding: chunked\r\n\r\n", 400},
    {GET HOST "X: a\r\r\n\r\n", 400},
    {GET HOST "\nX: a\r\n\r\n", 400},
    {"GET / HTTP/1.1\n" HOST "\r\n", 400},
    {"GET / HTTP/1.1\r" HOST "\r\n", 400},
    {GET HOST "no colon\r\n\r\n", 400},
    {GET HOST ": empty\r\n\r\n", 400},
    {GET HOST "X y: z\r\n\r\n", 400},
    {GET HOST "X\xc3\xa9: z\r\n\r\n", 400},
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

START_TEST(nothing_is_smuggled)
{
    struct http_request request;
    char room[512];
    ck_assert_msg(parse(&request, room, smuggled[_i].head) == smuggled[_i].status, "%s",
                  smuggled[_i].head);
}
END_TEST

START_TEST(fields_of_a_request)
{
    struct http_request request;
    char room[512];
    ck_assert_int_eq(parse(&request, room,
                           "GET /metrics?a=b HTTP/1.1\r\nhost:x\r\nACCEPT:  text/plain \r\n"
                           "Accept-Encoding: gzip\r\nOrigin: http://a\r\n\r\n"),
                     0);
    ck_assert_str_eq(request.path, "/metrics");
    ck_assert_str_eq(request.query, "a=b");
    ck_assert_str_eq(request.accept, "text/plain");
    ck_assert_str_eq(request.accept_encoding, "gzip");
    ck_assert_str_eq(request.origin, "http://a");
    ck_assert_ptr_null(request.access_control_request_method);
    ck_assert(request.keep_alive && !request.head);
}
END_TEST

static const struct {
    const char *head;
    bool stays;
} connections[] = {
    {GET HOST "\r\n", true},
    {GET HOST "Connection: close\r\n\r\n", false},
    {GET HOST "Connection: Close\r\n\r\n", false},
    {GET HOST "Connection: TE, close\r\n\r\n", false},
    {GET HOST "Connection: close, TE\r\n\r\n", false},
    {GET HOST "Connection: keep-alive, close\r\n\r\n", false},
    {GET HOST "Connection: closed\r\n\r\n", true},
    {GET HOST "Connection: close\r\nConnection: keep-alive\r\n\r\n", false},
    {"GET / HTTP/1.0\r\n\r\n", false},
    {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true},
    {"GET / HTTP/1.0\r\nConnection: TE,keep-alive\r\n\r\n", true},
    {"GET / HTTP/1.0\r\nConnection: close, keep-alive\r\n\r\n", false},
};

START_TEST(connection_is_kept_or_not)
{
    struct http_request request;
    char room[512];
    ck_assert_int_eq(parse(&request, room, connections[_i].head), 0);
    ck_assert_msg(request.keep_alive == connections[_i].stays, "%s", connections[_i].head);
}
END_TEST

static const struct {
    const char *value;
    uint32_t ms;
} patiences[] = {
    {"10", 10000},  {"1.5", 1500},
    {"0.25", 250},  {"0.0019", 1},
    {"2.", 2000},   {"999999.9999", 999999999},
    {"1000000", 0}, {"", 0},
    {"0", 0},       {"-1", 0},
    {"+1", 0},      {"1e3", 0},
    {".5", 0},      {"1.5.5", 0},
    {"1,5", 0},     {"10s", 0},
    {"1 0", 0},     {"Inf", 0},
    {"0x10", 0},    {"99999999999999999999", 0},
};

START_TEST(patience_is_understood_or_not)
{
    struct http_request request;
    char head[256], room[256];
    snprintf(head, sizeof head, GET HOST "X-Prometheus-Scrape-Timeout-Seconds: %s\r\n\r\n",
             patiences[_i].value);
    ck_assert_int_eq(parse(&request, room, head), 0);
    ck_assert_msg(request.patience_ms == patiences[_i].ms, "%s: %u", patiences[_i].value,
                  request.patience_ms);
}
END_TEST

START_TEST(headers_are_counted)
{
    struct http_request request;
    char room[2048] = GET HOST;
    for (int i = 1; i < HTTP_HEADERS_MAX; i++)
        strcat(room, "A: b\r\n");
    size_t length = strlen(room);
    char more[sizeof room + 16];
    snprintf(more, sizeof more, "%sA: b\r\n\r\n", room);
    strcat(room, "\r\n");
    ck_assert_int_eq(http_request_parse(&request, room, length + 2), 0);
    ck_assert_int_eq(http_request_parse(&request, more, strlen(more)), 431);
}
END_TEST

/* Two values of a header that has one: neither can be believed. */
START_TEST(header_with_one_value_stands_once)
{
    struct http_request request;
    char room[512];
    ck_assert_int_eq(parse(&request, room, GET HOST "Origin: http://a\r\nOrigin: http://b\r\n\r\n"),
                     400);
    ck_assert_int_eq(parse(&request, room, GET HOST "Accept: a\r\nAccept: b\r\n\r\n"), 0);
    ck_assert_str_eq(request.accept, "b");
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
    tcase_add_loop_test(tests, nothing_is_smuggled, 0, (int)(sizeof smuggled / sizeof smuggled[0]));
    tcase_add_test(tests, fields_of_a_request);
    tcase_add_loop_test(tests, connection_is_kept_or_not, 0,
                        (int)(sizeof connections / sizeof connections[0]));
    tcase_add_loop_test(tests, patience_is_understood_or_not, 0,
                        (int)(sizeof patiences / sizeof patiences[0]));
    tcase_add_test(tests, headers_are_counted);
    tcase_add_test(tests, header_with_one_value_stands_once);
    tcase_add_test(tests, head_has_an_end);
    tcase_add_test(tests, nul_is_refused);
    suite_add_tcase(suite, tests);
    return suite;
}
