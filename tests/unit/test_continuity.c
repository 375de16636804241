/* SPDX-License-Identifier: MIT */
/* From a process's end to totals on disk: what goes wrong on the way, and that nothing is lost. */
#define _GNU_SOURCE
#include "continuity_fixture.h"
#include "suites.h"

#include "daemon/base/clock.h"
#include "daemon/totals/continuity.h"
#include "daemon/totals/state_file.h"
#include "shmlib/guard.h"

#include <dirent.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

START_TEST(ended_process_is_folded_and_its_file_goes)
{
    run_process("a", 5);
    fold_all(5);
    run_process("a", 6);
    step_daemon();
    fold_all(11);
}
END_TEST

START_TEST(totals_survive_the_daemon)
{
    run_process("a", 5);
    fold_all(5);
    stop_daemon();
    start_daemon();
    run_process("a", 2); /* while it was away, as far as it can tell */
    step_daemon();
    ck_assert_double_eq(total_shown(), 7);
    fold_all(7);
}
END_TEST

/* Killed between the write and the removal: the file is there, its nonce is in the totals. */
START_TEST(folded_file_that_is_left_is_not_counted_again)
{
    char name[256], kept[256];
    run_process("a", 5);
    snprintf(name, sizeof name, "%s", fixture_name("a"));
    snprintf(kept, sizeof kept, ".kept");
    ck_assert_int_eq(linkat(fixture_dir, name, fixture_dir, kept, 0), 0);
    fold_all(5);
    ck_assert_int_eq(renameat(fixture_dir, kept, fixture_dir, name), 0);
    stop_daemon();
    start_daemon();
    step_daemon();
    ck_assert_double_eq(total_shown(), 5);
    ck_assert_int_eq(fixture_files(false), 0);
}
END_TEST

START_TEST(nonce_is_forgotten_only_after_its_file)
{
    run_process("a", 5);
    fold_all(5);
    ck_assert_uint_eq(continuity_totals(continuity)->folded_count, 1);
    step_daemon(); /* a scan that does not see the file */
    run_process("a", 1);
    for (int i = 0; i < 5000 && fixture_files(false); i++)
        step_daemon();
    ck_assert_double_eq(total_shown(), 6);
    ck_assert_uint_eq(continuity_totals(continuity)->folded_count, 1);
}
END_TEST

START_TEST(copy_of_a_region_is_not_added)
{
    char command[640];
    struct engram_region *region = fixture_process("a");
    fixture_add(engram_counter_new("c_total", "", NULL), 0, 5);
    step_daemon();
    snprintf(command, sizeof command, "cp -p --sparse=never %s/%s %s/zcopy", fixture_directory,
             fixture_name("a"), fixture_directory);
    ck_assert_int_eq(system(command), 0);
    step_daemon();
    ck_assert_double_eq(total_shown(), 5);
    ck_assert_int_eq(pipeline.found.count, 2);
    fixture_end(region);
    unlinkat(fixture_dir, "zcopy", 0);
    fold_all(5);
}
END_TEST

/* Anybody can read the nonce in a file's name: it must not pass for another's region. */
START_TEST(nonce_of_another_user_is_another)
{
    char command[640];
    struct engram_region *region = fixture_process("a");
    fixture_add(engram_counter_new("c_total", "", NULL), 0, 5);
    snprintf(command, sizeof command,
             "cp -p --sparse=never %s/%s %s/aa.theirs && chown 65534 %s/aa.theirs && chmod 644 "
             "%s/aa.theirs",
             fixture_directory, fixture_name("a"), fixture_directory, fixture_directory,
             fixture_directory);
    if (geteuid() == 0) {
        ck_assert_int_eq(system(command), 0);
        for (int i = 0; i < 200 && fixture_files(false) > 1; i++) {
            step_daemon(); /* the copy is dead: folded, and its nonce noted */
            usleep(1000);
        }
        ck_assert_double_eq(shown_value(pipeline.store, "c_total{process=\"a\","), 5);
        ck_assert_double_eq(shown_value(pipeline.store, "c_total{process=\"a@65534\","), 5);
    }
    stop_daemon();
    start_daemon();
    step_daemon();
    ck_assert(any_region()); /* the true one is served on, not taken for the other */
    ck_assert_int_eq(fixture_files(false), 1);
    fixture_end(region);
}
END_TEST

START_TEST(removed_region_is_folded_all_the_same)
{
    struct engram_region *region = fixture_process("a");
    fixture_add(engram_counter_new("c_total", "", NULL), 0, 5);
    step_daemon();
    ck_assert_int_eq(fixture_files(true), 1); /* somebody tidies up */
    step_daemon();
    ck_assert_double_eq(total_shown(), 5);
    fixture_end(region);
    fold_all(5);
}
END_TEST

