/* SPDX-License-Identifier: MIT */
/* Memory controllers and links of machines that are made up, by what their kernels say of them and
 * a kernel that counts: each box once, on its own socket. */
#include "fixture.h"
#include "suites.h"
#include "sysroot.h"

#include "daemon/pmu/boxes.h"
#include "daemon/pmu/pmu.h"
#include "daemon/pmu/sysfs.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND UINT64_C(1000000000)
#define TWO_SOCKETS "package:2 numanode:1 core:2 pu:1" /* CPUs 0 and 1, 2 and 3 */
#define TYPES 64
#define FILES 256
#define FIRST 100

enum { READ, WRITE, RECEIVED, SENT };

/* --- The kernel --- */

/* A box of a type on a socket has counted so much of whatever is asked, times what is asked. */
static struct {
    int cpu, leader;
    uint32_t type;
    uint64_t config;
    bool open;
} files[FILES];
static int opened;
#define CPUS 4
static bool offline[CPUS]; /* as are those that the real machine has beyond these */
static int error_of[TYPES];
static uint64_t counts[TYPES][2], enabled;

static int fake_open(struct perf_event_attr *attr, int cpu, int group)
{
    errno = cpu >= CPUS || offline[cpu] ? ENODEV : error_of[attr->type];
    if (errno)
        return -1;
    int file = 0;
    while (files[file].open)
        file++;
    ck_assert_int_lt(file, FILES);
    files[file].cpu = cpu;
    files[file].leader = group < 0 ? FIRST + file : group;
    files[file].type = attr->type;
    files[file].config = attr->config;
    files[file].open = true;
    opened++;
    return FIRST + file;
}

static ssize_t fake_read(int leader, void *to, size_t size)
{
    uint64_t *words = to, count = 0;
    for (int i = 0; i < FILES; i++)
        if (files[i].open && files[i].leader == leader)
            words[3 + count++] =
                counts[files[i].type][files[i].cpu / 2] * (files[i].config >> 8 ? 2 : 1);
    words[0] = count;
    words[1] = words[2] = enabled;
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

/* --- The machine --- */

static struct pmu_group groups[BOXES_GROUPS];
static uint32_t group_count;
static struct topology *topology;
static struct pmu *pmu;
static uint64_t now;

static void put(const char *device, const char *path, const char *text)
{
    char full[256];
    snprintf(full, sizeof full, SYSFS_DEVICES "/%s/%s", device, path);
    sysroot_put(full, "%s", text);
}

static void put_device(const char *device, const char *type, const char *cpus)
{
    put(device, "type", type);
    put(device, "cpumask", cpus);
    put(device, "format/event", "config:0-7\n");
}

/* As a Skylake has it; of six controllers, two. */
static void put_intel(const char *device, const char *type)
{
    put_device(device, type, "0,2\n");
    put(device, "format/umask", "config:8-15\n");
    put(device, "events/cas_count_read", "event=0x04\n");
    put(device, "events/cas_count_read.scale", "6.103515625e-5\n");
    put(device, "events/cas_count_read.unit", "MiB\n");
    put(device, "events/cas_count_write", "event=0x04,umask=0x0c\n");
    put(device, "events/cas_count_write.scale", "6.103515625e-5\n");
    put(device, "events/cas_count_write.unit", "MiB\n");
}

static void put_skylake(void)
{
    put_intel("uncore_imc_0", "10\n");
    put_intel("uncore_imc_1", "11\n");
    put_intel("uncore_imc_free_running_0", "12\n");
    put_intel("uncore_imc_", "13\n");
    put_device("uncore_upi_0", "14\n", "0,2\n");
    put("uncore_upi_0", "format/umask", "config:8-15\n");
}

/* Numbered through all sockets, and none has events by name. */
static void put_zen4(void)
{
    char name[32], type[8];
    for (int i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "amd_umc_%d", i);
        snprintf(type, sizeof type, "%d\n", 20 + i);
        put_device(name, type, i < 2 ? "1\n" : "2\n");
        put(name, "format/rdwrmask", "config:8-9\n");
    }
}

static void start(void)
{
    sysroot_start();
    setenv("HWLOC_SYNTHETIC", TWO_SOCKETS, 1);
    topology = topology_load("/");
    ck_assert_uint_eq(topology_sockets(topology), 2);
    fixture_clock(now = 100 * SECOND);
}

static void stop(void)
{
    if (pmu)
        pmu_free(pmu);
    ck_assert_int_eq(opened, 0);
    topology_free(topology);
    fixture_clock(0);
    sysroot_stop();
}

static void go_on(void)
{
    fixture_clock(now += SECOND);
    enabled += SECOND;
    for (uint32_t socket = 0; socket < 2; socket++)
        pmu_collect(pmu, socket);
}

static void count(void)
{
    group_count = boxes_find(sysroot, groups);
    pmu = pmu_new(topology, groups, group_count, &fake);
    ck_assert_ptr_nonnull(pmu);
    ck_assert_uint_eq(pmu_event_count(pmu), 4);
    ck_assert_str_eq(pmu_event(pmu, READ)->name, "memory_read_bytes");
    ck_assert_str_eq(pmu_event(pmu, SENT)->name, "cross_socket_sent_bytes");
    go_on();
}

