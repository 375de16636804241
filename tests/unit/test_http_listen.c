/* SPDX-License-Identifier: MIT */
/* Where a server may listen, and what it says where it may not. */
#define _GNU_SOURCE
#include "http_client.h"
#include "suites.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

START_TEST(unix_socket_is_for_its_group)
{
    struct stat status;
    ck_assert_int_eq(stat(http.listened + 5, &status), 0);
    ck_assert(S_ISSOCK(status.st_mode));
    ck_assert_uint_eq(status.st_mode & 07777, 0660);
    ck_assert_str_eq(http_server_address(http.server, 0), http.listened);
    http_server_free(http.server);
    http.server = NULL;
    ck_assert_int_eq(stat(http.listened + 5, &status), -1);
}
END_TEST

START_TEST(left_over_socket_is_replaced)
{
    char error[256], address[300];
    snprintf(address, sizeof address, "%s-old", http.listened);
    struct sockaddr_un path = http_path_of(address);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(fd, (const struct sockaddr *)&path, sizeof path), 0);
    close(fd); /* and the file stays, as after a crash */
    ck_assert_msg(http_server_listen(http.server, address, error, sizeof error), "%s", error);
    struct client *client = client_new(2);
    client_ask(client, GET);
    ck_assert_int_eq(client_next_status(client), 200);
    client_free(client);
}
END_TEST

static const struct {
    const char *option;
    mode_t mode;
} modes[] = {{"", 0660}, {",mode=0600", 0600}, {",mode=666", 0666}, {",mode=0777", 0777}};

START_TEST(mode_of_a_socket_is_as_asked)
{
    char error[256], address[300];
    struct stat status;
    mode_t before = umask(_i % 2 ? 0 : 077); /* neither narrows nor widens it */
    snprintf(address, sizeof address, "%s-mode%s", http.listened, modes[_i].option);
    ck_assert_msg(http_server_listen(http.server, address, error, sizeof error), "%s", error);
    umask(before);
    ck_assert_ptr_null(strchr(http_server_address(http.server, 2), ','));
    ck_assert_int_eq(stat(http_server_address(http.server, 2) + 5, &status), 0);
    ck_assert_uint_eq(status.st_mode & 07777, modes[_i].mode);
}
END_TEST

/* Its backlog is full, so that connecting would wait for as long as nobody is accepted. */
START_TEST(socket_of_somebody_busy_is_left_alone)
{
    char error[256] = "", address[300];
    snprintf(address, sizeof address, "%s-busy", http.listened);
    struct sockaddr_un path = http_path_of(address);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(fd, (const struct sockaddr *)&path, sizeof path), 0);
    ck_assert_int_eq(listen(fd, 0), 0);
    int waiting = http_connected(address);
    ck_assert_int_eq(http_listen(address, error, sizeof error), -1);
    ck_assert_ptr_nonnull(strstr(error, "is another engramd running?"));
    close(waiting);
    close(fd);
}
END_TEST

START_TEST(socket_in_use_is_left_alone)
{
    char error[256] = "";
    ck_assert(!http_server_listen(http.server, http.listened, error, sizeof error));
    ck_assert_ptr_nonnull(strstr(error, "is another engramd running?"));
    struct client *client = client_new(0);
    client_ask(client, GET);
    ck_assert_int_eq(client_next_status(client), 200);
    client_free(client);
}
END_TEST

START_TEST(file_is_never_replaced)
{
    char error[256] = "", address[300];
    struct stat status;
    snprintf(address, sizeof address, "%s-file", http.listened);
    close(open(address + 5, O_CREAT | O_WRONLY, 0600));
    ck_assert(!http_server_listen(http.server, address, error, sizeof error));
    ck_assert(*error);
    ck_assert_int_eq(stat(address + 5, &status), 0);
    ck_assert(S_ISREG(status.st_mode));
}
END_TEST

START_TEST(port_in_use_is_named_with_advice)
{
    char error[256] = "";
    ck_assert(
        !http_server_listen(http.server, http_server_address(http.server, 1), error, sizeof error));
    ck_assert_ptr_nonnull(strstr(error, "is another engramd running?"));
}
END_TEST

START_TEST(bound_port_is_told)
{
    int port = 0;
    ck_assert_int_eq(sscanf(http_server_address(http.server, 1), "127.0.0.1:%d", &port), 1);
    ck_assert_int_gt(port, 0);
}
END_TEST

