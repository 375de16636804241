/* SPDX-License-Identifier: MIT */
/* The totals on disk: one daemon has them, and what cannot be used is neither used nor lost. */
#define _GNU_SOURCE
#include "continuity_fixture.h"
#include "suites.h"

#include "daemon/totals/state_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

START_TEST(state_that_comes_later_is_taken_up)
{
    char name[256];
    run_process("a", 5);
    snprintf(name, sizeof name, "%s", fixture_name("a"));
    ck_assert_int_eq(linkat(fixture_dir, name, fixture_dir, ".kept", 0), 0);
    fold_all(5);
    ck_assert_int_eq(renameat(fixture_dir, ".kept", fixture_dir, name), 0);
    stop_daemon();
    state = NULL;
    ck_assert_int_eq(rename(state_dir, away_dir), 0);
    start_daemon_with(NULL);
    step_daemon();
    ck_assert_double_eq(total_shown(), 5);
    run_process("a", 2);
    step_daemon();
    ck_assert_double_eq(total_shown(), 7);
    ck_assert_int_eq(fixture_files(false), 2); /* nothing is folded */
    ck_assert_int_eq(rename(away_dir, state_dir), 0);
    ck_assert_int_eq(state_open(state_dir, &state), STATE_OPEN);
    continuity_offer(continuity, state);
    fold_all(7);
}
END_TEST

START_TEST(second_daemon_is_kept_out)
{
    struct state *second;
    ck_assert_int_eq(state_open(state_dir, &second), STATE_TAKEN);
    stop_daemon();
    ck_assert_int_eq(state_open(state_dir, &second), STATE_OPEN);
    state_close(second);
    start_daemon();
}
END_TEST

static void scribble(off_t at)
{
    int dir = open(state_dir, O_RDONLY | O_DIRECTORY);
    int fd = openat(dir, "totals", O_RDWR);
    char byte;
    ck_assert_int_eq(pread(fd, &byte, 1, at), 1);
    byte = (char)~byte;
    ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
    close(fd);
    close(dir);
}

/* Totals that are there but cannot be had must not be written over. */
START_TEST(unreadable_file_is_not_written_over)
{
    char file[96];
    run_process("a", 5);
    fold_all(5);
    stop_daemon();
    snprintf(file, sizeof file, "%s/totals", state_dir);
    unlink(file);
    ck_assert_int_eq(mkdir(file, 0700), 0);
    struct topology *topology = topology_load("/");
    struct continuity_options options = {.state_dir = state_dir, .topology = topology};
    ck_assert_int_eq(state_open(state_dir, &options.state), STATE_OPEN);
    ck_assert_ptr_null(continuity_new(&options));
    state_close(options.state);
    topology_free(topology);
    rmdir(file);
    start_daemon();
}
END_TEST

START_TEST(damaged_file_is_set_aside)
{
    struct stat status;
    char aside[96];
    run_process("a", 5);
    fold_all(5);
    stop_daemon();
    scribble(100);
    start_daemon();
    run_process("a", 2);
    fold_all(2);
    snprintf(aside, sizeof aside, "%s/totals.aside", state_dir);
    ck_assert_int_eq(stat(aside, &status), 0);
}
END_TEST

/* Gives the file another version, and what makes it whole again. */
static void change_version(uint32_t version)
{
    static char bytes[65536];
    int dir = open(state_dir, O_RDONLY | O_DIRECTORY), fd = openat(dir, "totals", O_RDWR);
    ssize_t length = pread(fd, bytes, sizeof bytes, 0);
    uint64_t sum = UINT64_C(14695981039346656037);
    memcpy(bytes + sizeof(uint64_t), &version, sizeof version);
    for (ssize_t i = 0; i < length - (ssize_t)sizeof sum; i++)
        sum = (sum ^ (uint8_t)bytes[i]) * UINT64_C(1099511628211);
    memcpy(bytes + length - (ssize_t)sizeof sum, &sum, sizeof sum);
    ck_assert_int_eq(pwrite(fd, bytes, (size_t)length, 0), length);
    close(fd);
    close(dir);
}

START_TEST(file_of_another_version_is_set_aside_and_comes_back)
{
    char file[96], aside[96];
    snprintf(file, sizeof file, "%s/totals", state_dir);
    snprintf(aside, sizeof aside, "%s/totals.aside", state_dir);
    run_process("a", 5);
    fold_all(5);
    stop_daemon();
    change_version(STATE_VERSION + 5);
    log_capture();
    start_daemon();
    ck_assert_ptr_nonnull(strstr(log_captured(), "the file is of version 7 and version 2 is read"));
    ck_assert_ptr_null(strstr(log_captured(), "damaged"));
    log_release(false);
    stop_daemon();
    ck_assert_int_eq(rename(aside, file), 0);
    change_version(STATE_VERSION);
    start_daemon();
    step_daemon();
    ck_assert_double_eq(total_shown(), 5);
}
END_TEST

Suite *state_suite(void)
{
    Suite *suite = suite_create("state");
    TCase *tests = tcase_create("state");
    tcase_set_timeout(tests, 30);
    tcase_add_checked_fixture(tests, continuity_start, continuity_stop);
    tcase_add_test(tests, state_that_comes_later_is_taken_up);
    tcase_add_test(tests, second_daemon_is_kept_out);
    tcase_add_test(tests, unreadable_file_is_not_written_over);
    tcase_add_test(tests, damaged_file_is_set_aside);
    tcase_add_test(tests, file_of_another_version_is_set_aside_and_comes_back);
    suite_add_tcase(suite, tests);
    return suite;
}
