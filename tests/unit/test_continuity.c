/* SPDX-License-Identifier: MIT */
/* From a process's end to totals on disk: what goes wrong on the way, and that nothing is lost. */
#define _GNU_SOURCE
#include "fixture.h"
#include "suites.h"

#include "daemon/clock.h"
#include "daemon/continuity.h"
#include "daemon/state_file.h"
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

static char state_dir[80], away_dir[80];
static struct pipeline pipeline;
static struct state *state;
static struct continuity *continuity;
static const struct computed_family *const nothing[] = {NULL};

static void start_continuity(struct state *with, uint64_t forget_after, uint32_t series_limit)
{
    struct continuity_options options = {.state_dir = state_dir,
                                         .state = with,
                                         .topology = pipeline.topology,
                                         .self = pipeline.self,
                                         .forget_after = forget_after,
                                         .series_limit = series_limit};
    continuity = continuity_new(&options);
    pipeline.found.totals = continuity_totals(continuity);
}

static void start_daemon_with(struct state *with)
{
    pipeline_start(&pipeline, ONE_NODE, NULL, NULL);
    start_continuity(with, 1000000000, UINT32_MAX);
    pipeline.found.keep = with != NULL;
}

static void start_daemon(void)
{
    ck_assert_int_eq(state_open(state_dir, &state), STATE_OPEN);
    start_daemon_with(state);
}

static void stop_daemon(void)
{
    continuity_free(continuity);
    pipeline_stop(&pipeline);
    state_close(state);
}

static void start(void)
{
    fixture_start();
    guard_install();
    snprintf(state_dir, sizeof state_dir, "%s/.state", fixture_directory);
    snprintf(away_dir, sizeof away_dir, "%s/.away", fixture_directory);
    start_daemon();
}

static void stop(void)
{
    char command[128];
    stop_daemon();
    snprintf(command, sizeof command, "rm -r %s", state_dir);
    ck_assert_int_eq(system(command), 0);
    fixture_stop();
}

static void step(void)
{
    pipeline_collect(&pipeline, nothing);
    continuity_step(continuity, &pipeline.found, true);
    pipeline.found.totals = continuity_totals(continuity);
    pipeline_collect(&pipeline, nothing);
}

static double total(void)
{
    return shown_value(pipeline.store, "c_total{");
}

static bool any_region(void)
{
    for (uint32_t i = 0; i < pipeline.found.count; i++)
        if (pipeline.found.files[i]->region)
            return true;
    return false;
}

/* Steps until nothing but totals is left; what is shown never moves meanwhile. */
static void fold(double expected)
{
    for (int i = 0; i < 5000; i++) {
        step();
        ck_assert_double_eq(total(), expected);
        if (!any_region() && fixture_files(false) == 0)
            return;
        usleep(1000);
    }
    ck_abort_msg("not folded in time");
}

static void run_process(const char *name, uint64_t times)
{
    struct engram_region *region = fixture_process(name);
    fixture_add(engram_counter_new("c_total", "", NULL), 0, times);
    fixture_end(region);
}

START_TEST(ended_process_is_folded_and_its_file_goes)
{
    run_process("a", 5);
    fold(5);
    run_process("a", 6);
    step();
    fold(11);
}
END_TEST

START_TEST(totals_survive_the_daemon)
{
    run_process("a", 5);
    fold(5);
    stop_daemon();
    start_daemon();
    run_process("a", 2); /* while it was away, as far as it can tell */
    step();
    ck_assert_double_eq(total(), 7);
    fold(7);
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
    fold(5);
    ck_assert_int_eq(renameat(fixture_dir, kept, fixture_dir, name), 0);
    stop_daemon();
    start_daemon();
    step();
    ck_assert_double_eq(total(), 5);
    ck_assert_int_eq(fixture_files(false), 0);
}
END_TEST

START_TEST(nonce_is_forgotten_only_after_its_file)
{
    run_process("a", 5);
    fold(5);
    ck_assert_uint_eq(continuity_totals(continuity)->folded_count, 1);
    step(); /* a scan that does not see the file */
    run_process("a", 1);
    for (int i = 0; i < 5000 && fixture_files(false); i++)
        step();
    ck_assert_double_eq(total(), 6);
    ck_assert_uint_eq(continuity_totals(continuity)->folded_count, 1);
}
END_TEST

