/* SPDX-License-Identifier: MIT */
/* What each check finds on a machine that is made up: each fault turns the check that is about it.
 */
#include "fixture.h"
#include "suites.h"
#include "sysroot.h"

#include "daemon/health/errors_check.h"
#include "daemon/health/hnsw_check.h"
#include "daemon/health/memory_check.h"
#include "daemon/health/threads_check.h"

#include <engram/engine.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define SECOND UINT64_C(1000000000)

static uint64_t now;

static void start(void)
{
    sysroot_start();
    now = 1000 * SECOND;
    fixture_clock(now);
}

static void stop(void)
{
    fixture_clock(0);
    sysroot_stop();
}

static void go_on(uint64_t ns)
{
    fixture_clock(now += ns);
}

/* --- memory_pressure --- */

static struct memory_check *memory;

static void start_memory(void)
{
    start();
    memory = memory_check_new(sysroot);
    ck_assert_ptr_nonnull(memory);
}

static void stop_memory(void)
{
    memory_check_free(memory);
    stop();
}

static void put_pressure(unsigned some_ms, unsigned full_ms)
{
    sysroot_put("/proc/pressure/memory",
                "some avg10=0.00 avg60=0.00 avg300=0.00 total=%u000\n"
                "full avg10=0.00 avg60=0.00 avg300=0.00 total=%u000\n",
                some_ms, full_ms);
}

static void put_available(unsigned percent)
{
    sysroot_put("/proc/meminfo", "MemTotal:  100000 kB\nMemFree: 1 kB\nMemAvailable: %u kB\n",
                percent * 1000);
}

static void put_stalls(unsigned dma, unsigned normal)
{
    sysroot_put("/proc/vmstat", "pgalloc_normal 7\nallocstall_dma %u\nallocstall_normal %u\n", dma,
                normal);
}

static struct finding memory_after(uint64_t ns)
{
    go_on(ns);
    return memory_check_look(memory);
}

START_TEST(memory_of_nothing_is_unknown)
{
    struct finding finding = memory_check_look(memory);
    ck_assert_int_eq(finding.state, HEALTH_UNKNOWN);
    ck_assert_ptr_nonnull(strstr(finding.reason, "not_found"));
}
END_TEST

START_TEST(memory_at_rest_is_healthy)
{
    put_pressure(5000, 5000);
    put_available(50);
    put_stalls(1000, 1000);
    ck_assert_int_eq(memory_check_look(memory).state, HEALTH_HEALTHY);
    ck_assert_int_eq(memory_after(SECOND).state, HEALTH_HEALTHY);
}
END_TEST

/* Of the second since the look before, in ms. */
static const struct {
    unsigned some, full;
    enum health_state state;
    double value;
} waits[] = {{199, 0, HEALTH_HEALTHY, 0.5},    {200, 0, HEALTH_DEGRADED, 0.2},
             {900, 0, HEALTH_DEGRADED, 0.9},   {100, 100, HEALTH_DEGRADED, 0.1},
             {400, 399, HEALTH_DEGRADED, 0.4}, {400, 400, HEALTH_UNHEALTHY, 0.4},
             {1000, 1000, HEALTH_UNHEALTHY, 1}};

START_TEST(tasks_that_wait_for_memory)
{
    put_available(50);
    put_pressure(5000, 5000);
    memory_check_look(memory);
    put_pressure(5000 + waits[_i].some, 5000 + waits[_i].full);
    struct finding finding = memory_after(SECOND);
    ck_assert_int_eq(finding.state, waits[_i].state);
    ck_assert_double_eq_tol(finding.value, waits[_i].value, 1e-9);
    ck_assert_int_eq(memory_after(2 * SECOND).state, HEALTH_HEALTHY);
    ck_assert_int_eq(memory_after(SECOND).state, HEALTH_HEALTHY);
}
END_TEST

