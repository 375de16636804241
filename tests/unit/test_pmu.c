/* SPDX-License-Identifier: MIT */
/* Events counted by a kernel that is made up: what fails costs its own share, and says why. */
#include "fixture.h"
#include "suites.h"

#include "daemon/pmu/pmu.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SECOND UINT64_C(1000000000)
#define CPUS 2
#define FILES 64
#define FIRST 100 /* the first descriptor */

enum { A, B, C, EVENTS };

static const struct pmu_group groups[] = {
    {.events = {{"a", "pmu", .type = PERF_TYPE_RAW, .config = A, .scale = 1},
                {"b", "pmu", .type = PERF_TYPE_RAW, .config = B, .config1 = 1, .config2 = 2}}},
    {.events = {{"c", "software", .type = PERF_TYPE_SOFTWARE, .config = C, .scale = 2}}},
};

/* --- The kernel --- */

static struct fake_file {
    bool open;
    int cpu, leader;
    uint64_t event;
} files[FILES];

static struct {
    bool offline;
    int errors[EVENTS]; /* of open, 0: none */
    uint64_t enabled, running, values[EVENTS];
    int reads; /* of its groups */
} cpus[CPUS];

static int opened, limit;

/* The real machine may have more CPUs, which are offline here. */
static int fake_open(struct perf_event_attr *attr, int cpu, int group)
{
    errno = ENODEV;
    if (cpu >= CPUS)
        return -1;
    ck_assert_uint_eq(attr->config1, groups[0].events[attr->config].config1);
    ck_assert_uint_eq(attr->config2, groups[0].events[attr->config].config2);
    errno = cpus[cpu].offline ? ENODEV : opened >= limit ? EMFILE : cpus[cpu].errors[attr->config];
    if (errno)
        return -1;
    int file = 0;
    while (files[file].open)
        file++;
    ck_assert_int_lt(file, FILES);
    files[file] = (struct fake_file){true, cpu, group < 0 ? FIRST + file : group, attr->config};
    opened++;
    return FIRST + file;
}

static ssize_t fake_read(int leader, void *to, size_t size)
{
    uint64_t *words = to, count = 0;
    int cpu = files[leader - FIRST].cpu;
    if (cpus[cpu].offline)
        return 0;
    cpus[cpu].reads++;
    for (int i = 0; i < FILES; i++)
        if (files[i].open && files[i].leader == leader)
            words[3 + count++] = cpus[cpu].values[files[i].event];
    words[0] = count;
    words[1] = cpus[cpu].enabled;
    words[2] = cpus[cpu].running;
    ck_assert_uint_eq(size, (3 + count) * sizeof *words);
    return (ssize_t)size;
}

static void fake_close(int file)
{
    ck_assert(files[file - FIRST].open);
    files[file - FIRST].open = false;
    opened--;
}

static const struct perf_calls fake = {.open = fake_open, .read = fake_read, .close = fake_close};

/* --- What is counted --- */

static struct topology *topology;
static struct pmu *pmu;
static uint64_t now;

static void start(void)
{
    setenv("HWLOC_SYNTHETIC", TWO_NODES, 1);
    topology = topology_load("/");
    ck_assert_uint_eq(topology_sockets(topology), 2);
    pmu = pmu_new(topology, groups, 2, &fake);
    ck_assert_ptr_nonnull(pmu);
    limit = FILES;
    fixture_clock(now = 100 * SECOND);
}

static void stop(void)
{
    pmu_free(pmu);
    ck_assert_int_eq(opened, 0);
    topology_free(topology);
    fixture_clock(0);
}

static void collect(void)
{
    for (uint32_t socket = 0; socket < 2; socket++)
        pmu_collect(pmu, socket);
}

/* On a CPU, in a second of which its counters ran for a share. */
static void happen(int cpu, double share, uint64_t a, uint64_t b, uint64_t c)
{
    cpus[cpu].enabled += SECOND;
    cpus[cpu].running += (uint64_t)(share * (double)SECOND);
    cpus[cpu].values[A] += a;
    cpus[cpu].values[B] += b;
    cpus[cpu].values[C] += c;
}

static void go_on(void)
{
    fixture_clock(now += SECOND);
    collect();
}

static void expect(uint32_t event, enum perf_reason reason, double total)
{
    struct pmu_count count = pmu_counted(pmu, event, PMU_ALL_SOCKETS);
    ck_assert_msg(count.reason == reason, "event %u: %s", event, perf_reason_word(count.reason));
    ck_assert_double_eq_tol(count.total, total, 1e-6);
}

