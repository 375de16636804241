/* SPDX-License-Identifier: MIT */
/* What is shown of memory and links, by boxes of a kernel that is made up and by caches, each at a
 * rate that is known. */
#include "fixture.h"
#include "suites.h"
#include "sysroot.h"

#include "daemon/pmu/boxes.h"
#include "daemon/pmu/sysfs.h"
#include "daemon/sensors/bandwidth_sensor.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND UINT64_C(1000000000)
#define ONE_SOCKET "package:1 numanode:1 core:2 pu:1"
#define TWO_NODES_OF_A_SOCKET "package:1 group:2 numanode:1 core:1 pu:1"
#define FILES 64
#define FIRST 100
#define MEMORY 10
#define LINK 20

#define NODE(direction, node, source)                                                              \
    "engram_numa_memory_bandwidth_bytes_per_second{direction=\"" direction "\",node=\"" node       \
    "\",source=\"" source "\"}"
#define CROSS(direction) "engram_numa_cross_socket_bandwidth_gbps{direction=\"" direction "\"}"
#define BUSY "engram_numa_cross_socket_utilization_ratio"

static struct pipeline pipeline;
static struct figures *figures;
static struct pmu *pmu;
static struct resctrl *resctrl;
static struct live *live;
static struct bandwidth_sensor *sensor;
static uint64_t now;

/* --- The kernel --- */

static struct {
    int socket, leader;
    uint32_t type;
    uint64_t config;
} files[FILES];
static int file_count;
static int refused[2 * LINK];
/* Of memory and links on each socket, for the first event and the second: a second. */
static uint64_t rates[2 * LINK][2][2];

static int fake_open(struct perf_event_attr *attr, int cpu, int group)
{
    errno = refused[attr->type];
    if (errno)
        return -1;
    ck_assert_int_lt(file_count, FILES);
    files[file_count].socket = cpu;
    files[file_count].leader = group < 0 ? FIRST + file_count : group;
    files[file_count].type = attr->type;
    files[file_count].config = attr->config;
    return FIRST + file_count++;
}

static ssize_t fake_read(int leader, void *to, size_t size)
{
    uint64_t *words = to, count = 0;
    for (int i = 0; i < file_count; i++)
        if (files[i].leader == leader) {
            words[3 + count] = rates[files[i].type][files[i].socket][count] * (now / SECOND);
            count++;
        }
    words[0] = count;
    words[1] = words[2] = now;
    ck_assert_uint_eq(size, (3 + count) * sizeof *words);
    return (ssize_t)size;
}

static void fake_close(int file)
{
    (void)file;
}

static const struct perf_calls fake = {.open = fake_open, .read = fake_read, .close = fake_close};

/* --- The machine --- */

static void put_box(const char *device, int type, const char *cpus, const char *second_format)
{
    char path[128];
    snprintf(path, sizeof path, SYSFS_DEVICES "/%s/type", device);
    sysroot_put(path, "%d\n", type);
    snprintf(path, sizeof path, SYSFS_DEVICES "/%s/cpumask", device);
    sysroot_put(path, "%s\n", cpus);
    snprintf(path, sizeof path, SYSFS_DEVICES "/%s/format/event", device);
    sysroot_put(path, "config:0-7\n");
    snprintf(path, sizeof path, SYSFS_DEVICES "/%s/format/%s", device, second_format);
    sysroot_put(path, "config:8-15\n");
}

static void put_memory_event(const char *device, const char *event, const char *terms)
{
    char path[128];
    snprintf(path, sizeof path, SYSFS_DEVICES "/%s/events/%s", device, event);
    sysroot_put(path, "%s\n", terms);
    snprintf(path, sizeof path, SYSFS_DEVICES "/%s/events/%s.scale", device, event);
    sysroot_put(path, "6.103515625e-5\n");
    snprintf(path, sizeof path, SYSFS_DEVICES "/%s/events/%s.unit", device, event);
    sysroot_put(path, "MiB\n");
}