START_TEST(ipv6_is_told_in_brackets)
{
    char error[256] = "", address[64];
    int fd = http_listen("[::1]:0", error, sizeof error);
    if (fd < 0) { /* a host without IPv6 says so */
        ck_assert(*error);
        return;
    }
    http_bound_address(fd, address, sizeof address);
    ck_assert_int_eq(strncmp(address, "[::1]:", 6), 0);
    ck_assert_int_gt(atoi(address + 6), 0);
    close(fd);
}
END_TEST

static const struct {
    const char *address;
    bool locally;
} reaches[] = {{"127.0.0.1:0", true},
               {"127.9.9.9:0", true},
               {"0.0.0.0:0", false},
               {"[::1]:0", true},
               {"[::]:0", false}};

START_TEST(reach_is_told)
{
    char error[256];
    int fd = http_listen(reaches[_i].address, error, sizeof error);
    if (fd < 0) { /* a host without IPv6 */
        ck_assert_int_eq(reaches[_i].address[0], '[');
        return;
    }
    ck_assert(http_listens_locally(fd) == reaches[_i].locally);
    close(fd);
}
END_TEST

START_TEST(socket_file_is_local)
{
    char error[256], address[300];
    snprintf(address, sizeof address, "%s-local", http.listened);
    int fd = http_listen(address, error, sizeof error);
    ck_assert(http_listens_locally(fd));
    close(fd);
}
END_TEST

START_TEST(listeners_have_a_limit)
{
    char error[256] = "";
    for (int i = 2; i < 16; i++)
        ck_assert(http_server_listen(http.server, "127.0.0.1:0", error, sizeof error));
    ck_assert(!http_server_listen(http.server, "127.0.0.1:0", error, sizeof error));
    ck_assert_ptr_nonnull(strstr(error, "16 listeners"));
}
END_TEST

static const char *const bad_addresses[] = {
    "",
    "127.0.0.1",
    ":80",
    "localhost:80",
    "256.0.0.1:80",
    "1.2.3.4.5:80",
    "127.0.0.1:http",
    "127.0.0.1:",
    "127.0.0.1:65536",
    "127.0.0.1:99999",
    "127.0.0.1:-1",
    "127.0.0.1:+80",
    "127.0.0.1:*",
    "::1:80",
    "[::1:80",
    "[]:80",
    "203.0.113.1:80", /* for documentation: no host has it */
    "unix:",
    "unix:,mode=0660",
    "unix:/tmp/engramd-test,mode=",
    "unix:/tmp/engramd-test,mode=0888",
    "unix:/tmp/engramd-test,mode=rw",
    "unix:/tmp/engramd-test,mode=0660,",
    "unix:/tmp/engramd-test,mode=4660",
    "unix:/tmp/engramd-test,mode=00660",
    "unix:/tmp/engramd-test,mode=0",
    "unix:/nonexistent/directory/socket",
    "unix:/tmp/"
    "a-name-longer-than-the-107-bytes-that-a-socket-s-may-have-which-is-the-kernel-s-limit-"
    "and-not-ours-so-nothing-can-be-done-about-it",
};

START_TEST(bad_addresses_get_a_sentence)
{
    char error[256] = "";
    ck_assert_int_eq(http_listen(bad_addresses[_i], error, sizeof error), -1);
    const char *advice = strchr(error, ';');
    ck_assert_msg(advice && strlen(advice) > 10, "%s: %s", bad_addresses[_i], error);
}
END_TEST

static TCase *of_listeners(void)
{
    TCase *tests = tcase_create("listeners");
    tcase_add_checked_fixture(tests, http_start, http_stop);
    tcase_add_test(tests, unix_socket_is_for_its_group);
    tcase_add_loop_test(tests, mode_of_a_socket_is_as_asked, 0,
                        (int)(sizeof modes / sizeof modes[0]));
    tcase_add_test(tests, socket_of_somebody_busy_is_left_alone);
    tcase_add_test(tests, left_over_socket_is_replaced);
    tcase_add_test(tests, socket_in_use_is_left_alone);
    tcase_add_test(tests, file_is_never_replaced);
    tcase_add_test(tests, port_in_use_is_named_with_advice);
    tcase_add_test(tests, bound_port_is_told);
    tcase_add_test(tests, ipv6_is_told_in_brackets);
    tcase_add_loop_test(tests, reach_is_told, 0, (int)(sizeof reaches / sizeof reaches[0]));
    tcase_add_test(tests, socket_file_is_local);
    tcase_add_test(tests, listeners_have_a_limit);
    tcase_add_loop_test(tests, bad_addresses_get_a_sentence, 0,
                        (int)(sizeof bad_addresses / sizeof bad_addresses[0]));
    return tests;
}

Suite *http_listen_suite(void)
{
    Suite *suite = suite_create("http_listen");
    suite_add_tcase(suite, of_listeners());
    return suite;
}