START_TEST(events_of_all_cpus_are_summed)
{
    happen(0, 1, 1000, 0, 0); /* before the daemon came */
    collect();
    expect(A, PERF_COUNTS, 0);
    ck_assert(isnan(pmu_counted(pmu, A, PMU_ALL_SOCKETS).coverage));
    happen(0, 1, 1, 10, 100);
    happen(1, 1, 2, 20, 200);
    go_on();
    expect(A, PERF_COUNTS, 3);
    expect(B, PERF_COUNTS, 30);
    expect(C, PERF_COUNTS, 600);
    ck_assert_double_eq(pmu_counted(pmu, A, PMU_ALL_SOCKETS).coverage, 1);
    happen(0, 1, 0, 0, 0);
    happen(1, 1, 0, 0, 0);
    go_on(); /* nothing happened */
    expect(A, PERF_COUNTS, 3);
}
END_TEST

START_TEST(counters_that_are_shared_are_scaled)
{
    collect();
    happen(0, 0.5, 10, 20, 30);
    happen(1, 1, 10, 20, 30);
    go_on();
    expect(A, PERF_COUNTS, 30);
    expect(B, PERF_COUNTS, 60);
    ck_assert_double_eq(pmu_counted(pmu, A, PMU_ALL_SOCKETS).coverage, 0.75);
}
END_TEST

START_TEST(hardly_counted_is_not_counted)
{
    collect();
    for (int seconds = 0; seconds < 5; seconds++) {
        happen(0, 0.09, 10, 20, 30);
        happen(1, 0.09, 10, 20, 30);
        go_on();
    }
    expect(A, PERF_MULTIPLEXED, 0);
    for (int seconds = 0; seconds < 5; seconds++) {
        happen(0, 0, 0, 0, 0); /* time_running stands */
        happen(1, 0, 0, 0, 0);
        go_on();
    }
    expect(A, PERF_MULTIPLEXED, 0);
    ck_assert_double_eq(pmu_counted(pmu, A, PMU_ALL_SOCKETS).coverage, 0);
    happen(0, 1, 10, 0, 0);
    happen(1, 1, 10, 0, 0);
    go_on();
    expect(A, PERF_COUNTS, 20);
}
END_TEST

#define TICK (SECOND / 2)

/* In which the first CPU's counters ran for a share. */
static void tick(double share, uint64_t a)
{
    cpus[0].enabled += TICK;
    cpus[0].running += (uint64_t)(share * (double)TICK);
    cpus[0].values[A] += a;
    fixture_clock(now += TICK);
    collect();
}

/* In a turn of others nothing was counted, and something has happened. */
START_TEST(turns_of_others_are_made_up_for)
{
    collect();
    tick(1, 10);
    expect(A, PERF_COUNTS, 10);
    tick(0, 0);
    expect(A, PERF_COUNTS, 10);
    ck_assert_double_eq(pmu_counted(pmu, A, PMU_ALL_SOCKETS).coverage, 1);
    tick(0.05, 1);
    expect(A, PERF_COUNTS, 10);
    tick(0.55, 11); /* 0.6 ticks of 3 */
    expect(A, PERF_COUNTS, 70);
    ck_assert_double_eq_tol(pmu_counted(pmu, A, PMU_ALL_SOCKETS).coverage, 0.2, 1e-9);
}
END_TEST

START_TEST(turns_that_never_come_are_not_made_up_for)
{
    collect();
    tick(1, 10);
    for (int i = 0; i < 10; i++)
        tick(0, 0);
    expect(A, PERF_MULTIPLEXED, 10);
    tick(1, 10);
    expect(A, PERF_COUNTS, 20);
}
END_TEST

/* While a stretch waits, too, a CPU that has gone is told from one that is busy. */
START_TEST(cpu_goes_in_the_turn_of_others)
{
    collect();
    tick(1, 10);
    tick(0, 0);
    fixture_clock(now += TICK);
    collect(); /* as it was when it went */
    ck_assert_int_eq(opened, 0);
}
END_TEST

START_TEST(counter_that_goes_back_takes_nothing_away)
{
    collect();
    happen(0, 1, 50, 0, 0);
    go_on();
    cpus[0].values[A] = 7;
    cpus[0].enabled += SECOND;
    cpus[0].running += SECOND;
    go_on();
    expect(A, PERF_COUNTS, 50);
    happen(0, 1, 5, 0, 0);
    go_on();
    expect(A, PERF_COUNTS, 55);
}
END_TEST

