/* SPDX-License-Identifier: MIT */
/* Memory nodes of machines that are made up: what they have, how they compare, and what is made of
 * it. */
#include "fixture.h"
#include "suites.h"
#include "sysroot.h"

#include "daemon/health/numa_check.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define SECOND UINT64_C(1000000000)
#define MANY 20

static struct figures *figures;
static struct numa *numa;
static struct numa_sensor *sensor;
static struct live *live;
static uint64_t now;

static void start(void)
{
    sysroot_start();
    figures = figures_new();
    fixture_clock(now = 1000 * SECOND);
}

static void stop(void)
{
    numa_sensor_free(sensor);
    numa_free(numa);
    live_free(live);
    figures_free(figures);
    fixture_clock(0);
    sysroot_stop();
}

static void have_nodes(uint32_t nodes)
{
    live = live_new(1, nodes);
    numa = numa_new(sysroot, nodes);
    sensor = numa_sensor_new(figures, numa, live);
    ck_assert_ptr_nonnull(sensor);
}

/* Of 1,000,000 kB; half of what is available is free, the rest files and slabs. */
static void put_memory(uint32_t node, uint32_t available)
{
    char path[64];
    snprintf(path, sizeof path, "/sys/devices/system/node/node%u/meminfo", node);
    sysroot_put(path,
                "Node %u MemTotal: 1000000 kB\nNode %u MemFree: %u kB\nNode %u MemUsed: %u kB\n"
                "Node %u Active(file): %u kB\nNode %u Inactive(file): 0 kB\n"
                "Node %u FilePages: 300 kB\nNode %u AnonPages: 200 kB\nNode %u Slab: 100 kB\n"
                "Node %u SReclaimable: %u kB\n",
                node, node, available / 2, node, 1000000 - available / 2, node, available / 4, node,
                node, node, node, node, available - available / 2 - available / 4);
}

static void put_pages(uint32_t node, unsigned local, unsigned other)
{
    char path[64];
    snprintf(path, sizeof path, "/sys/devices/system/node/node%u/numastat", node);
    sysroot_put(path, "numa_hit 1\nlocal_node %u\nother_node %u\n", local, other);
}

static const struct numa_view *look(void)
{
    fixture_clock(now += SECOND);
    numa_sensor_read(sensor);
    return numa_sensor_view(sensor);
}

static struct finding found(void)
{
    look();
    return numa_check_look(sensor);
}

START_TEST(node_is_read)
{
    struct numa_node node;
    have_nodes(1);
    put_memory(0, 400000);
    put_pages(0, 7, 8);
    numa_read(numa, 0, &node);
    static const uint64_t expected[NUMA_FIELDS] = {1024000000, 204800000, 819200000, 307200, 204800,
                                                   102400,     409600000, 7,         8};
    for (int i = 0; i < NUMA_FIELDS; i++) {
        ck_assert(node.known[i]);
        ck_assert_uint_eq(node.values[i], expected[i]);
    }
}
END_TEST

START_TEST(node_without_memory_is_none)
{
    struct numa_node node;
    have_nodes(3);
    sysroot_put("/sys/devices/system/node/node0/meminfo", "Node 0 MemTotal: 0 kB\n");
    sysroot_put("/sys/devices/system/node/node1/meminfo", "nonsense\nNode 1 MemTotal: x kB\n");
    for (uint32_t i = 0; i < 3; i++) {
        numa_read(numa, i, &node);
        for (int field = 0; field < NUMA_FIELDS; field++)
            ck_assert(!node.known[field]);
    }
    ck_assert_str_eq(numa_reason(numa, 2), "not_found");
    ck_assert_int_eq(found().state, HEALTH_UNKNOWN);
}
END_TEST

START_TEST(one_node_has_nothing_to_compare)
{
    have_nodes(2); /* the other one has no memory */
    put_memory(0, 1000);
    put_pages(0, 0, 0);
    look();
    put_pages(0, 100, 100);
    const struct numa_view *view = look();
    ck_assert_uint_eq(view->nodes, 1);
    ck_assert(isnan(view->imbalance));
    ck_assert(isnan(view->remote[0]));
    struct finding finding = numa_check_look(sensor);
    ck_assert_int_eq(finding.state, HEALTH_HEALTHY);
    ck_assert(isnan(finding.value));
}
END_TEST

static const struct {
    uint32_t available[2]; /* kB of 1,000,000 */
    enum health_state state;
    double value;
} balances[] = {
    {{500000, 500000}, HEALTH_HEALTHY, 0},    {{500000, 101000}, HEALTH_HEALTHY, 0.399},
    {{500000, 100000}, HEALTH_DEGRADED, 0.4}, {{20000, 900000}, HEALTH_UNHEALTHY, 0.88},
    {{1000000, 1000000}, HEALTH_HEALTHY, 0},
};

