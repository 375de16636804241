/* SPDX-License-Identifier: MIT */
/* The admin socket: what is a command, who is heard, and what is answered when. */
#define _GNU_SOURCE
#include "fixture.h"
#include "suites.h"

#include "daemon/admin.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static struct event_base *base;
static struct forget_order *order;
static struct admin *admin;
static char path[100], error[256];
static const char *reload_fails; /* with this sentence, or NULL */
static int reloads;

static int learned;

static void learn(void *argument)
{
    (void)argument;
    learned++;
}

static bool reload(void *argument, char *said, size_t size)
{
    ck_assert_ptr_eq(argument, &base);
    reloads++;
    if (reload_fails)
        snprintf(said, size, "%s", reload_fails);
    return !reload_fails;
}

static struct admin *make_admin(void)
{
    struct admin_options options = {
        .base = base, .order = order, .reload = reload, .learn = learn, .argument = &base};
    return admin_new(&options, path, error, sizeof error);
}

static void start(void)
{
    fixture_start();
    signal(SIGPIPE, SIG_IGN); /* as the daemon does */
    log_capture();
    base = event_base_new();
    order = forget_order_new();
    snprintf(path, sizeof path, "%s/admin.sock", fixture_directory);
    admin = make_admin();
    ck_assert_msg(admin != NULL, "%s", error);
    reload_fails = NULL;
    reloads = 0;
}

static void stop(void)
{
    admin_free(admin);
    ck_assert_int_ne(access(path, F_OK), 0);
    forget_order_free(order);
    event_base_free(base);
    log_release(false);
    fixture_stop();
}

static void run(void)
{
    for (int i = 0; i < 4; i++)
        event_base_loop(base, EVLOOP_NONBLOCK);
}