static const struct {
    int error;
    enum perf_reason reason;
} refusals[] = {
    {EACCES, PERF_PERMISSION},     {EPERM, PERF_PERMISSION},         {ENOENT, PERF_NOT_SUPPORTED},
    {ENOSYS, PERF_NOT_SUPPORTED},  {EOPNOTSUPP, PERF_NOT_SUPPORTED}, {EBUSY, PERF_BUSY},
    {EMFILE, PERF_NO_DESCRIPTORS}, {ENODEV, PERF_OFFLINE},           {EINVAL, PERF_FAILED},
};

/* The leader of a group; its other member leads then. */
START_TEST(event_that_is_refused_leaves_a_reason)
{
    for (int cpu = 0; cpu < CPUS; cpu++)
        cpus[cpu].errors[A] = refusals[_i].error;
    collect();
    happen(0, 1, 1, 10, 100);
    happen(1, 1, 1, 10, 100);
    go_on();
    expect(A, refusals[_i].reason, 0);
    expect(B, PERF_COUNTS, 20);
    expect(C, PERF_COUNTS, 400);
}
END_TEST

/* Thousands of calls in vain would take their time, again and again. */
START_TEST(only_what_may_come_is_tried_again)
{
    static const bool comes[] = {false, false, false, false, false, true, true, true, false};
    cpus[0].offline = true;
    cpus[1].errors[A] = cpus[1].errors[B] = cpus[1].errors[C] = refusals[_i].error;
    collect();
    cpus[1].errors[A] = cpus[1].errors[B] = cpus[1].errors[C] = 0;
    for (int seconds = 0; seconds < 5; seconds++)
        go_on();
    ck_assert_int_eq(opened, comes[_i] ? EVENTS : 0);
}
END_TEST

START_TEST(one_cpu_fails_the_other_counts)
{
    cpus[0].errors[A] = cpus[0].errors[B] = cpus[0].errors[C] = EBUSY;
    collect();
    happen(0, 1, 1000, 1000, 1000);
    happen(1, 1, 1, 10, 100);
    go_on();
    expect(A, PERF_COUNTS, 1);
    expect(C, PERF_COUNTS, 200);
}
END_TEST

START_TEST(cpu_goes_and_comes_back)
{
    collect();
    happen(0, 1, 1, 0, 0);
    happen(1, 1, 1, 0, 0);
    go_on();
    cpus[1].offline = true;
    happen(0, 1, 1, 0, 0);
    go_on();
    expect(A, PERF_COUNTS, 3);
    ck_assert_int_eq(opened, EVENTS);
    cpus[1].offline = false;
    memset(cpus[1].values, 0, sizeof cpus[1].values); /* its counters are new */
    cpus[1].enabled = cpus[1].running = 0;
    for (int seconds = 0; seconds < 5; seconds++) { /* until it is tried again */
        happen(0, 1, 0, 0, 0);
        happen(1, 1, 0, 0, 0);
        go_on();
    }
    ck_assert_int_eq(opened, 2 * EVENTS);
    happen(0, 1, 0, 0, 0);
    happen(1, 1, 4, 0, 0);
    go_on();
    expect(A, PERF_COUNTS, 7);
}
END_TEST

/* As a kernel does whose descriptors show for ever what they showed when their CPU went. */
START_TEST(cpu_whose_time_stands_is_opened_again)
{
    collect();
    happen(0, 1, 1, 0, 0);
    happen(1, 1, 1, 0, 0);
    go_on();
    ck_assert_int_eq(opened, 2 * EVENTS);
    happen(0, 1, 1, 0, 0);
    go_on();
    ck_assert_int_eq(opened, EVENTS);
    expect(A, PERF_COUNTS, 3);
    for (int seconds = 0; seconds < 5; seconds++) {
        happen(0, 1, 0, 0, 0);
        happen(1, 1, 0, 0, 0);
        go_on();
    }
    ck_assert_int_eq(opened, 2 * EVENTS);
}
END_TEST

