/* SPDX-License-Identifier: MIT */
#include "fixture.h"
#include "suites.h"

#include "daemon/notify.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A service manager's end, named as $NOTIFY_SOCKET names it: "@" is the abstract namespace. */
static int manager_open(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(name);
    memcpy(address.sun_path, name, length);
    if (name[0] == '@')
        address.sun_path[0] = 0;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)),
                     0);
    setenv("NOTIFY_SOCKET", name, 1);
    return fd;
}

static void expect(int manager, const char *state)
{
    char text[128];
    ssize_t length = recv(manager, text, sizeof text, 0);
    ck_assert_int_eq(length, (ssize_t)strlen(state));
    ck_assert_mem_eq(text, state, (size_t)length);
}

START_TEST(reaches_a_path)
{
    char name[64];
    unit_template(name);
    close(mkstemp(name));
    unlink(name);
    int manager = manager_open(name);
    notify_send("READY=1");
    expect(manager, "READY=1");
    notify_send("STATUS=3 processes");
    expect(manager, "STATUS=3 processes");
    close(manager);
    unlink(name);
    unsetenv("NOTIFY_SOCKET");
}
END_TEST

START_TEST(reaches_the_abstract_namespace)
{
    char name[64];
    snprintf(name, sizeof name, "@engramd-notify-%d", (int)getpid());
    int manager = manager_open(name);
    notify_send("STOPPING=1");
    expect(manager, "STOPPING=1");
    close(manager);
    unsetenv("NOTIFY_SOCKET");
}
END_TEST

START_TEST(nobody_listening_is_no_error)
{
    char name[200];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = 0;
    unsetenv("NOTIFY_SOCKET");
    notify_send("READY=1");
    setenv("NOTIFY_SOCKET", "/nonexistent/socket", 1);
    notify_send("READY=1");
    setenv("NOTIFY_SOCKET", name, 1); /* longer than a socket's name can be */
    notify_send("READY=1");
    unsetenv("NOTIFY_SOCKET");
}
END_TEST

START_TEST(watchdog_is_petted_at_half_its_interval)
{
    char pid[16];
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    ck_assert_uint_eq(notify_watchdog_ms(), 0);
    setenv("WATCHDOG_USEC", "3000000", 1);
    ck_assert_uint_eq(notify_watchdog_ms(), 1500);
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    setenv("WATCHDOG_PID", pid, 1);
    ck_assert_uint_eq(notify_watchdog_ms(), 1500);
    snprintf(pid, sizeof pid, "%d", (int)getpid() + 1); /* meant for another process */
    setenv("WATCHDOG_PID", pid, 1);
    ck_assert_uint_eq(notify_watchdog_ms(), 0);
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
}
END_TEST

Suite *notify_suite(void)
{
    Suite *suite = suite_create("notify");
    TCase *tests = tcase_create("protocol");
    tcase_add_test(tests, reaches_a_path);
    tcase_add_test(tests, reaches_the_abstract_namespace);
    tcase_add_test(tests, nobody_listening_is_no_error);
    tcase_add_test(tests, watchdog_is_petted_at_half_its_interval);
    suite_add_tcase(suite, tests);
    return suite;
}