#ifndef __SANITIZE_THREAD__ /* under it the load that faults is a call into its own runtime */
START_TEST(broken_region_keeps_no_other_from_being_folded)
{
    char path[512];
    run_process("a", 5);
    run_process("b", 7);
    pipeline_collect(&pipeline, nothing);
    snprintf(path, sizeof path, "%s/%s", fixture_directory, fixture_name("b"));
    ck_assert_int_eq(truncate(path, 8192), 0); /* between the look at it and the fold */
    continuity_step(continuity, &pipeline.found, true);
    for (int i = 0; i < 5000 && fixture_files(false) > 1; i++, usleep(1000))
        continuity_step(continuity, &pipeline.found, true);
    ck_assert_uint_eq(continuity_totals(continuity)->folded_count, 1);
    step_daemon();
    ck_assert_double_eq(shown_value(pipeline.store, "c_total{process=\"a\","), 5);
    ck_assert_str_ne(fixture_name("b"), ""); /* whoever did it can look */
}
END_TEST
#endif

/* A process starts anew before the end of the one before is seen; its file may even have got the
 * name of that one's. */
START_TEST(region_made_again_is_another)
{
    char first[256], second[256];
    struct engram_region *region = fixture_process("a");
    fixture_add(engram_counter_new("c_total", "", NULL), 0, 5);
    step_daemon();
    snprintf(first, sizeof first, "%s", fixture_name("a"));
    ck_assert_int_eq(unlinkat(fixture_dir, first, 0), 0);
    struct engram_region *again = fixture_process("a");
    fixture_add(engram_counter_new("c_total", "", NULL), 0, 3);
    snprintf(second, sizeof second, "%s", fixture_name("a"));
    if (_i)
        ck_assert_int_eq(renameat(fixture_dir, second, fixture_dir, first), 0);
    fixture_end(region);
    for (int i = 0; i < 5000 && (step_daemon(), total_shown() < 8); i++)
        usleep(1000);
    ck_assert_double_eq(total_shown(), 8);
    fixture_end(again);
    fold_all(8);
}
END_TEST

/* A process of its own: adds, says so, waits for leave, and adds again. */
static pid_t run_child(int said[2], int leave[2])
{
    char byte;
    ck_assert(pipe2(said, O_CLOEXEC) == 0 && pipe2(leave, O_CLOEXEC) == 0);
    pid_t child = fork();
    if (child)
        return child;
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* should the test fail */
    fixture_process("child");
    engram_counter counter = engram_counter_new("c_total", "", NULL);
    for (int i = 0; i < 2; i++) {
        engram_counter_add(counter, 5);
        if (write(said[1], "", 1) != 1 || read(leave[0], &byte, 1) != 1)
            _exit(1);
    }
    _exit(0);
}

/* Whatever the clock says: nothing is dead that the kernel does not call so. */
START_TEST(stopped_process_is_not_dead)
{
    const uint64_t minute = UINT64_C(60000000000), start_time = clock_monotonic();
    int said[2], leave[2], status;
    char byte;
    pid_t child = run_child(said, leave);
    ck_assert_int_eq(read(said[0], &byte, 1), 1);
    ck_assert_int_eq(kill(child, SIGSTOP), 0);
    ck_assert_int_eq(waitpid(child, &status, WUNTRACED), child);
    for (uint64_t i = 1; i <= 10; i++) {
        fixture_clock(start_time + i * minute); /* never back: the machine may be young */
        step_daemon();
        ck_assert_double_eq(total_shown(), 5);
        ck_assert(pipeline.found.files[0]->alive);
        ck_assert_int_eq(atomic_load(&pipeline.found.files[0]->region->main_process),
                         MAIN_PROCESS_RUNS);
    }
    kill(child, SIGCONT);
    ck_assert_int_eq(write(leave[1], "12", 2), 2);
    ck_assert_int_eq(read(said[0], &byte, 1), 1);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    step_daemon();
    fold_all(10);
}
END_TEST

static int count_descriptors(void)
{
    int count = 0;
    DIR *listing = opendir("/proc/self/fd");
    while (readdir(listing))
        count++;
    closedir(listing);
    return count;
}

static void run_processes(uint64_t *sum, int count)
{
    for (int i = 0; i < count; i++)
        run_process("a", 1);
    *sum += (uint64_t)count;
    step_daemon();
    fold_all((double)*sum);
}

/* There is no way to give a series back: what comes and goes is processes. */
START_TEST(processes_that_come_and_go_leave_nothing)
{
    uint64_t sum = 0;
    run_processes(&sum, 100); /* by now all is as large as it gets */
    int descriptors = count_descriptors();
    size_t memory = mallinfo2().uordblks;
    while (sum < 2000)
        run_processes(&sum, 100);
    /* What was retired last is freed by another thread. */
    for (int i = 0;
         i < 5000 && (count_descriptors() > descriptors || mallinfo2().uordblks >= memory + 200000);
         i++)
        usleep(1000);
    ck_assert_int_le(count_descriptors(), descriptors);
    ck_assert_uint_lt(mallinfo2().uordblks, memory + 200000); /* nor 100 bytes of each */
    ck_assert_int_eq(fixture_files(false), 0);
}
END_TEST