START_TEST(memory_that_is_used_up)
{
    put_available(11);
    ck_assert_int_eq(memory_check_look(memory).state, HEALTH_HEALTHY);
    put_available(10);
    ck_assert_int_eq(memory_check_look(memory).state, HEALTH_DEGRADED);
    put_available(2);
    struct finding finding = memory_check_look(memory);
    ck_assert_int_eq(finding.state, HEALTH_UNHEALTHY);
    ck_assert_double_eq_tol(finding.value, 0.98, 1e-9);
    ck_assert_str_eq(finding.source, "/proc/meminfo");
    put_available(50);
    ck_assert_int_eq(memory_check_look(memory).state, HEALTH_HEALTHY);
}
END_TEST

START_TEST(allocations_that_stall)
{
    put_available(50);
    put_stalls(10, 20);
    memory_check_look(memory);
    put_stalls(60, 69);
    ck_assert_int_eq(memory_after(SECOND).state, HEALTH_HEALTHY);
    put_stalls(160, 170);
    struct finding finding = memory_after(SECOND);
    ck_assert_int_eq(finding.state, HEALTH_DEGRADED);
    ck_assert_str_eq(finding.source, "/proc/vmstat");
}
END_TEST

START_TEST(stalls_are_looked_for_twice_a_second)
{
    put_available(50);
    put_stalls(0, 0);
    memory_check_look(memory);
    put_stalls(1000, 0);
    ck_assert_int_eq(memory_after(SECOND / 10).state, HEALTH_HEALTHY);
    ck_assert_int_eq(memory_after(SECOND / 10 * 4).state, HEALTH_DEGRADED);
    put_stalls(0, 0); /* nothing is left to tell of before the next look */
    ck_assert_int_eq(memory_after(SECOND / 10).state, HEALTH_DEGRADED);
}
END_TEST

START_TEST(memory_texts_that_are_none)
{
    sysroot_put("/proc/pressure/memory", "some avg10=x\nfull\n");
    sysroot_put("/proc/meminfo", "MemTotal: 0 kB\nMemAvailable: -5 kB\n");
    sysroot_put("/proc/vmstat", "allocstall_dma\nallocstall_normal x\n");
    struct finding finding = memory_check_look(memory);
    ck_assert_int_eq(finding.state, HEALTH_UNKNOWN);
    ck_assert_ptr_nonnull(strstr(finding.reason, "not understood"));
}
END_TEST

/* --- hardware_errors --- */

static struct errors_check *errors;

static void start_errors(void)
{
    start();
    errors = errors_check_new(sysroot);
    ck_assert_ptr_nonnull(errors);
}

static void stop_errors(void)
{
    errors_check_free(errors);
    stop();
}

static void put_errors(int controller, unsigned corrected, unsigned uncorrected)
{
    char path[64];
    snprintf(path, sizeof path, "/sys/devices/system/edac/mc/mc%d/ce_count", controller);
    sysroot_put(path, "%u\n", corrected);
    snprintf(path, sizeof path, "/sys/devices/system/edac/mc/mc%d/ue_count", controller);
    sysroot_put(path, "%u\n", uncorrected);
}

/* As often as it takes to find every controller. */
static struct finding errors_found(void)
{
    for (int i = 0; i < 32; i++)
        errors_check_look(errors);
    return errors_check_look(errors);
}

START_TEST(errors_of_no_controller_are_unknown)
{
    ck_assert_int_eq(errors_found().state, HEALTH_UNKNOWN);
    put_errors(3, 0, 0); /* its driver is loaded later */
    ck_assert_int_eq(errors_found().state, HEALTH_HEALTHY);
}
END_TEST

START_TEST(errors_count_since_the_start_for_an_hour)
{
    put_errors(0, 500, 7);
    put_errors(1, 0, 0);
    ck_assert_int_eq(errors_found().state, HEALTH_HEALTHY);
    put_errors(0, 512, 7);
    put_errors(1, 11, 0);
    go_on(SECOND);
    ck_assert_int_eq(errors_found().state, HEALTH_HEALTHY);
    put_errors(1, 12, 0);
    ck_assert_int_eq(errors_found().state, HEALTH_DEGRADED);
    put_errors(1, 12, 1);
    struct finding finding = errors_found();
    ck_assert_int_eq(finding.state, HEALTH_UNHEALTHY);
    ck_assert_double_eq(finding.value, 1);
    for (int minutes = 0; minutes < 70; minutes++) {
        go_on(60 * SECOND);
        errors_check_look(errors);
    }
    ck_assert_int_eq(errors_found().state, HEALTH_HEALTHY);
}
END_TEST