/* A counter of the CPU's that never counts is none; the kernel's own may be rare. */
START_TEST(event_that_counts_nothing_is_none)
{
    collect();
    happen(0, 1, 0, 0, 0);
    happen(1, 1, 0, 1, 0);
    go_on();
    expect(A, PERF_SILENT, 0);
    expect(B, PERF_COUNTS, 1);
    expect(C, PERF_COUNTS, 0);
}
END_TEST

/* Of a CPU that is not there nothing is said, while others tell why. */
START_TEST(reasons_go_before_absence)
{
    cpus[_i].errors[A] = EBUSY;
    cpus[1 - _i].offline = true;
    collect();
    go_on();
    expect(A, PERF_BUSY, 0);
}
END_TEST

START_TEST(all_cpus_are_gone)
{
    cpus[0].offline = cpus[1].offline = true;
    collect();
    go_on();
    expect(A, PERF_OFFLINE, 0);
}
END_TEST

START_TEST(descriptors_run_out)
{
    limit = 2;
    collect();
    happen(0, 1, 1, 10, 100);
    happen(1, 1, 1, 10, 100);
    go_on();
    expect(A, PERF_COUNTS, 1);
    expect(C, PERF_NO_DESCRIPTORS, 0);
}
END_TEST

/* A CPU is interrupted to tell. */
START_TEST(cpus_are_asked_less_often_than_collectors_come)
{
    collect();
    happen(0, 1, 1, 0, 1);
    go_on();
    happen(0, 1, 10, 0, 1);
    fixture_clock(now += SECOND / 10);
    collect();
    expect(A, PERF_COUNTS, 1);
    expect(C, PERF_COUNTS, 2);
    happen(0, 1, 0, 0, 0);
    fixture_clock(now += SECOND / 10 * 4);
    collect();
    expect(A, PERF_COUNTS, 11);
    expect(C, PERF_COUNTS, 4);
}
END_TEST

START_TEST(cpus_take_turns_to_be_asked)
{
    collect();
    for (int tick = 0; tick < 10; tick++) {
        int before[] = {cpus[0].reads, cpus[1].reads};
        fixture_clock(now += SECOND / 10);
        collect();
        ck_assert(cpus[0].reads == before[0] || cpus[1].reads == before[1]);
    }
    ck_assert_int_ge(cpus[0].reads, 4);
    ck_assert_int_ge(cpus[1].reads, 4);
}
END_TEST

START_TEST(reads_are_not_more_often_than_needed)
{
    collect();
    happen(0, 1, 1, 0, 0);
    fixture_clock(now += SECOND / 20);
    collect();
    expect(A, PERF_COUNTS, 0);
    fixture_clock(now += SECOND / 20 - SECOND / 200); /* a tick that came early */
    collect();
    expect(A, PERF_COUNTS, 1);
}
END_TEST

Suite *pmu_suite(void)
{
    Suite *suite = suite_create("pmu");
    TCase *tests = tcase_create("pmu");
    tcase_add_checked_fixture(tests, start, stop);
    tcase_add_test(tests, events_of_all_cpus_are_summed);
    tcase_add_test(tests, counters_that_are_shared_are_scaled);
    tcase_add_test(tests, hardly_counted_is_not_counted);
    tcase_add_test(tests, turns_of_others_are_made_up_for);
    tcase_add_test(tests, turns_that_never_come_are_not_made_up_for);
    tcase_add_test(tests, cpu_goes_in_the_turn_of_others);
    tcase_add_test(tests, counter_that_goes_back_takes_nothing_away);
    tcase_add_loop_test(tests, event_that_is_refused_leaves_a_reason, 0,
                        sizeof refusals / sizeof refusals[0]);
    tcase_add_loop_test(tests, only_what_may_come_is_tried_again, 0,
                        sizeof refusals / sizeof refusals[0]);
    tcase_add_test(tests, one_cpu_fails_the_other_counts);
    tcase_add_test(tests, cpu_goes_and_comes_back);
    tcase_add_test(tests, cpu_whose_time_stands_is_opened_again);
    tcase_add_test(tests, event_that_counts_nothing_is_none);
    tcase_add_loop_test(tests, reasons_go_before_absence, 0, CPUS);
    tcase_add_test(tests, all_cpus_are_gone);
    tcase_add_test(tests, descriptors_run_out);
    tcase_add_test(tests, cpus_are_asked_less_often_than_collectors_come);
    tcase_add_test(tests, cpus_take_turns_to_be_asked);
    tcase_add_test(tests, reads_are_not_more_often_than_needed);
    suite_add_tcase(suite, tests);
    return suite;
}
