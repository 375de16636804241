/* SPDX-License-Identifier: MIT */
/* What the kernel knows of processes that record, by a /proc and counters that are made up. */
#include "fixture.h"
#include "suites.h"
#include "sysroot.h"

#include "daemon/machine/numa_maps.h"
#include "daemon/machine/usage.h"
#include "daemon/pmu/process_events.h"
#include "daemon/sensors/process_sensor.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SECOND UINT64_C(1000000000)
#define MIGRATIONS_FILE 100
#define SWITCHES_FILE 101

static struct pipeline pipeline;
static struct process_sensor *sensor;
static uint64_t now, moved, moved_before; /* before it was opened */
static int open_files, refusal;

static void put_threads(int count)
{
    for (int thread = 1; thread < count; thread++) { /* one has been there from the start */
        char path[64];
        snprintf(path, sizeof path, "/proc/%d/task/%d/stat", (int)getpid(), 1000000 + thread);
        sysroot_put(path, "%s", "");
    }
}

static int fake_open_thread(struct perf_event_attr *attr, int thread)
{
    ck_assert_int_gt(thread, 0);
    errno = refusal;
    moved_before = moved;
    if (refusal)
        return -1;
    open_files++;
    return attr->config == PERF_COUNT_SW_CPU_MIGRATIONS ? MIGRATIONS_FILE : SWITCHES_FILE;
}

static ssize_t fake_read(int file, void *to, size_t size)
{
    uint64_t since = moved - moved_before;
    since *= file == SWITCHES_FILE ? 10 : 1; /* ten switches for each */
    memcpy(to, &since, size);
    return (ssize_t)size;
}

static void fake_close(int file)
{
    ck_assert_int_ge(file, MIGRATIONS_FILE);
    open_files--;
}

static const struct perf_calls fake = {
    .read = fake_read, .close = fake_close, .open_thread = fake_open_thread};

static void compute(void *argument, const struct plan *plan, const struct snapshot *snapshot,
                    union word *row)
{
    (void)argument, (void)snapshot;
    process_sensor_fill(sensor, plan, row);
}

static void put(const char *name, const char *text)
{
    char path[96];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)getpid(), name);
    sysroot_put(path, "%s", text);
}

static void put_stat(unsigned minor, unsigned major, unsigned start)
{
    char text[128];
    snprintf(text, sizeof text,
             "1 (a) R 7) S 1 1 1 0 -1 4194304 %u 99 %u 98 1 2 0 0 20 0 1 0 %u 5 6\n", minor, major,
             start);
    put("stat", text);
}

static void put_memory(unsigned first, unsigned second)
{
    char text[160];
    snprintf(text, sizeof text,
             "7f00 default file=/usr/N0\\075 mapped=9 N0=%u N1=%u kernelpagesize_kB=4\n"
             "7f01 default heap anon=2 N1=2 kernelpagesize_kB=2048\n",
             first, second);
    put("numa_maps", text);
}

static const char *thread_path(void)
{
    static char path[64];
    snprintf(path, sizeof path, "/proc/%d/task/%d/stat", (int)getpid(), (int)getpid());
    return path;
}

static void start(void)
{
    fixture_start();
    sysroot_start();
    pipeline_start(&pipeline, TWO_NODES, compute, NULL);
    const struct process_sources sources = {sysroot, pipeline.store, &fake, 2};
    sensor = process_sensor_new(&sources);
    ck_assert_ptr_nonnull(sensor);
    refusal = open_files = 0;
    moved = 0;
    put_stat(100, 10, 5);
    sysroot_put(thread_path(), "%s", "");
    put_memory(3, 0);
    fixture_clock(now = 1000 * SECOND);
}

static void stop(void)
{
    pipeline_stop(&pipeline);
    process_sensor_free(sensor);
    ck_assert_int_eq(open_files, 0);
    fixture_clock(0);
    sysroot_stop();
    fixture_stop();
}

static void look(void)
{
    fixture_clock(now += SECOND);
    pipeline_collect(&pipeline, process_sensor_families(sensor));
    process_sensor_read(sensor);
    pipeline_collect(&pipeline, process_sensor_families(sensor));
}