START_TEST(copy_of_a_region_is_not_added)
{
    char command[640];
    struct engram_region *region = fixture_process("a");
    fixture_add(engram_counter_new("c_total", "", NULL), 0, 5);
    step();
    snprintf(command, sizeof command, "cp -p --sparse=never %s/%s %s/zcopy", fixture_directory,
             fixture_name("a"), fixture_directory);
    ck_assert_int_eq(system(command), 0);
    step();
    ck_assert_double_eq(total(), 5);
    ck_assert_int_eq(pipeline.found.count, 2);
    fixture_end(region);
    unlinkat(fixture_dir, "zcopy", 0);
    fold(5);
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
            step(); /* the copy is dead: folded, and its nonce noted */
            usleep(1000);
        }
        ck_assert_double_eq(shown_value(pipeline.store, "c_total{process=\"a\","), 5);
        ck_assert_double_eq(shown_value(pipeline.store, "c_total{process=\"a@65534\","), 5);
    }
    stop_daemon();
    start_daemon();
    step();
    ck_assert(any_region()); /* the true one is served on, not taken for the other */
    ck_assert_int_eq(fixture_files(false), 1);
    fixture_end(region);
}
END_TEST

START_TEST(removed_region_is_folded_all_the_same)
{
    struct engram_region *region = fixture_process("a");
    fixture_add(engram_counter_new("c_total", "", NULL), 0, 5);
    step();
    ck_assert_int_eq(fixture_files(true), 1); /* somebody tidies up */
    step();
    ck_assert_double_eq(total(), 5);
    fixture_end(region);
    fold(5);
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
    step();
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
    step();
    snprintf(first, sizeof first, "%s", fixture_name("a"));
    ck_assert_int_eq(unlinkat(fixture_dir, first, 0), 0);
    struct engram_region *again = fixture_process("a");
    fixture_add(engram_counter_new("c_total", "", NULL), 0, 3);
    snprintf(second, sizeof second, "%s", fixture_name("a"));
    if (_i)
        ck_assert_int_eq(renameat(fixture_dir, second, fixture_dir, first), 0);
    fixture_end(region);
    for (int i = 0; i < 5000 && (step(), total() < 8); i++)
        usleep(1000);
    ck_assert_double_eq(total(), 8);
    fixture_end(again);
    fold(8);
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
        step();
        ck_assert_double_eq(total(), 5);
        ck_assert(pipeline.found.files[0]->alive);
        ck_assert_int_eq(atomic_load(&pipeline.found.files[0]->region->main_process),
                         MAIN_PROCESS_RUNS);
    }
    kill(child, SIGCONT);
    ck_assert_int_eq(write(leave[1], "12", 2), 2);
    ck_assert_int_eq(read(said[0], &byte, 1), 1);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    step();
    fold(10);
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
    step();
    fold((double)*sum);
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
    fold(5);
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
    step();
    ck_assert_double_eq(total(), 7);
    fold(7);
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
        step();
        ck_assert_double_eq(total(), 5);
        usleep(1000);
    }
    ck_assert_int_eq(fixture_files(false), 1);
    ck_assert_uint_eq(continuity_totals(continuity)->folded_count, 0);
    setrlimit(RLIMIT_FSIZE, &before);
    fold(5);
}
END_TEST

/* What was served by itself meanwhile, though the totals on disk have it, is not shown twice. */
/* Its nonce is kept as long as the copy is there, which could be served in the original's place. */
START_TEST(copy_that_is_left_is_not_added_later)
{
    char command[640];
    struct engram_region *region = fixture_process("a");
    fixture_add(engram_counter_new("c_total", "", NULL), 0, 5);
    step();
    snprintf(command, sizeof command, "cp -p --sparse=never %s/%s %s/zcopy", fixture_directory,
             fixture_name("a"), fixture_directory);
    ck_assert_int_eq(system(command), 0);
    step();
    fixture_end(region);
    for (int i = 0; i < 5000 && fixture_files(false) > 1; i++, usleep(1000))
        step();
    run_process("b", 1); /* whose fold would forget what is gone */
    for (int i = 0; i < 5000 && fixture_files(false) > 1; i++, usleep(1000))
        step();
    ck_assert_double_eq(shown_value(pipeline.store, "c_total{process=\"a\","), 5);
    stop_daemon();
    start_daemon();
    step();
    ck_assert_double_eq(shown_value(pipeline.store, "c_total{process=\"a\","), 5);
}
END_TEST