START_TEST(nodes_that_are_filled_unevenly)
{
    have_nodes(2);
    for (uint32_t i = 0; i < 2; i++)
        put_memory(i, balances[_i].available[i]);
    struct finding finding = found();
    ck_assert_int_eq(finding.state, balances[_i].state);
    ck_assert_double_eq_tol(finding.value, balances[_i].value, 1e-9);
    ck_assert_double_eq_tol(live_get(live, LIVE_NODE_TAKEN, 1), 1 - balances[_i].available[1] / 1e6,
                            1e-9);
    put_memory(0, balances[_i].available[1]);
    ck_assert_int_eq(found().state, HEALTH_HEALTHY);
}
END_TEST

/* Of two nodes: what ran on node 0 and allocated on node 1, of all that it allocated. */
START_TEST(pages_from_elsewhere)
{
    have_nodes(2);
    put_memory(0, 500000);
    put_memory(1, 500000);
    put_pages(0, 1000, 0);
    put_pages(1, 1000, 1000);
    ck_assert(isnan(look()->remote[1]));
    put_pages(0, 4000, 0);
    put_pages(1, 1001, 2000);
    const struct numa_view *view = look();
    ck_assert_double_eq_tol(view->remote[1], 0.25, 1e-9);
    ck_assert(isnan(view->remote[0])); /* a page on node 1 is too little to tell */
    struct finding finding = numa_check_look(sensor);
    ck_assert_int_eq(finding.state, HEALTH_DEGRADED);
    ck_assert_ptr_nonnull(strstr(finding.reason, "node 1"));
    for (int seconds = 0; seconds < 12; seconds++)
        look();
    ck_assert(isnan(numa_sensor_view(sensor)->remote[1])); /* nothing happened in the window */
    ck_assert_int_eq(numa_check_look(sensor).state, HEALTH_HEALTHY);
}
END_TEST

/* All of next to nothing is no reason for alarm. */
START_TEST(idle_machine_is_not_unhealthy)
{
    have_nodes(2);
    for (uint32_t i = 0; i < 2; i++)
        put_memory(i, 500000);
    put_pages(0, 1000, 0);
    put_pages(1, 1000, 1000);
    look();
    put_pages(1, 1000, 1001);
    ck_assert_int_eq(found().state, HEALTH_HEALTHY);
    ck_assert(isnan(numa_sensor_view(sensor)->remote[1]));
}
END_TEST

static const struct {
    double busy;
    enum health_state state;
} loads[] = {{0.79, HEALTH_HEALTHY}, {0.8, HEALTH_DEGRADED}, {0.95, HEALTH_UNHEALTHY}};

START_TEST(links_that_are_busy)
{
    have_nodes(2);
    for (uint32_t i = 0; i < 2; i++)
        put_memory(i, 500000);
    ck_assert(isnan(look()->links)); /* nobody knows what they can carry */
    ck_assert_int_eq(numa_check_look(sensor).state, HEALTH_HEALTHY);
    live_set(live, LIVE_LINKS_BUSY, 0, loads[_i].busy);
    struct finding finding = found();
    ck_assert_int_eq(finding.state, loads[_i].state);
    ck_assert(finding.state == HEALTH_HEALTHY || strstr(finding.reason, "links"));
}
END_TEST

/* Of more than two it is not known from where. */
START_TEST(pages_of_three_nodes)
{
    have_nodes(3);
    for (int second = 0; second < 2; second++) {
        for (uint32_t i = 0; i < 3; i++) {
            put_memory(i, 500000);
            put_pages(i, 1000u * (unsigned)second, i == 2 ? 3000u * (unsigned)second : 0);
        }
        look();
    }
    ck_assert_double_eq_tol(numa_sensor_view(sensor)->remote[2], 0.75, 1e-9);
    ck_assert_int_eq(numa_check_look(sensor).state, HEALTH_UNHEALTHY);
}
END_TEST

START_TEST(many_nodes_have_their_turns)
{
    have_nodes(MANY);
    for (uint32_t i = 0; i < MANY; i++)
        put_memory(i, 500000);
    ck_assert_uint_eq(look()->nodes, 8);
    look();
    ck_assert_uint_eq(look()->nodes, MANY);
}
END_TEST

Suite *numa_suite(void)
{
    Suite *suite = suite_create("numa");
    TCase *tests = tcase_create("numa");
    tcase_add_checked_fixture(tests, start, stop);
    tcase_add_test(tests, node_is_read);
    tcase_add_test(tests, node_without_memory_is_none);
    tcase_add_test(tests, one_node_has_nothing_to_compare);
    tcase_add_loop_test(tests, nodes_that_are_filled_unevenly, 0,
                        sizeof balances / sizeof balances[0]);
    tcase_add_test(tests, pages_from_elsewhere);
    tcase_add_test(tests, idle_machine_is_not_unhealthy);
    tcase_add_loop_test(tests, links_that_are_busy, 0, sizeof loads / sizeof loads[0]);
    tcase_add_test(tests, pages_of_three_nodes);
    tcase_add_test(tests, many_nodes_have_their_turns);
    suite_add_tcase(suite, tests);
    return suite;
}