static void put_skylake(void)
{
    put_box("uncore_imc_0", MEMORY, "0,1", "umask");
    put_memory_event("uncore_imc_0", "cas_count_read", "event=0x04,umask=0x03");
    put_memory_event("uncore_imc_0", "cas_count_write", "event=0x04,umask=0x0c");
    put_box("uncore_imc_1", MEMORY + 1, "0,1", "umask");
    put_memory_event("uncore_imc_1", "cas_count_read", "event=0x04,umask=0x03");
    put_memory_event("uncore_imc_1", "cas_count_write", "event=0x04,umask=0x0c");
    put_box("uncore_upi_0", LINK, "0,1", "umask");
    put_box("uncore_upi_1", LINK + 1, "0,1", "umask");
}

static void put_zen4(void)
{
    put_box("amd_umc_0", MEMORY, "0", "rdwrmask");
    put_box("amd_umc_1", MEMORY + 1, "1", "rdwrmask");
}

static void put_cache(uint32_t id, uint64_t total, uint64_t local)
{
    char path[96];
    snprintf(path, sizeof path, "/sys/fs/resctrl/mon_data/mon_L3_%02u/mbm_total_bytes", id);
    sysroot_put(path, "%" PRIu64 "\n", total);
    snprintf(path, sizeof path, "/sys/fs/resctrl/mon_data/mon_L3_%02u/mbm_local_bytes", id);
    sysroot_put(path, "%" PRIu64 "\n", local);
}

/* A cache for each socket of `cpus` CPUs. */
static void put_ids(int sockets, int cpus)
{
    char path[96];
    for (int cpu = 0; cpu < sockets * cpus; cpu++) {
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/cache/index3/id", cpu);
        sysroot_put(path, "%d\n", cpu / cpus);
    }
}

static void start(void)
{
    sysroot_start();
    fixture_start();
    fixture_clock(now = 1000 * SECOND);
}

static void stop(void)
{
    bandwidth_sensor_free(sensor);
    resctrl_free(resctrl);
    live_free(live);
    pmu_free(pmu);
    pipeline_stop(&pipeline);
    figures_free(figures);
    fixture_clock(0);
    fixture_stop();
    sysroot_stop();
}

static void have(const char *machine, double capacity)
{
    static struct pmu_group groups[BOXES_GROUPS];
    figures = figures_new();
    pipeline_start(&pipeline, machine, fill_figures, figures);
    pmu = pmu_new(pipeline.topology, groups, boxes_find(sysroot, groups), &fake);
    resctrl = resctrl_new(sysroot, pipeline.topology);
    live = live_new(4, 4);
    const struct bandwidth_sources sources = {pipeline.topology, pmu, resctrl, live, capacity};
    sensor = bandwidth_sensor_new(figures, &sources);
    ck_assert_ptr_nonnull(sensor);
    pipeline_collect(&pipeline, figures_families(figures));
}

static void second_goes(void)
{
    fixture_clock(now += SECOND);
    for (uint32_t socket = 0; socket < topology_sockets(pipeline.topology); socket++)
        pmu_collect(pmu, socket);
    bandwidth_sensor_read(sensor);
    pipeline_collect(&pipeline, NULL);
}

static void seconds_go(int seconds)
{
    while (seconds-- > 0)
        second_goes();
}

static void expect(const char *series, double value)
{
    double is = shown_value(pipeline.store, series);
    if (isnan(value))
        ck_assert_msg(isnan(is), "%s is %g", series, is);
    else
        ck_assert_msg(fabs(is - value) <= 1e-6 * fabs(value), "%s is %g", series, is);
}

/* --- By boxes --- */