/* A stranger took the name while it was not known whose it is. */
START_TEST(late_state_gives_names_back)
{
    run_process("a", 5);
    fold(5);
    stop_daemon();
    state = NULL;
    ck_assert_int_eq(rename(state_dir, away_dir), 0);
    start_daemon_with(NULL);
    struct engram_region *region = fixture_process("a");
    fixture_add(engram_counter_new("c_total", "", NULL), 0, 7);
    ck_assert_int_eq(fchownat(fixture_dir, fixture_name("a"), 65534, (gid_t)-1, 0), 0);
    step();
    ck_assert_double_eq(shown_value(pipeline.store, "c_total{process=\"a\","), 7);
    ck_assert_int_eq(rename(away_dir, state_dir), 0);
    ck_assert_int_eq(state_open(state_dir, &state), STATE_OPEN);
    continuity_offer(continuity, state);
    step();
    step();
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
        step();
    stop_daemon();
    ck_assert_int_eq(renameat(fixture_dir, ".old", fixture_dir, old), 0);
    start_daemon();
    step();
    ck_assert_double_eq(shown_value(pipeline.store, "c_total{process=\"a\","), 5);
    ck_assert_double_eq(shown_value(pipeline.store, "c_total{process=\"a@65534\","), 7);
    fixture_end(squatter);
    fixture_end(first);
}
END_TEST

START_TEST(state_that_comes_later_is_taken_up)
{
    char name[256];
    run_process("a", 5);
    snprintf(name, sizeof name, "%s", fixture_name("a"));
    ck_assert_int_eq(linkat(fixture_dir, name, fixture_dir, ".kept", 0), 0);
    fold(5);
    ck_assert_int_eq(renameat(fixture_dir, ".kept", fixture_dir, name), 0);
    stop_daemon();
    state = NULL;
    ck_assert_int_eq(rename(state_dir, away_dir), 0);
    start_daemon_with(NULL);
    step();
    ck_assert_double_eq(total(), 5);
    run_process("a", 2);
    step();
    ck_assert_double_eq(total(), 7);
    ck_assert_int_eq(fixture_files(false), 2); /* nothing is folded */
    ck_assert_int_eq(rename(away_dir, state_dir), 0);
    ck_assert_int_eq(state_open(state_dir, &state), STATE_OPEN);
    continuity_offer(continuity, state);
    fold(7);
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
    fold(5);
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
    fold(5);
    stop_daemon();
    scribble(100);
    start_daemon();
    run_process("a", 2);
    fold(2);
    snprintf(aside, sizeof aside, "%s/totals.aside", state_dir);
    ck_assert_int_eq(stat(aside, &status), 0);
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
            step();
        ck_assert_int_eq(fixture_files(false), 0);
    }
    for (const char *at = log_captured(); (at = strstr(at, "series of ended processes are")); at++)
        lines++;
    ck_assert_int_eq(lines, LOG_LINES);
    log_release(false);
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
    fold(5);
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
    step();
    ck_assert_double_eq(total(), 5);
}
END_TEST

START_TEST(name_that_does_not_come_back_is_forgotten)
{
    run_process("a", 5);
    fold(5);
    continuity_free(continuity);
    start_continuity(state, 1, UINT32_MAX);
    sleep(2);
    struct engram_region *other = fixture_process("b");
    fixture_add(engram_counter_new("c_total", "", NULL), 0, 1);
    for (int i = 0; i < 5000 && totals_known(continuity_totals(continuity), "a"); i++)
        step();
    ck_assert_double_eq(total(), 1);
    fixture_end(other);
}
END_TEST

Suite *continuity_suite(void)
{
    Suite *suite = suite_create("continuity");
    TCase *tests = tcase_create("totals");
    tcase_set_timeout(tests, 30);
    tcase_add_checked_fixture(tests, start, stop);
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
    tcase_add_test(tests, state_that_comes_later_is_taken_up);
    tcase_add_test(tests, second_daemon_is_kept_out);
    tcase_add_test(tests, unreadable_file_is_not_written_over);
    tcase_add_test(tests, damaged_file_is_set_aside);
    tcase_add_test(tests, file_of_another_version_is_set_aside_and_comes_back);
    tcase_add_test(tests, dropped_series_take_few_lines);
    tcase_add_test(tests, name_that_does_not_come_back_is_forgotten);
    suite_add_tcase(suite, tests);
    return suite;
}