#ifndef __SANITIZE_THREAD__ /* it has no threads after a fork */
/* A daemon that the kernel kills at a byte of its file: writing beyond a limit is a signal. Nothing
 * else is written meanwhile, by Check's assertions for instance. */
static void fold_until_killed(rlim_t bytes)
{
    struct rlimit none = {0, 0}, limit = {bytes, bytes};
    signal(SIGXFSZ, SIG_DFL);
    alarm(20); /* should it live */
    start_daemon();
    pipeline_collect(&pipeline, nothing);
    setrlimit(RLIMIT_CORE, &none);
    setrlimit(RLIMIT_FSIZE, &limit);
    for (;;)
        continuity_step(continuity, &pipeline.found, true);
}

START_TEST(killed_in_mid_write_of_its_state)
{
    const off_t bytes = 1 + 40 * _i;
    struct stat written;
    char file[96];
    int status;
    run_process("a", 5);
    fold_all(5);
    run_process("a", 2);
    stop_daemon();
    pid_t child = fork();
    if (child == 0)
        fold_until_killed((rlim_t)bytes);
    waitpid(child, &status, 0);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ);
    snprintf(file, sizeof file, "%s/totals.new", state_dir);
    int there = stat(file, &written);
    start_daemon();
    step_daemon();
    ck_assert_double_eq(total_shown(), 7);
    fold_all(7);
    ck_assert(there == 0 && written.st_size == bytes);
}
END_TEST
#endif

