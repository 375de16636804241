/* SPDX-License-Identifier: MIT */
#include "daemon/alerts/command.h"
#include "suites.h"

#include <check.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char room[64], program[96], said[96];
static _Atomic uint32_t ended[COMMAND_DROPPED + 1];

static void on_ended(void *argument, enum command_result result)
{
    (void)argument;
    ended[result]++;
}

/* A script that does this, in a directory of its own. */
static struct command *start(const char *does, uint32_t timeout_ms)
{
    snprintf(room, sizeof room, "/tmp/engram-command-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(room));
    snprintf(program, sizeof program, "%s/command", room);
    snprintf(said, sizeof said, "%s/said", room);
    FILE *file = fopen(program, "w");
    fprintf(file, "#!/bin/sh\ncd %s\n%s\n", room, does);
    fclose(file);
    chmod(program, 0700);
    memset((void *)ended, 0, sizeof ended);
    struct command *command = command_new(program, timeout_ms, on_ended, NULL);
    ck_assert_ptr_nonnull(command);
    return command;
}

static void finish(struct command *command)
{
    command_free(command);
    unlink(program);
    unlink(said);
    rmdir(room);
}

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

static void await(enum command_result result, uint32_t count)
{
    for (int i = 0; ended[result] < count && i < 1000; i++)
        pause_ms(10);
    ck_assert_uint_eq(ended[result], count);
}

static void check_said(const char *expected)
{
    char text[512] = "";
    FILE *file = fopen(said, "r");
    ck_assert_ptr_nonnull(file);
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    ck_assert_str_eq(text, expected);
}

START_TEST(what_begins_and_what_ends_is_told)
{
    struct command *command = start("echo $1 $2 $ENGRAM_ALERT $ENGRAM_ALERT_SEVERITY "
                                    "$ENGRAM_ALERT_SUBSYSTEM \"$ENGRAM_ALERT_SUMMARY\" >>said",
                                    10000);
    const char *name = alert_numbered(0)->name;
    char expected[512];
    command_tell(command, 0, ALERT_INACTIVE, ALERT_PENDING);
    command_tell(command, 0, ALERT_PENDING, ALERT_FIRING);
    command_tell(command, 0, ALERT_FIRING, ALERT_INACTIVE);
    command_tell(command, 0, ALERT_PENDING, ALERT_INACTIVE);
    await(COMMAND_OK, 2);
    snprintf(expected, sizeof expected,
             "%s firing %s warning %s %s\n%s inactive %s warning %s %s\n", name, name,
             alert_numbered(0)->subsystem, alert_numbered(0)->summary, name, name,
             alert_numbered(0)->subsystem, alert_numbered(0)->summary);
    check_said(expected);
    finish(command);
}
END_TEST

START_TEST(what_fails_is_counted)
{
    struct command *command = start("exit 3", 10000);
    command_tell(command, 0, ALERT_PENDING, ALERT_FIRING);
    await(COMMAND_FAILED, 1);
    unlink(program);
    command_tell(command, 0, ALERT_FIRING, ALERT_INACTIVE);
    await(COMMAND_FAILED, 2);
    finish(command);
}
END_TEST

/* Even what runs in the background of a command that has ended. */
START_TEST(what_takes_too_long_is_killed_with_its_children)
{
    struct command *command = start("(sleep 1; echo late >said) & sleep 100", 300);
    command_tell(command, 0, ALERT_PENDING, ALERT_FIRING);
    await(COMMAND_TIMED_OUT, 1);
    pause_ms(900);
    pause_ms(300);
    ck_assert_int_ne(access(said, F_OK), 0);
    finish(command);
}
END_TEST

START_TEST(so_many_wait_and_no_more)
{
    struct command *command = start("sleep 100", 100000);
    for (uint32_t i = 0; i < COMMAND_WAITING + 1; i++)
        command_tell(command, 0, ALERT_PENDING, ALERT_FIRING);
    for (int i = 0; i < 10; i++)
        command_tell(command, 0, ALERT_PENDING, ALERT_FIRING);
    ck_assert_uint_ge(ended[COMMAND_DROPPED], 9); /* one may run by now */
    finish(command);                              /* at once */
}
END_TEST

Suite *command_suite(void)
{
    Suite *suite = suite_create("command");
    TCase *tcase = tcase_create("command");
    tcase_add_test(tcase, what_begins_and_what_ends_is_told);
    tcase_add_test(tcase, what_fails_is_counted);
    tcase_add_test(tcase, what_takes_too_long_is_killed_with_its_children);
    tcase_add_test(tcase, so_many_wait_and_no_more);
    suite_add_tcase(suite, tcase);
    return suite;
}