/* --- What processes say --- */

static struct pipeline pipeline;
static const struct computed_family *const none[] = {NULL};

static void start_processes(void)
{
    fixture_start();
    pipeline_start(&pipeline, ONE_NODE, NULL, NULL);
}

static void stop_processes(void)
{
    pipeline_stop(&pipeline);
    fixture_stop();
}

/* --- thread_pool --- */

static struct threads *threads;
static struct threads_check *pool;

static void start_threads(void)
{
    start_processes();
    start();
    threads = threads_new(sysroot);
    pool = threads_check_new(threads, pipeline.store);
}

static void stop_threads(void)
{
    threads_check_free(pool);
    threads_free(threads);
    stop();
    stop_processes();
}

/* All that it did since it was born, in ms. */
static void put_thread(uint32_t pid, uint32_t tid, unsigned run, unsigned waited)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%u/task/%u/schedstat", pid, tid);
    sysroot_put(path, "%u000000 %u000000 7\n", run, waited);
}

static void find(uint32_t one, uint32_t other)
{
    const uint32_t pids[] = {one, other};
    threads_find(threads, pids, other ? 2 : 1);
}

static struct finding pool_after(uint64_t ns)
{
    go_on(ns);
    return threads_check_look(pool);
}

START_TEST(threads_of_nobody_are_unknown)
{
    ck_assert_int_eq(threads_check_look(pool).state, HEALTH_UNKNOWN);
    find(10, 0); /* there is no such process */
    threads_check_look(pool);
    ck_assert_int_eq(pool_after(SECOND).state, HEALTH_UNKNOWN);
}
END_TEST

/* In the second between two looks, two threads together. */
static const struct {
    unsigned run, waited;
    enum health_state state;
} starving[] = {
    {1400, 599, HEALTH_HEALTHY},   {1400, 600, HEALTH_DEGRADED}, {801, 1199, HEALTH_DEGRADED},
    {800, 1200, HEALTH_UNHEALTHY}, {10, 89, HEALTH_HEALTHY},     {10, 91, HEALTH_UNHEALTHY},
    {0, 0, HEALTH_HEALTHY},
};

START_TEST(threads_that_wait_for_cpus)
{
    put_thread(10, 10, 5000, 5000);
    put_thread(10, 11, 0, 90000);
    find(10, 0);
    threads_check_look(pool);
    put_thread(10, 10, 5000 + starving[_i].run, 5000);
    put_thread(10, 11, 0, 90000 + starving[_i].waited);
    ck_assert_int_eq(pool_after(SECOND).state, starving[_i].state);
    pool_after(SECOND);
    ck_assert_int_eq(pool_after(SECOND).state, HEALTH_HEALTHY);
}
END_TEST

START_TEST(the_worst_process_counts)
{
    for (unsigned tick = 0; tick < 2; tick++) {
        put_thread(10, 10, 900 * tick, 100 * tick);
        put_thread(20, 20, 100 * tick, 900 * tick);
        find(10, 20);
        go_on(SECOND);
        threads_check_look(pool);
    }
    struct finding finding = threads_check_look(pool);
    ck_assert_int_eq(finding.state, HEALTH_UNHEALTHY);
    ck_assert_ptr_nonnull(strstr(finding.reason, "process 20 "));
    find(10, 0);
    ck_assert_int_eq(threads_check_look(pool).state, HEALTH_HEALTHY);
}
END_TEST