static void expect(const char *format, double value)
{
    char series[200];
    snprintf(series, sizeof series, format, geteuid());
    double is = shown_value(pipeline.store, series);
    ck_assert_msg(isnan(value) ? isnan(is) : is == value, "%s is %g", series, is);
}

#define MINOR_FAULTS "engram_process_page_faults_total{kind=\"minor\",owner=\"%u\",process=\"a\"}"
#define SWITCHES "engram_process_context_switches_total{owner=\"%u\",process=\"a\"}"
#define MIGRATIONS "engram_process_cpu_migrations_total{owner=\"%u\",process=\"a\"}"
#define MEMORY(node)                                                                               \
    "engram_process_numa_memory_bytes{node=\"" node "\",owner=\"%u\",process=\"a\"}"
#define AVAILABLE(more) "engram_process_source_available{owner=\"%u\",process=\"a\"," more "}"

START_TEST(what_a_process_does_is_counted_from_when_it_is_seen)
{
    fixture_process("a");
    look();
    expect(MINOR_FAULTS, 0);
    put_stat(120, 11, 5);
    moved = 3;
    look();
    expect(MINOR_FAULTS, 20);
    expect("engram_process_page_faults_total{kind=\"major\",owner=\"%u\",process=\"a\"}", 1);
    expect(SWITCHES, 30);
    expect(MIGRATIONS, 3);
    expect(AVAILABLE("source=\"perf\""), 1);
}
END_TEST

START_TEST(memory_is_told_by_node)
{
    fixture_process("a");
    look();
    expect(MEMORY("0"), 3 * 4096);
    expect(MEMORY("1"), 2 * 2048 * 1024);
    expect(AVAILABLE("source=\"numa_maps\""), 1);
    put_memory(4, 0);
    look(); /* it is not looked at again so soon */
    expect(MEMORY("0"), 3 * 4096);
    now += 10 * SECOND;
    look();
    expect(MEMORY("0"), 4 * 4096);
}
END_TEST

/* One that has the number of another that has ended. */
START_TEST(another_process_adds_to_its_name)
{
    fixture_process("a");
    look();
    put_stat(120, 10, 5);
    moved = 3;
    look();
    put_stat(1000, 10, 6);
    moved = 4; /* what it was at its end */
    look();
    expect(MINOR_FAULTS, 20);
    ck_assert_int_eq(open_files, PROCESS_EVENTS);
    put_stat(1001, 10, 6);
    moved = 5;
    look();
    expect(MINOR_FAULTS, 21);
    expect(MIGRATIONS, 4 + 1);
}
END_TEST

START_TEST(counters_stay_when_a_process_has_ended_and_gauges_do_not)
{
    struct engram_region *region = fixture_process("a");
    look();
    put_stat(120, 10, 5);
    moved = 3;
    look();
    moved = 5;
    fixture_end(region);
    look();
    expect(MINOR_FAULTS, 20);
    expect(MIGRATIONS, 5);
    expect(MEMORY("0"), NAN);
    expect(AVAILABLE("source=\"perf\""), NAN);
    ck_assert_int_eq(open_files, 0);
}
END_TEST

/* However many there were before. */
START_TEST(name_that_runs_has_room)
{
    char name[16];
    for (int i = 0; i < PROCESS_SENSOR_NAMES; i++) {
        snprintf(name, sizeof name, "n%d", i);
        struct engram_region *region = fixture_process(name);
        look();
        fixture_end(region);
        look();
    }
    fixture_process("a");
    look();
    expect(MINOR_FAULTS, 0);
    expect(MIGRATIONS, 0);
}
END_TEST

START_TEST(what_may_not_be_read_says_why)
{
    char path[64];
    refusal = EACCES;
    snprintf(path, sizeof path, "/proc/%d/numa_maps", (int)getpid());
    sysroot_remove(path);
    fixture_process("a");
    look();
    expect(MIGRATIONS, NAN);
    expect(SWITCHES, NAN);
    expect(AVAILABLE("reason=\"permission\",source=\"perf\""), 0);
    expect(AVAILABLE("source=\"perf\""), NAN);
    expect(MEMORY("0"), NAN);
    expect(AVAILABLE("reason=\"not_found\",source=\"numa_maps\""), 0);
    expect(MINOR_FAULTS, 0);
}
END_TEST

