/* SPDX-License-Identifier: MIT */
/* Sockets as a service manager passes them: by number, with their names in the environment. */
#define _GNU_SOURCE
#include "fixture.h"
#include "http_client.h"
#include "suites.h"

#include "daemon/http/activation.h"
#include "daemon/http/listening.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static void set_number(const char *variable, long number)
{
    char text[24];
    snprintf(text, sizeof text, "%ld", number);
    setenv(variable, text, 1);
}

/* Puts descriptors where a new process finds them, and closes the originals. */
static void pass(const int *fds, int count, const char *names)
{
    ck_assert_int_le(count, RESERVED_FDS);
    for (int i = 0; i < count; i++) {
        ck_assert_int_eq(dup2(fds[i], ACTIVATION_FIRST + i), ACTIVATION_FIRST + i);
        close(fds[i]);
    }
    set_number("LISTEN_PID", (long)getpid());
    set_number("LISTEN_FDS", count);
    setenv("LISTEN_FDNAMES", names, 1);
}

static void take_back(void)
{
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    for (int i = 0; i < RESERVED_FDS; i++)
        dup2(nothing, ACTIVATION_FIRST + i);
    if (nothing >= ACTIVATION_FIRST + RESERVED_FDS)
        close(nothing);
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
}

/* After the server, whose descriptors they were. */
static void stop(void)
{
    http_stop();
    take_back();
}

static int listener_new(const char *address)
{
    char error[256];
    int fd = http_listen(address, error, sizeof error);
    ck_assert_msg(fd >= 0, "%s", error);
    return fd;
}

START_TEST(none_is_passed_without_a_manager)
{
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    ck_assert_int_eq(activation_count(), 0);
    setenv("LISTEN_FDS", "1", 1);
    ck_assert_int_eq(activation_count(), 0);
    set_number("LISTEN_PID", (long)getpid() + 1); /* meant for another process */
    ck_assert_int_eq(activation_count(), 0);
}
END_TEST

START_TEST(nonsense_passes_none)
{
    static const char *const numbers[] = {"", "x", "1x", "-1", "0", "99999999999999999999"};
    set_number("LISTEN_PID", (long)getpid());
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        setenv("LISTEN_FDS", numbers[i], 1);
        ck_assert_int_eq(activation_count(), 0);
    }
}
END_TEST

START_TEST(passed_are_counted_and_stay_ours)
{
    int fds[] = {listener_new("127.0.0.1:0"), listener_new("127.0.0.1:0")};
    pass(fds, 2, "first:second");
    ck_assert_int_eq(activation_count(), 2);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(fcntl(ACTIVATION_FIRST + i, F_GETFD), FD_CLOEXEC);
}
END_TEST

START_TEST(names_are_told)
{
    char name[8];
    static const char *const names[] = {"a", "", "long na", ""}; /* cut, and one too few */
    setenv("LISTEN_FDNAMES", "a::long name", 1);
    for (int i = 0; i < 4; i++) {
        activation_name(i, name, sizeof name);
        ck_assert_str_eq(name, names[i]);
    }
    unsetenv("LISTEN_FDNAMES");
    activation_name(0, name, sizeof name);
    ck_assert_str_eq(name, "");
}
END_TEST

static void expect_answer(int listener)
{
    struct client *client = client_new(listener);
    client_ask(client, GET);
    ck_assert_int_eq(client_next_status(client), 200);
    client_free(client);
}

static struct config configured(char *listen)
{
    return (struct config){.listen = {{listen}, 1}};
}

START_TEST(passed_take_the_place_of_the_default)
{
    char address[300];
    struct stat status;
    snprintf(address, sizeof address, "%s-passed", http.listened);
    int fds[] = {listener_new(address)};
    struct config config = configured("unix:/nonexistent/never/asked/for");
    config.default_listen = true;
    pass(fds, 1, "engramd.socket");
    log_capture();
    ck_assert(listening_start(http.server, &config, NULL));
    ck_assert_ptr_nonnull(strstr(log_captured(), "unit=engramd.socket"));
    log_release(false);
    ck_assert_str_eq(http_server_address(http.server, 0), address);
    expect_answer(0);
    http_server_free(http.server);
    http.server = NULL;
    ck_assert_int_eq(stat(address + 5, &status), 0); /* or nobody could reach the next daemon */
}
END_TEST

START_TEST(named_are_listened_on_besides)
{
    char address[300];
    snprintf(address, sizeof address, "%s-named", http.listened);
    int fds[] = {listener_new("127.0.0.1:0")};
    struct config config = configured(address);
    pass(fds, 1, "");
    log_capture();
    ck_assert(listening_start(http.server, &config, NULL));
    log_release(false);
    expect_answer(0);
    expect_answer(1);
    ck_assert_str_eq(http_server_address(http.server, 1), address);
}
END_TEST

/* A file that names what the unit passes is right, too. */
START_TEST(named_and_passed_is_one)
{
    char address[64];
    int fds[] = {listener_new("127.0.0.1:0")};
    http_bound_address(fds[0], address, sizeof address);
    struct config config = configured(address);
    pass(fds, 1, "");
    log_capture();
    ck_assert(listening_start(http.server, &config, NULL));
    log_release(false);
}
END_TEST

START_TEST(what_is_no_listener_is_refused)
{
    int pair[2];
    struct config config = configured("127.0.0.1:0");
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    int fds[] = {_i == 0 ? pair[0] : open("/dev/null", O_RDONLY)};
    pass(fds, 1, "odd.socket");
    log_capture();
    ck_assert(!listening_start(http.server, &config, NULL));
    ck_assert_ptr_nonnull(strstr(log_captured(), "unit=odd.socket"));
    ck_assert_ptr_nonnull(strstr(log_captured(), "ListenStream="));
    log_release(false);
}
END_TEST

Suite *activation_suite(void)
{
    Suite *suite = suite_create("activation");
    TCase *protocol = tcase_create("protocol");
    tcase_add_checked_fixture(protocol, NULL, take_back);
    tcase_add_test(protocol, none_is_passed_without_a_manager);
    tcase_add_test(protocol, nonsense_passes_none);
    tcase_add_test(protocol, passed_are_counted_and_stay_ours);
    tcase_add_test(protocol, names_are_told);
    suite_add_tcase(suite, protocol);
    TCase *listening = tcase_create("listening");
    tcase_add_checked_fixture(listening, http_start_deaf, stop);
    tcase_add_test(listening, passed_take_the_place_of_the_default);
    tcase_add_test(listening, named_are_listened_on_besides);
    tcase_add_test(listening, named_and_passed_is_one);
    tcase_add_loop_test(listening, what_is_no_listener_is_refused, 0, 2);
    suite_add_tcase(suite, listening);
    return suite;
}