/* Nothing that a thread did is lost when another list is made, when it ends, or one begins. */
START_TEST(threads_come_and_go)
{
    struct thread_times times[THREADS_PROCESSES_MOST];
    put_thread(10, 10, 100, 0);
    put_thread(10, 11, 100, 0);
    find(10, 0);
    threads_read(threads, times);
    put_thread(10, 10, 110, 0);
    put_thread(10, 11, 120, 5);
    threads_read(threads, times);
    sysroot_remove("/proc/10/task/11/schedstat");
    sysroot_remove("/proc/10/task/11");
    put_thread(10, 12, 1000, 1000); /* before it was seen first */
    find(10, 0);
    threads_read(threads, times);
    put_thread(10, 12, 1001, 1000);
    ck_assert_uint_eq(threads_read(threads, times), 1);
    ck_assert_uint_eq(times[0].run, 31000000);
    ck_assert_uint_eq(times[0].waited, 5000000);
    ck_assert_uint_eq(times[0].threads, 2);
    ck_assert_uint_eq(times[0].unread, 0);
}
END_TEST

static struct engram_engine working(const char *process, double workers, double waiting)
{
    struct engram_engine engine;
    fixture_process(process);
    engram_register_workers(&engine);
    engram_gauge_set(engine.workers, workers);
    engram_gauge_set(engine.queue_depth, waiting);
    return engine;
}

/* With two workers. */
static const struct {
    double waiting;
    enum health_state state;
} queues[] = {
    {0, HEALTH_HEALTHY}, {31, HEALTH_HEALTHY}, {32, HEALTH_DEGRADED}, {128, HEALTH_UNHEALTHY}};

START_TEST(tasks_that_wait_for_workers)
{
    struct engram_engine engine = working("p", 2, queues[_i].waiting);
    pipeline_collect(&pipeline, none);
    struct finding finding = threads_check_look(pool);
    ck_assert_int_eq(finding.state, queues[_i].state);
    ck_assert_double_eq(finding.value, queues[_i].waiting / 2);
    ck_assert_ptr_nonnull(strstr(finding.reason, "process=\"p\""));
    engram_gauge_set(engine.queue_depth, 0);
    pipeline_collect(&pipeline, none);
    ck_assert_int_eq(threads_check_look(pool).state, HEALTH_HEALTHY);
}
END_TEST

/* Of how many there are for the tasks it does not say. */
START_TEST(queue_without_workers_tells_nothing)
{
    working("p", 0, 1000);
    pipeline_collect(&pipeline, none);
    ck_assert_int_eq(threads_check_look(pool).state, HEALTH_UNKNOWN);
}
END_TEST

START_TEST(threads_that_are_too_many_are_counted)
{
    struct thread_times times[THREADS_PROCESSES_MOST];
    for (uint32_t i = 0; i < THREADS_MOST + 3; i++)
        put_thread(10, 10 + i, 0, 0);
    find(10, 0);
    threads_read(threads, times);
    ck_assert_uint_eq(times[0].threads, THREADS_MOST + 3);
    ck_assert_uint_eq(times[0].unread, 3);
}
END_TEST

/* --- hnsw_integrity --- */

static struct engram_engine auditing(const char *process)
{
    struct engram_engine engine;
    fixture_process(process);
    engram_register_audit(&engine);
    return engine;
}

static void tell(const struct engram_engine *engine, double violations, double recall, double age)
{
    struct timespec wall;
    clock_gettime(CLOCK_REALTIME, &wall);
    engram_gauge_set(engine->audit_violations[ENGRAM_ASYMMETRIC_EDGE], violations);
    engram_gauge_set(engine->probe_recall, recall);
    engram_gauge_set(engine->audit_time, (double)wall.tv_sec - age);
}

static struct finding audit_found(void)
{
    pipeline_collect(&pipeline, none);
    return hnsw_check_look(pipeline.store);
}

START_TEST(graph_of_nobody_is_unknown)
{
    ck_assert_int_eq(hnsw_check_look(pipeline.store).state, HEALTH_UNKNOWN); /* no snapshot yet */
    auditing("p"); /* has said nothing yet */
    ck_assert_int_eq(audit_found().state, HEALTH_UNKNOWN);
}
END_TEST