START_TEST(skylake_with_two_sockets)
{
    put_skylake();
    have(TWO_NODES, 0);
    rates[MEMORY][0][0] = 1000000; /* commands of 64 bytes */
    rates[MEMORY + 1][0][0] = 500000;
    rates[MEMORY][0][1] = 1000;
    rates[MEMORY][1][0] = rates[MEMORY][1][1] = 7;
    rates[LINK][0][0] = 9000000; /* received */
    rates[LINK + 1][0][1] = 900000;
    rates[LINK][1][0] = 900000;
    rates[LINK][1][1] = 9000000;
    seconds_go(5);
    expect(NODE("read", "0", "pmu"), 1500000 * 64);
    expect(NODE("write", "0", "pmu"), 1000 * 64);
    expect(NODE("read", "1", "pmu"), 7 * 64);
    expect(CROSS("read"), 9900000 / 9.0 * 64 / 1e9);
    expect(CROSS("write"), 9900000 / 9.0 * 64 / 1e9);
    expect(CROSS("any"), NAN);
    expect(BUSY, NAN); /* nobody has said what they can carry */
    ck_assert(isnan(live_get(live, LIVE_LINKS_BUSY, 0)));
}
END_TEST

START_TEST(zen4_with_two_sockets)
{
    put_zen4();
    have(TWO_NODES, 40);
    rates[MEMORY][0][0] = 1000;
    rates[MEMORY][0][1] = 100;
    rates[MEMORY + 1][1][0] = 10;
    rates[MEMORY + 1][1][1] = 1;
    seconds_go(5);
    expect(NODE("read", "0", "pmu"), 64000);
    expect(NODE("write", "0", "pmu"), 6400);
    expect(NODE("read", "1", "pmu"), 640);
    expect(NODE("write", "1", "pmu"), 64);
    expect(CROSS("read"), NAN);
    expect(BUSY, NAN);
}
END_TEST

/* By its busier direction, of the busiest socket. */
START_TEST(links_by_what_they_can_carry)
{
    put_skylake();
    have(TWO_NODES, 2);
    rates[LINK][0][0] = rates[LINK][0][1] = rates[LINK][1][0] = 9000;
    rates[LINK][1][1] = 225000000; /* 1.6e9 bytes */
    seconds_go(5);
    expect(BUSY, 0.8);
    ck_assert_double_eq_tol(live_get(live, LIVE_LINKS_BUSY, 0), 0.8, 1e-6);
}
END_TEST

/* The others would say too little. */
START_TEST(one_box_is_refused)
{
    put_skylake();
    refused[MEMORY + 1] = EBUSY;
    refused[LINK] = EACCES;
    rates[MEMORY][0][0] = rates[LINK + 1][0][0] = rates[LINK + 1][1][0] = 1000;
    have(TWO_NODES, 2);
    seconds_go(5);
    expect(NODE("read", "0", "pmu"), NAN);
    expect(CROSS("read"), NAN);
    expect(BUSY, NAN);
    refused[MEMORY + 1] = 0;
    rates[MEMORY + 1][0][0] = 1000;
    seconds_go(8);
    expect(NODE("read", "0", "pmu"), 2000 * 64);
}
END_TEST

START_TEST(socket_with_several_nodes)
{
    put_skylake();
    rates[MEMORY][0][0] = 1000;
    have(TWO_NODES_OF_A_SOCKET, 2);
    seconds_go(5);
    expect(NODE("read", "0", "pmu"), NAN);
    expect(NODE("read", "1", "pmu"), NAN);
}
END_TEST

START_TEST(collector_hangs)
{
    put_skylake();
    rates[MEMORY][0][0] = 1000;
    have(TWO_NODES, 0);
    seconds_go(5);
    expect(NODE("read", "0", "pmu"), 64000);
    for (int i = 0; i < 10; i++) {
        fixture_clock(now += SECOND);
        bandwidth_sensor_read(sensor);
    }
    pipeline_collect(&pipeline, NULL);
    expect(NODE("read", "0", "pmu"), NAN);
}
END_TEST

/* --- By caches --- */

/* With rates of each socket, a second. */
static void caches_move(int sockets, const uint64_t total[], const uint64_t local[])
{
    for (int seconds = 0; seconds < 5; seconds++) {
        for (int i = 0; i < sockets; i++)
            put_cache((uint32_t)i, total[i] * (now / SECOND), local[i] * (now / SECOND));
        second_goes();
    }
}