/* As the kernel has it of a process whose first thread has ended before the others. */
START_TEST(threads_that_are_too_many_are_not_counted)
{
    put_threads(256);
    fixture_process("a");
    look();
    expect(SWITCHES, 0);
    ck_assert_int_eq(open_files, 512);
    put_stat(100, 10, 6); /* another process has the number now */
    put_threads(257);
    look();
    expect(SWITCHES, NAN);
    expect(AVAILABLE("reason=\"too_many_threads\",source=\"perf\""), 0);
    ck_assert_int_eq(open_files, 0);
}
END_TEST

START_TEST(empty_list_of_memory_is_not_none)
{
    put("numa_maps", "");
    fixture_process("a");
    look();
    expect(MEMORY("0"), NAN);
    expect(AVAILABLE("reason=\"not_found\",source=\"numa_maps\""), 0);
}
END_TEST

START_TEST(what_is_old_is_not_shown)
{
    fixture_process("a");
    look();
    fixture_clock(now += 11 * SECOND);
    pipeline_collect(&pipeline, process_sensor_families(sensor));
    expect(MINOR_FAULTS, NAN);
}
END_TEST

static const char *const broken_stats[] = {"",
                                           "1 (a",
                                           "1 (a) S 1 2 3 4 5 6 7",
                                           "1 a S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19",
                                           "1 (a)S 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
                                           "1 (a) S 1 1 1 0 -1 4 -5 9 1 9 1 2 0 0 20 0 1 0 7 5"};

START_TEST(text_that_is_not_whole_tells_nothing)
{
    struct usage usage;
    ck_assert(!usage_parse(broken_stats[_i], &usage));
}
END_TEST

static const struct {
    const char *line;
    uint64_t first, second;
} lines[] = {
    {"", 0, 0},
    {"7f default N0=1\n", 0, 0}, /* of what size? */
    {"7f default N0=1 N1=2 kernelpagesize_kB=4\n", 4096, 8192},
    {"7f default N0=1 N1=2 kernelpagesize_kB=4", 4096, 8192},
    {"7f default N2=1 N99999999999999999999=1 N=3 NO=4 kernelpagesize_kB=4\n", 0, 0},
    {"7f default N0=-1 N1=x kernelpagesize_kB=4\n", 0, 0},
    {"7f default N0=1 kernelpagesize_kB=\n", 0, 0},
};

START_TEST(line_of_numa_maps)
{
    uint64_t bytes[2] = {0};
    numa_maps_parse(lines[_i].line, bytes, 2);
    ck_assert_uint_eq(bytes[0], lines[_i].first);
    ck_assert_uint_eq(bytes[1], lines[_i].second);
}
END_TEST

Suite *process_sensor_suite(void)
{
    Suite *suite = suite_create("process_sensor");
    TCase *tests = tcase_create("process_sensor");
    tcase_add_checked_fixture(tests, start, stop);
    tcase_add_test(tests, what_a_process_does_is_counted_from_when_it_is_seen);
    tcase_add_test(tests, memory_is_told_by_node);
    tcase_add_test(tests, another_process_adds_to_its_name);
    tcase_add_test(tests, counters_stay_when_a_process_has_ended_and_gauges_do_not);
    tcase_add_test(tests, name_that_runs_has_room);
    tcase_add_test(tests, what_may_not_be_read_says_why);
    tcase_add_test(tests, threads_that_are_too_many_are_not_counted);
    tcase_add_test(tests, empty_list_of_memory_is_not_none);
    tcase_add_test(tests, what_is_old_is_not_shown);
    suite_add_tcase(suite, tests);
    TCase *texts = tcase_create("texts");
    tcase_add_loop_test(texts, text_that_is_not_whole_tells_nothing, 0,
                        sizeof broken_stats / sizeof broken_stats[0]);
    tcase_add_loop_test(texts, line_of_numa_maps, 0, sizeof lines / sizeof lines[0]);
    suite_add_tcase(suite, texts);
    return suite;
}