START_TEST(full_disk_keeps_the_region_and_is_tried_again)
{
    struct rlimit before, none;
    getrlimit(RLIMIT_FSIZE, &before);
    none = (struct rlimit){1, before.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    run_process("a", 5);
    setrlimit(RLIMIT_FSIZE, &none); /* each write of more than a byte fails */
    for (int i = 0; i < 200; i++) {
        step_daemon();
        ck_assert_double_eq(total_shown(), 5);
        usleep(1000);
    }
    ck_assert_int_eq(fixture_files(false), 1);
    ck_assert_uint_eq(continuity_totals(continuity)->folded_count, 0);
    setrlimit(RLIMIT_FSIZE, &before);
    fold_all(5);
}
END_TEST

/* What was served by itself meanwhile, though the totals on disk have it, is not shown twice. */
/* Its nonce is kept as long as the copy is there, which could be served in the original's place. */
START_TEST(copy_that_is_left_is_not_added_later)
{
    char command[640];
    struct engram_region *region = fixture_process("a");
    fixture_add(engram_counter_new("c_total", "", NULL), 0, 5);
    step_daemon();
    snprintf(command, sizeof command, "cp -p --sparse=never %s/%s %s/zcopy", fixture_directory,
             fixture_name("a"), fixture_directory);
    ck_assert_int_eq(system(command), 0);
    step_daemon();
    fixture_end(region);
    for (int i = 0; i < 5000 && fixture_files(false) > 1; i++, usleep(1000))
        step_daemon();
    run_process("b", 1); /* whose fold would forget what is gone */
    for (int i = 0; i < 5000 && fixture_files(false) > 1; i++, usleep(1000))
        step_daemon();
    ck_assert_double_eq(shown_value(pipeline.store, "c_total{process=\"a\","), 5);
    stop_daemon();
    start_daemon();
    step_daemon();
    ck_assert_double_eq(shown_value(pipeline.store, "c_total{process=\"a\","), 5);
}
END_TEST

/* A stranger took the name while it was not known whose it is. */
START_TEST(late_state_gives_names_back)
{
    run_process("a", 5);
    fold_all(5);
    stop_daemon();
    state = NULL;
    ck_assert_int_eq(rename(state_dir, away_dir), 0);
    start_daemon_with(NULL);
    struct engram_region *region = fixture_process("a");
    fixture_add(engram_counter_new("c_total", "", NULL), 0, 7);
    ck_assert_int_eq(fchownat(fixture_dir, fixture_name("a"), 65534, (gid_t)-1, 0), 0);
    step_daemon();
    ck_assert_double_eq(shown_value(pipeline.store, "c_total{process=\"a\","), 7);
    ck_assert_int_eq(rename(away_dir, state_dir), 0);
    ck_assert_int_eq(state_open(state_dir, &state), STATE_OPEN);
    continuity_offer(continuity, state);
    step_daemon();
    step_daemon();
    ck_assert_double_eq(shown_value(pipeline.store, "c_total{process=\"a\","), 5);
    ck_assert_double_eq(shown_value(pipeline.store, "c_total{process=\"a@65534\","), 7);
    fixture_end(region);
}
END_TEST

/* Who made a file long ago cannot take the name of another's process by waiting for a restart. */
START_TEST(name_of_a_live_process_survives_the_daemon)
{
    char old[256];
    struct engram_region *squatter = fixture_process("a");
    fixture_add(engram_counter_new("c_total", "", NULL), 0, 7);
    snprintf(old, sizeof old, "%s", fixture_name("a"));
    ck_assert_int_eq(fchownat(fixture_dir, old, 65534, (gid_t)-1, 0), 0);
    ck_assert_int_eq(renameat(fixture_dir, old, fixture_dir, ".old"), 0);
    usleep(20000); /* more than a tick of the kernel's clock */
    struct engram_region *first = fixture_process("a");
    fixture_add(engram_counter_new("c_total", "", NULL), 0, 5);
    for (int i = 0; i < 5000 && !totals_known(continuity_totals(continuity), "a");
         i++, usleep(1000))
        step_daemon();
    stop_daemon();
    ck_assert_int_eq(renameat(fixture_dir, ".old", fixture_dir, old), 0);
    start_daemon();
    step_daemon();
    ck_assert_double_eq(shown_value(pipeline.store, "c_total{process=\"a\","), 5);
    ck_assert_double_eq(shown_value(pipeline.store, "c_total{process=\"a@65534\","), 7);
    fixture_end(squatter);
    fixture_end(first);
}
END_TEST

START_TEST(dropped_series_take_few_lines)
{
    char name[16];
    int lines = 0;
    continuity_free(continuity);
    start_continuity(state, 1000000000, 1);
    log_capture();
    for (uint32_t i = 0; i < LOG_LINES + 5; i++) {
        snprintf(name, sizeof name, "p%u", i);
        run_process(name, 1); /* with series of its own */
        for (int j = 0; j < 5000 && (j == 0 || fixture_files(false)); j++, usleep(1000))
            step_daemon();
        ck_assert_int_eq(fixture_files(false), 0);
    }
    for (const char *at = log_captured(); (at = strstr(at, "series of ended processes are")); at++)
        lines++;
    ck_assert_int_eq(lines, LOG_LINES);
    log_release(false);
}
END_TEST

START_TEST(name_that_does_not_come_back_is_forgotten)
{
    run_process("a", 5);
    fold_all(5);
    continuity_free(continuity);
    start_continuity(state, 1, UINT32_MAX);
    sleep(2);
    struct engram_region *other = fixture_process("b");
    fixture_add(engram_counter_new("c_total", "", NULL), 0, 1);
    for (int i = 0; i < 5000 && totals_known(continuity_totals(continuity), "a"); i++)
        step_daemon();
    ck_assert_double_eq(total_shown(), 1);
    fixture_end(other);
}
END_TEST

Suite *continuity_suite(void)
{
    Suite *suite = suite_create("continuity");
    TCase *tests = tcase_create("totals");
    tcase_set_timeout(tests, 30);
    tcase_add_checked_fixture(tests, continuity_start, continuity_stop);
    tcase_add_test(tests, ended_process_is_folded_and_its_file_goes);
    tcase_add_test(tests, totals_survive_the_daemon);
    tcase_add_test(tests, folded_file_that_is_left_is_not_counted_again);
    tcase_add_test(tests, nonce_is_forgotten_only_after_its_file);
    tcase_add_test(tests, copy_of_a_region_is_not_added);
    tcase_add_test(tests, nonce_of_another_user_is_another);
    tcase_add_test(tests, removed_region_is_folded_all_the_same);
#ifndef __SANITIZE_THREAD__
    tcase_add_test(tests, broken_region_keeps_no_other_from_being_folded);
#endif
    tcase_add_loop_test(tests, region_made_again_is_another, 0, 2);
    tcase_add_test(tests, stopped_process_is_not_dead);
    tcase_add_test(tests, processes_that_come_and_go_leave_nothing);
#ifndef __SANITIZE_THREAD__
    tcase_add_loop_test(tests, killed_in_mid_write_of_its_state, 0, 5);
#endif
    tcase_add_test(tests, full_disk_keeps_the_region_and_is_tried_again);
    tcase_add_test(tests, copy_that_is_left_is_not_added_later);
    if (geteuid() == 0) {
        tcase_add_test(tests, late_state_gives_names_back);
        tcase_add_test(tests, name_of_a_live_process_survives_the_daemon);
    }
    tcase_add_test(tests, dropped_series_take_few_lines);
    tcase_add_test(tests, name_that_does_not_come_back_is_forgotten);
    suite_add_tcase(suite, tests);
    return suite;
}