static void expect(uint32_t event, uint32_t socket, enum perf_reason reason, double total)
{
    struct pmu_count got = pmu_counted(pmu, event, socket);
    ck_assert_msg(got.reason == reason, "event %u: %s", event, perf_reason_word(got.reason));
    ck_assert_double_eq_tol(got.total, total, 1e-6);
}

static void expect_places(uint32_t event, uint32_t socket, uint32_t counting, uint32_t places)
{
    struct pmu_count got = pmu_counted(pmu, event, socket);
    ck_assert_uint_eq(got.places, places);
    ck_assert_uint_eq(got.counting, counting);
}

/* --- What is counted --- */

START_TEST(skylake_with_two_sockets)
{
    put_skylake();
    count();
    ck_assert_int_eq(opened, (2 + 2 + 2) * 2);
    counts[10][0] = 100;
    counts[11][0] = 10;
    counts[11][1] = 1;
    counts[12][0] = counts[13][0] = 1000000; /* would count the same once more */
    counts[14][1] = 9;
    go_on();
    expect(READ, 0, PERF_COUNTS, 110 * 64);
    expect(READ, 1, PERF_COUNTS, 64);
    expect(WRITE, 0, PERF_COUNTS, 220 * 64);
    expect(READ, PMU_ALL_SOCKETS, PERF_COUNTS, 111 * 64);
    expect(SENT, 1, PERF_COUNTS, 9 * 2 * 64 / 9.0);
    expect(RECEIVED, 1, PERF_COUNTS, 9 * 2 * 64 / 9.0);
    expect(SENT, 0, PERF_COUNTS, 0);
    expect(WRITE, PMU_ALL_SOCKETS, PERF_COUNTS, 222 * 64);
    expect_places(READ, PMU_ALL_SOCKETS, 4, 4);
}
END_TEST

/* Or what was counted until then would seem to have taken longer. */
START_TEST(time_is_of_when_boxes_were_asked)
{
    put_skylake();
    count();
    go_on();
    ck_assert_uint_eq(pmu_counted(pmu, READ, 0).time, now);
    fixture_clock(now + SECOND / 10); /* too early to ask again */
    pmu_collect(pmu, 0);
    ck_assert_uint_eq(pmu_counted(pmu, READ, 0).time, now);
}
END_TEST

START_TEST(skylake_is_asked_for_the_right_events)
{
    static const uint64_t configs[] = {0x04, 0xc04};
    put_skylake();
    count();
    for (int i = 0; i < FILES; i++)
        if (files[i].open && files[i].type == 14)
            ck_assert(files[i].config == 0xf03 || files[i].config == 0xf02);
        else if (files[i].open)
            ck_assert(files[i].config == configs[0] || files[i].config == configs[1]);
    for (uint32_t i = 0; i < group_count; i++)
        if (strncmp(groups[i].events[1].name, "cross", 5) == 0 && groups[i].cpu_count)
            ck_assert_uint_eq(groups[i].events[1].config, 0xf02);
}
END_TEST

START_TEST(zen4_with_two_sockets)
{
    put_zen4();
    count();
    ck_assert_int_eq(opened, 4 * 2);
    counts[20][0] = 3;
    counts[21][0] = 4;
    counts[22][1] = 50;
    counts[22][0] = counts[20][1] = 1000000; /* on a socket that has not the box */
    go_on();
    expect(READ, 0, PERF_COUNTS, 2 * 7 * 64);
    expect(WRITE, 1, PERF_COUNTS, 2 * 50 * 64);
    expect(SENT, PMU_ALL_SOCKETS, PERF_NOT_SUPPORTED, 0);
    expect_places(READ, 1, 2, 2);
    for (uint32_t i = 0; i < group_count; i++)
        if (groups[i].cpu_count) {
            ck_assert_uint_eq(groups[i].events[0].config, 0x10a);
            ck_assert_uint_eq(groups[i].events[1].config, 0x20a);
        }
}
END_TEST

/* A hypervisor's guest, say, or an architecture of which we know no boxes. */
START_TEST(machine_without_boxes)
{
    if (_i)
        put_device("arm_cmn_0", "9\n", "0\n");
    count();
    ck_assert_int_eq(opened, 0);
    for (uint32_t event = READ; event <= SENT; event++) {
        expect(event, PMU_ALL_SOCKETS, PERF_NOT_SUPPORTED, 0);
        expect(event, 1, PERF_NOT_SUPPORTED, 0);
        ck_assert_uint_ne(pmu_counted(pmu, event, 1).time, 0);
    }
}
END_TEST

/* The sum of the others would be too low. */
static const struct {
    const char *path, *text;
} bad[] = {{"format/umask", "config:8-9\n"},
           {"events/cas_count_write", "event=0x04,umask\nx"},
           {"events/cas_count_read.scale", "0"},
           {"cpumask", "\n"},
           {"cpumask", "zero\n"},
           {"type", "?"}};