START_TEST(caches_of_two_sockets)
{
    static const uint64_t total[] = {3000000000, 500}, local[] = {1000000000, 400};
    put_ids(2, 1);
    have(TWO_NODES, 4);
    caches_move(2, total, local);
    expect(NODE("any", "0", "resctrl"), 1000000000 + 100);
    expect(NODE("any", "1", "resctrl"), 400 + 2000000000);
    expect(CROSS("any"), 2.0000001);
    expect(CROSS("read"), NAN);
    expect(BUSY, 0.5);
    expect("engram_hardware_event_available{event=\"memory_bytes\",source=\"resctrl\"}", 1);
    ck_assert(!isnan(shown_value(
        pipeline.store,
        "engram_hardware_events_total{event=\"local_memory_bytes\",source=\"resctrl\"}")));
}
END_TEST

START_TEST(cache_of_one_socket)
{
    static const uint64_t total[] = {5000}, local[] = {5000};
    put_ids(1, 2);
    have(ONE_SOCKET, 4);
    caches_move(1, total, local);
    expect(NODE("any", "0", "resctrl"), 5000);
    expect(CROSS("any"), NAN);
    expect(BUSY, NAN);
}
END_TEST

START_TEST(caches_say_nothing)
{
    static const uint64_t total[] = {3000, 500}, local[] = {1000, 400};
    put_ids(2, 1);
    have(TWO_NODES, 0);
    caches_move(2, total, local);
    sysroot_put("/sys/fs/resctrl/mon_data/mon_L3_01/mbm_local_bytes", "Unavailable\n");
    second_goes();
    expect(NODE("any", "0", "resctrl"), NAN);
    expect(CROSS("any"), NAN);
    expect("engram_hardware_event_available{event=\"local_memory_bytes\",reason=\"unavailable\","
           "source=\"resctrl\"}",
           0);
    expect("engram_hardware_event_available{event=\"memory_bytes\",source=\"resctrl\"}", 1);
}
END_TEST

/* --- Both --- */

START_TEST(boxes_go_before_caches)
{
    static const uint64_t total[] = {3000, 500}, local[] = {1000, 400};
    put_skylake();
    put_box("uncore_imc_0", MEMORY, "0", "umask"); /* the other node's are not there */
    put_box("uncore_imc_1", MEMORY + 1, "0", "umask");
    put_ids(2, 1);
    rates[MEMORY][0][0] = 1000;
    for (int socket = 0; socket < 2; socket++)
        rates[LINK][socket][0] = rates[LINK][socket][1] = 9000;
    have(TWO_NODES, 0);
    caches_move(2, total, local);
    expect(NODE("read", "0", "pmu"), 64000);
    expect(NODE("any", "0", "resctrl"), NAN);
    expect(NODE("any", "1", "resctrl"), 400 + 2000);
    expect(CROSS("read"), 2 * 64000 / 1e9);
    expect(CROSS("any"), NAN);
}
END_TEST

Suite *bandwidth_suite(void)
{
    Suite *suite = suite_create("bandwidth");
    TCase *tests = tcase_create("bandwidth");
    tcase_add_checked_fixture(tests, start, stop);
    tcase_add_test(tests, skylake_with_two_sockets);
    tcase_add_test(tests, zen4_with_two_sockets);
    tcase_add_test(tests, links_by_what_they_can_carry);
    tcase_add_test(tests, one_box_is_refused);
    tcase_add_test(tests, socket_with_several_nodes);
    tcase_add_test(tests, collector_hangs);
    tcase_add_test(tests, caches_of_two_sockets);
    tcase_add_test(tests, cache_of_one_socket);
    tcase_add_test(tests, caches_say_nothing);
    tcase_add_test(tests, boxes_go_before_caches);
    suite_add_tcase(suite, tests);
    return suite;
}
