/* SPDX-License-Identifier: MIT */
/* What is said of the processes themselves. */
#define _GNU_SOURCE
#include "fixture.h"
#include "suites.h"

#include "daemon/collect/processes.h"

#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static struct pipeline pipeline;

static void compute(void *argument, const struct plan *plan, const struct snapshot *snapshot,
                    union word *row)
{
    (void)argument, (void)snapshot;
    processes_fill(plan, row);
}

static void start(void)
{
    fixture_start();
    pipeline_start(&pipeline, ONE_NODE, compute, NULL);
}

static void stop(void)
{
    pipeline_stop(&pipeline);
    fixture_stop();
}

static double up(const char *process)
{
    char prefix[128];
    snprintf(prefix, sizeof prefix, "engram_process_up{owner=\"%u\",process=\"%s\"}", geteuid(),
             process);
    pipeline_collect(&pipeline, processes_families);
    return shown_value(pipeline.store, prefix);
}

/* A process that attaches and forks a child, which says that all is done; both wait. */
static pid_t family_of_two(pid_t *grandchild)
{
    int said[2];
    ck_assert_int_eq(pipe2(said, O_CLOEXEC), 0);
    pid_t child = fork();
    if (child == 0) {
        fixture_process("parent");
        pid_t own = fork();
        if (own == 0)
            prctl(PR_SET_PDEATHSIG, 0);
        else
            ck_assert_int_eq(write(said[1], &own, sizeof own), sizeof own);
        for (;;)
            pause();
    }
    ck_assert_int_eq(read(said[0], grandchild, sizeof *grandchild), sizeof *grandchild);
    close(said[0]);
    close(said[1]);
    return child;
}

START_TEST(main_process_is_told_from_its_children)
{
    pid_t grandchild, child = family_of_two(&grandchild);
    ck_assert_double_eq(up("parent"), 1);
    kill(child, SIGKILL);
    siginfo_t info; /* it has ended, but its parent does not want to know yet */
    ck_assert_int_eq(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
    ck_assert_double_eq(up("parent"), 0);
    waitpid(child, NULL, 0);
    ck_assert_double_eq(up("parent"), 0);
    ck_assert(pipeline.found.files[0]->alive); /* the region lives on with the other one */
    kill(grandchild, SIGKILL);
}
END_TEST

#ifndef __SANITIZE_THREAD__ /* it has no threads after a fork */
static void wait_until_it_says(const char *path, const char *words)
{
    char text[512] = "";
    while (!strstr(text, words)) {
        FILE *file = fopen(path, "re");
        ck_assert_ptr_nonnull(file);
        text[fread(text, 1, sizeof text - 1, file)] = 0;
        fclose(file);
        usleep(1000);
    }
}

static void *last_until_killed(void *argument)
{
    while (pause())
        continue;
    return argument;
}

/* Which leaves a zombie before the others. */
START_TEST(process_runs_without_its_first_thread)
{
    siginfo_t info;
    pid_t child = fork();
    if (child == 0) {
        pthread_t other;
        fixture_process("p");
        if (pthread_create(&other, NULL, last_until_killed, NULL))
            _exit(1);
        pthread_exit(NULL);
    }
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)child);
    wait_until_it_says(path, ") Z ");
    ck_assert_double_eq(up("p"), 1);
    kill(child, SIGKILL);
    ck_assert_int_eq(waitid(P_PID, (id_t)child, &info, WEXITED), 0);
    ck_assert_double_eq(up("p"), 0);
}
END_TEST
#endif

START_TEST(processes_of_one_name_are_counted)
{
    fixture_process("p");
    struct engram_region *second = fixture_process("p");
    ck_assert_double_eq(up("p"), 2);
    fixture_end(second);
    ck_assert_double_eq(up("p"), 1);
    second = fixture_process("p");
    second->start_time++; /* the pid is another process's by now */
    ck_assert_double_eq(up("p"), 1);
}
END_TEST

START_TEST(what_cannot_be_asked_is_not_known)
{
    fixture_process("p");
    fixture_process("p")->pid_namespace++;
    ck_assert(isnan(up("p")));
    fixture_process("q")->pid = 0; /* which would ask for our own group */
    ck_assert(isnan(up("q")));
}
END_TEST

/* It may not be signalled by us, which is no sign of its end. */
START_TEST(process_of_another_user_runs)
{
    int status;
    const struct engram_region *own = fixture_process("p");
    pid_t child = fork();
    if (child == 0) {
        if (setresuid(65534, 65534, 65534) || kill((pid_t)own->pid, 0) == 0)
            _exit(1);
        _exit(main_process_ask(own) == MAIN_PROCESS_RUNS ? 0 : 2);
    }
    waitpid(child, &status, 0);
    ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(known_name_that_does_not_run_is_zero)
{
    struct totals *totals = totals_new(1, 0, 0, 1);
    totals->known[totals->known_count++] = (struct known){"p", 1, 1, geteuid()};
    pipeline.found.totals = totals;
    ck_assert_double_eq(up("p"), 0);
    fixture_process("p");
    ck_assert_double_eq(up("p"), 1);
    pipeline.found.totals = pipeline.totals;
    totals_release(totals);
}
END_TEST

Suite *processes_suite(void)
{
    Suite *suite = suite_create("processes");
    TCase *tests = tcase_create("up");
    tcase_add_checked_fixture(tests, start, stop);
    tcase_add_test(tests, main_process_is_told_from_its_children);
#ifndef __SANITIZE_THREAD__
    tcase_add_test(tests, process_runs_without_its_first_thread);
#endif
    tcase_add_test(tests, processes_of_one_name_are_counted);
    tcase_add_test(tests, what_cannot_be_asked_is_not_known);
    if (geteuid() == 0) /* who else could become another user? */
        tcase_add_test(tests, process_of_another_user_runs);
    tcase_add_test(tests, known_name_that_does_not_run_is_zero);
    suite_add_tcase(suite, tests);
    return suite;
}