START_TEST(box_that_is_not_understood_costs_its_kind)
{
    put_skylake();
    put("uncore_imc_1", bad[_i].path, bad[_i].text);
    count();
    ck_assert_int_eq(opened, 2 * 2);
    expect(READ, PMU_ALL_SOCKETS, PERF_NOT_SUPPORTED, 0);
    expect_places(SENT, PMU_ALL_SOCKETS, 0, 2);
}
END_TEST

START_TEST(more_boxes_than_expected)
{
    char name[32];
    put_skylake();
    for (int i = 2; i <= BOXES_MOST; i++) {
        snprintf(name, sizeof name, "uncore_imc_%d", i);
        put_intel(name, "10\n");
    }
    count();
    expect_places(READ, PMU_ALL_SOCKETS, 0, 0);
    expect_places(SENT, PMU_ALL_SOCKETS, 0, 2);
}
END_TEST

/* --- What fails --- */

START_TEST(box_that_is_refused_leaves_a_reason)
{
    put_skylake();
    error_of[11] = EBUSY;
    error_of[14] = EACCES;
    count();
    counts[10][0] = 1;
    go_on();
    expect(READ, 0, PERF_COUNTS, 64);
    expect_places(READ, 0, 1, 2); /* so whoever reads knows that it is not the whole */
    expect(SENT, 0, PERF_PERMISSION, 0);
    error_of[11] = error_of[14] = 0;
    for (int seconds = 0; seconds < 7; seconds++)
        go_on();
    expect_places(READ, 0, 2, 2);
    expect(SENT, 0, PERF_PERMISSION, 0); /* not tried again */
}
END_TEST

/* Each socket has but one. */
START_TEST(only_cpu_of_a_socket_is_offline)
{
    topology_free(topology);
    offline[2] = offline[3] = true; /* if the real machine has them */
    setenv("HWLOC_SYNTHETIC", TWO_NODES, 1);
    topology = topology_load("/");
    put_device("amd_umc_0", "20\n", "0\n");
    put("amd_umc_0", "format/rdwrmask", "config:8-9\n");
    offline[0] = true;
    count();
    for (int seconds = 0; seconds < 12; seconds++)
        go_on();
    ck_assert_int_eq(opened, 0); /* on the other one there is another box of that name */
    offline[0] = false;
    for (int seconds = 0; seconds < 60 && !opened; seconds++) /* it may try others first */
        go_on();
    ck_assert_int_eq(opened, 2);
}
END_TEST

/* Another CPU of the same socket is asked. */
START_TEST(cpu_of_a_box_is_offline)
{
    put_skylake();
    offline[0] = true;
    count();
    for (int i = 0; i < FILES; i++)
        ck_assert(!files[i].open || files[i].cpu == 2);
    for (int seconds = 0; seconds < 12; seconds++)
        go_on();
    counts[10][0] = 5;
    go_on();
    expect(READ, 0, PERF_COUNTS, 5 * 64);
    for (int i = 0; i < FILES; i++)
        ck_assert(!files[i].open || files[i].cpu == 1 || files[i].cpu == 2);
}
END_TEST

START_TEST(socket_goes_and_comes_back)
{
    put_zen4();
    count();
    counts[22][1] = 5;
    go_on();
    expect(READ, 1, PERF_COUNTS, 10 * 64);
    enabled -= SECOND; /* time stands: its CPUs went */
    offline[2] = offline[3] = true;
    go_on();
    expect(READ, 1, PERF_OFFLINE, 10 * 64);
    offline[2] = offline[3] = false;
    counts[22][1] = 1000; /* what it did meanwhile is not known */
    for (int seconds = 0; seconds < 12; seconds++)
        go_on();
    counts[22][1] = 1001;
    go_on();
    expect(READ, 1, PERF_COUNTS, 12 * 64);
}
END_TEST

Suite *boxes_suite(void)
{
    Suite *suite = suite_create("boxes");
    TCase *tests = tcase_create("boxes");
    tcase_add_checked_fixture(tests, start, stop);
    tcase_add_test(tests, skylake_with_two_sockets);
    tcase_add_test(tests, time_is_of_when_boxes_were_asked);
    tcase_add_test(tests, skylake_is_asked_for_the_right_events);
    tcase_add_test(tests, zen4_with_two_sockets);
    tcase_add_loop_test(tests, machine_without_boxes, 0, 2);
    tcase_add_loop_test(tests, box_that_is_not_understood_costs_its_kind, 0,
                        sizeof bad / sizeof bad[0]);
    tcase_add_test(tests, more_boxes_than_expected);
    tcase_add_test(tests, box_that_is_refused_leaves_a_reason);
    tcase_add_test(tests, only_cpu_of_a_socket_is_offline);
    tcase_add_test(tests, cpu_of_a_box_is_offline);
    tcase_add_test(tests, socket_goes_and_comes_back);
    suite_add_tcase(suite, tests);
    return suite;
}