static const struct {
    double violations, recall, age;
    enum health_state state;
} audits[] = {
    {0, 1, 0, HEALTH_HEALTHY},     {1, 1, 0, HEALTH_UNHEALTHY},   {0, 0.81, 0, HEALTH_HEALTHY},
    {0, 0.79, 0, HEALTH_DEGRADED}, {0, 0.5, 0, HEALTH_UNHEALTHY}, {0, 1, 590, HEALTH_HEALTHY},
    {0, 1, 610, HEALTH_DEGRADED},  {0, 1, -60, HEALTH_HEALTHY}, /* its clock is ahead */
};

START_TEST(graph_that_is_audited)
{
    struct engram_engine engine = auditing("p");
    tell(&engine, audits[_i].violations, audits[_i].recall, audits[_i].age);
    ck_assert_int_eq(audit_found().state, audits[_i].state);
    tell(&engine, 0, 1, 0);
    ck_assert_int_eq(audit_found().state, HEALTH_HEALTHY);
}
END_TEST

START_TEST(the_process_whose_graph_is_wrong_is_named)
{
    struct engram_engine good = auditing("good"), bad = auditing("bad"), other = auditing("other");
    tell(&good, 0, 1, 0);
    tell(&bad, 3, 1, 0);
    tell(&other, 0, 1, 0);
    struct finding finding = audit_found();
    ck_assert_int_eq(finding.state, HEALTH_UNHEALTHY);
    ck_assert_double_eq(finding.value, 3);
    ck_assert_ptr_nonnull(strstr(finding.reason, "process=\"bad\""));
    ck_assert_ptr_nonnull(strstr(finding.reason, "asymmetric_edge"));
}
END_TEST

static void add(Suite *suite, TCase *tests, void (*setup)(void), void (*teardown)(void))
{
    tcase_add_checked_fixture(tests, setup, teardown);
    suite_add_tcase(suite, tests);
}

Suite *checks_suite(void)
{
    Suite *suite = suite_create("checks");
    TCase *of_memory = tcase_create("memory"), *of_errors = tcase_create("errors"),
          *of_threads = tcase_create("threads"), *of_hnsw = tcase_create("hnsw");
    add(suite, of_memory, start_memory, stop_memory);
    tcase_add_test(of_memory, memory_of_nothing_is_unknown);
    tcase_add_test(of_memory, memory_at_rest_is_healthy);
    tcase_add_loop_test(of_memory, tasks_that_wait_for_memory, 0, sizeof waits / sizeof waits[0]);
    tcase_add_test(of_memory, memory_that_is_used_up);
    tcase_add_test(of_memory, allocations_that_stall);
    tcase_add_test(of_memory, stalls_are_looked_for_twice_a_second);
    tcase_add_test(of_memory, memory_texts_that_are_none);
    add(suite, of_errors, start_errors, stop_errors);
    tcase_add_test(of_errors, errors_of_no_controller_are_unknown);
    tcase_add_test(of_errors, errors_count_since_the_start_for_an_hour);
    add(suite, of_threads, start_threads, stop_threads);
    tcase_add_test(of_threads, threads_of_nobody_are_unknown);
    tcase_add_loop_test(of_threads, threads_that_wait_for_cpus, 0,
                        sizeof starving / sizeof starving[0]);
    tcase_add_test(of_threads, the_worst_process_counts);
    tcase_add_test(of_threads, threads_come_and_go);
    tcase_add_test(of_threads, threads_that_are_too_many_are_counted);
    tcase_add_loop_test(of_threads, tasks_that_wait_for_workers, 0,
                        sizeof queues / sizeof queues[0]);
    tcase_add_test(of_threads, queue_without_workers_tells_nothing);
    add(suite, of_hnsw, start_processes, stop_processes);
    tcase_add_test(of_hnsw, graph_of_nobody_is_unknown);
    tcase_add_loop_test(of_hnsw, graph_that_is_audited, 0, sizeof audits / sizeof audits[0]);
    tcase_add_test(of_hnsw, the_process_whose_graph_is_wrong_is_named);
    return suite;
}