static int dial(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    ck_assert_int_eq(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void say(int fd, const char *text)
{
    ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* What has come by now, static; "" if nothing has, NULL if that is the end. */
static const char *heard(int fd)
{
    static char text[4096];
    run();
    ssize_t got = recv(fd, text, sizeof text - 1, 0);
    text[got > 0 ? got : 0] = 0;
    return got > 0 || (got < 0 && errno == EAGAIN) ? text : NULL;
}

static const struct {
    const char *line, *wrong;
    enum admin_command command;
    const char *argument;
} lines[] = {
    {"reload", NULL, ADMIN_RELOAD, ""},        {"reload ", NULL, ADMIN_RELOAD, ""},
    {"learn", NULL, ADMIN_LEARN, ""},          {"forget engine", NULL, ADMIN_FORGET, "engine"},
    {"forget a b", NULL, ADMIN_FORGET, "a b"}, {"forget \xc3\xa9", NULL, ADMIN_FORGET, "\xc3\xa9"},
    {"forget", "takes a name", 0, NULL},       {"forget ", "takes a name", 0, NULL},
    {"reload now", "takes nothing", 0, NULL},  {"", "no such command", 0, NULL},
    {"Reload", "no such command", 0, NULL},    {"reload\t", "line of text", 0, NULL},
    {"forget \xff", "line of text", 0, NULL},  {"forget \x7f", "line of text", 0, NULL},
    {"reload\r", "line of text", 0, NULL},
};

START_TEST(lines_are_taken_apart)
{
    char line[64];
    enum admin_command command;
    const char *argument;
    snprintf(line, sizeof line, "%s", lines[_i].line);
    const char *wrong = admin_parse(line, strlen(line), &command, &argument);
    if (lines[_i].wrong) {
        ck_assert_ptr_nonnull(wrong);
        ck_assert_msg(strstr(wrong, lines[_i].wrong) != NULL, "%s", wrong);
        return;
    }
    ck_assert_ptr_null(wrong);
    ck_assert_int_eq(command, lines[_i].command);
    ck_assert_str_eq(argument, lines[_i].argument);
}
END_TEST

START_TEST(reload_is_done_and_answered)
{
    int fd = dial();
    say(fd, "reload\nre");
    ck_assert_str_eq(heard(fd), "ok\n");
    reload_fails = "web.yml:3: no";
    say(fd, "load\nnonsense\n");
    ck_assert_str_eq(heard(fd),
                     "error web.yml:3: no\n"
                     "error there is no such command; there are reload, forget NAME and learn\n");
    ck_assert_int_eq(reloads, 2);
    close(fd);
}
END_TEST

static const struct {
    enum forget_answer answer;
    const char *reply;
} answers[] = {
    {FORGET_DONE, "ok\n"},
    {FORGET_UNKNOWN, "error no totals are kept"},
    {FORGET_IN_USE, "error a process of that name records"},
    {FORGET_NO_STATE, "error the state directory cannot be written"},
    {FORGET_FAILED, "error the totals cannot be written"},
};

START_TEST(forget_is_answered_when_it_is_done)
{
    int fd = dial(), other = dial();
    say(fd, "forget a b\nreload\n");
    ck_assert_str_eq(heard(fd), "");
    ck_assert_str_eq(forget_order_name(order), "a b");
    ck_assert(admin_owes(admin));
    say(other, "forget c\n");
    ck_assert_str_eq(heard(other), "error another name is being forgotten; try again\n");
    ck_assert_int_eq(reloads, 0); /* in turn */
    forget_order_answer(order, answers[_i].answer);
    const char *text = heard(fd);
    ck_assert_msg(strncmp(text, answers[_i].reply, strlen(answers[_i].reply)) == 0, "%s", text);
    ck_assert_str_eq(text + strlen(text) - 4, "\nok\n");
    ck_assert(!admin_owes(admin));
    ck_assert_int_eq(reloads, 1);
    ck_assert_ptr_nonnull(strstr(log_captured(), "name=forget argument=\"a b\" pid="));
    close(fd);
    close(other);
}
END_TEST

START_TEST(client_may_leave_before_the_answer)
{
    int fd = dial(), other = dial();
    say(fd, "reload\nforget a\n"); /* the first answer finds nobody any more */
    close(fd);
    run();
    ck_assert(!admin_owes(admin));
    ck_assert_str_eq(forget_order_name(order), "a");
    forget_order_answer(order, FORGET_DONE);
    run();
    say(other, "forget b\n");
    ck_assert_str_eq(heard(other), "");
    ck_assert_str_eq(forget_order_name(order), "b");
    close(other);
}
END_TEST

START_TEST(long_line_ends_it)
{
    char line[ADMIN_LINE_MOST + 1];
    int fd = dial();
    memset(line, 'a', ADMIN_LINE_MOST);
    line[ADMIN_LINE_MOST] = 0;
    say(fd, line);
    ck_assert_ptr_null(heard(fd));
    close(fd);
}
END_TEST

START_TEST(clients_have_a_limit)
{
    int fds[ADMIN_CLIENTS_MOST + 1];
    for (int i = 0; i <= ADMIN_CLIENTS_MOST; i++) {
        fds[i] = dial();
        run();
    }
    ck_assert_str_eq(heard(fds[ADMIN_CLIENTS_MOST]), "error too many clients; try again\n");
    ck_assert_ptr_null(heard(fds[ADMIN_CLIENTS_MOST]));
    close(fds[ADMIN_CLIENTS_MOST]);
    close(fds[0]);
    run();
    fds[0] = dial();
    say(fds[0], "reload\n");
    ck_assert_str_eq(heard(fds[0]), "ok\n");
    for (int i = 0; i < ADMIN_CLIENTS_MOST; i++)
        close(fds[i]);
}
END_TEST

START_TEST(socket_is_for_its_owner)
{
    struct stat status;
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_uint_eq(status.st_mode & 07777, 0600);
    ck_assert_ptr_null(make_admin());
    ck_assert_ptr_nonnull(strstr(error, "in use"));
}
END_TEST

/* Whatever the mode of the socket has become: what the kernel says of the peer counts. */
START_TEST(other_users_are_not_heard)
{
    char reply[128] = "";
    int fd, status;
    ck_assert_int_eq(chmod(path, 0666), 0);
    ck_assert_int_eq(chmod(fixture_directory, 0755), 0);
    pid_t child = fork();
    if (child == 0) {
        if (setgid(65534) || setuid(65534))
            _exit(2);
        fd = dial();
        fcntl(fd, F_SETFL, 0);
        ssize_t sent = send(fd, "reload\n", 7, MSG_NOSIGNAL); /* unless it was refused before */
        if (sent == 0 || recv(fd, reply, sizeof reply - 1, MSG_WAITALL) < 0)
            _exit(3);
        _exit(strcmp(reply, "error only root and the user that engramd runs as may command\n"));
    }
    while (waitpid(child, &status, WNOHANG) == 0)
        run();
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 0);
    ck_assert_int_eq(reloads, 0);
}
END_TEST

Suite *admin_suite(void)
{
    Suite *suite = suite_create("admin");
    TCase *tests = tcase_create("commands");
    tcase_add_checked_fixture(tests, start, stop);
    tcase_add_loop_test(tests, lines_are_taken_apart, 0, (int)(sizeof lines / sizeof lines[0]));
    tcase_add_test(tests, reload_is_done_and_answered);
    tcase_add_loop_test(tests, forget_is_answered_when_it_is_done, 0,
                        (int)(sizeof answers / sizeof answers[0]));
    tcase_add_test(tests, client_may_leave_before_the_answer);
    tcase_add_test(tests, long_line_ends_it);
    tcase_add_test(tests, clients_have_a_limit);
    tcase_add_test(tests, socket_is_for_its_owner);
    if (geteuid() == 0)
        tcase_add_test(tests, other_users_are_not_heard);
    suite_add_tcase(suite, tests);
    return suite;
}
