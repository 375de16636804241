/* SPDX-License-Identifier: MIT */
/* By which names this host may be asked for over loopback. */
#include "http_client.h"
#include "suites.h"

#include "daemon/http/host.h"

#include <stdio.h>
#include <unistd.h>

static char origin[] = "https://metrics.example:8443", other[] = "http://[2001:db8::1]";
static char *const origins[] = {origin, other, NULL};

static const struct {
    const char *host;
    bool ours;
} hosts[] = {
    {NULL, true},
    {"127.0.0.1", true},
    {"127.0.0.1:7433", true},
    {"10.1.2.3:80", true},
    {"[::1]", true},
    {"[::1]:7433", true},
    {"localhost", true},
    {"LocalHost:7433", true},
    {"engramd.localhost:7433", true},
    {"metrics.example", true},
    {"METRICS.example:80", true},
    {"", false},
    {":7433", false},
    {"evil.example", false},
    {"evil.example:7433", false},
    {"127.0.0.1.evil.example", false},
    {"localhost.evil.example", false},
    {"notlocalhost", false},
    {".localhost", false},
    {"metrics.example.evil", false},
    {"metrics.exampl", false},
    {"[::1", false},
    {"[]", false},
    {"[evil.example]", false},
    {"1.2.3", false},
};

START_TEST(names_of_this_host)
{
    ck_assert_int_eq(host_is_ours(hosts[_i].host, origins), hosts[_i].ours);
}
END_TEST

START_TEST(own_name_is_ours_and_long_ones_are_not)
{
    char own[300] = "", text[301];
    ck_assert_int_eq(gethostname(own, 200), 0);
    snprintf(text, sizeof text, "%s:7433", own);
    ck_assert(host_is_ours(text, NULL));
    ck_assert(!host_is_ours("metrics.example", NULL));
    memset(text, '1', sizeof text - 1);
    text[sizeof text - 1] = 0;
    ck_assert(!host_is_ours(text, NULL));
}
END_TEST

/* Of a page that calls itself this host; through a socket file no browser comes. */
START_TEST(pages_of_others_are_misdirected)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: evil.example:7433\r\n\r\n";
    struct client *file = client_new(0), *network = client_new(1);
    client_ask(file, request);
    ck_assert_int_eq(client_next_status(file), 200);
    client_ask(network, request);
    ck_assert_int_eq(client_next_status(network), 421);
    client_ask(network, GET);
    ck_assert_int_eq(client_next_status(network), 200);
    client_free(file);
    client_free(network);
}
END_TEST

Suite *host_suite(void)
{
    Suite *suite = suite_create("host");
    TCase *names = tcase_create("names"), *server = tcase_create("server");
    tcase_add_loop_test(names, names_of_this_host, 0, sizeof hosts / sizeof hosts[0]);
    tcase_add_test(names, own_name_is_ours_and_long_ones_are_not);
    suite_add_tcase(suite, names);
    tcase_add_checked_fixture(server, http_start, http_stop);
    tcase_add_test(server, pages_of_others_are_misdirected);
    suite_add_tcase(suite, server);
    return suite;
}
