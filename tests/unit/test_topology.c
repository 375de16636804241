/* SPDX-License-Identifier: MIT */
/* Machines from hwloc's descriptions, and from a /sys of the test's own. */
#define _GNU_SOURCE
#include "fixture.h"
#include "suites.h"

#include "daemon/collect/collector.h"
#include "daemon/machine/topology.h"

#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct topology *topology;

static void load(const char *machine)
{
    setenv("HWLOC_SYNTHETIC", machine, 1);
    topology = topology_load("/");
    ck_assert_ptr_nonnull(topology);
}

static void unload(void)
{
    topology_free(topology);
    unsetenv("HWLOC_SYNTHETIC");
}

/* "socket/node" of each CPU from 0 on. */
static const char *places(uint32_t cpus)
{
    static char text[256];
    text[0] = 0;
    for (uint32_t cpu = 0; cpu < cpus; cpu++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%u/%u ",
                 topology_socket_of_cpu(topology, cpu), topology_node_of_cpu(topology, cpu));
    return text;
}

START_TEST(two_packages)
{
    load("package:2 numanode:1 core:2 pu:2");
    ck_assert_uint_eq(topology_sockets(topology), 2);
    ck_assert_uint_eq(topology_nodes(topology), 2);
    /* And a CPU that it has not. */
    ck_assert_str_eq(places(9), "0/0 0/0 0/0 0/0 1/1 1/1 1/1 1/1 0/0 ");
    ck_assert_uint_eq(topology_socket_of_node(topology, 1), 1);
    ck_assert(!topology_node_has_cpus(topology, 2));
    unload();
}
END_TEST

START_TEST(several_nodes_in_a_package)
{
    load("package:2 numanode:2 core:1 pu:1");
    ck_assert_uint_eq(topology_nodes(topology), 4);
    ck_assert_str_eq(places(4), "0/0 0/1 1/2 1/3 ");
    unload();
}
END_TEST

/* As most virtual machines are: a row of values has one writer. */
START_TEST(packages_that_share_a_node)
{
    load("numanode:1 package:2 core:1 pu:1");
    ck_assert_uint_eq(topology_sockets(topology), 2);
    ck_assert_uint_eq(topology_nodes(topology), 1);
    ck_assert_str_eq(places(2), "0/0 0/0 ");
    unload();
}
END_TEST

START_TEST(machine_without_packages)
{
    load("core:2 pu:1");
    ck_assert_uint_eq(topology_sockets(topology), 1);
    ck_assert_str_eq(places(2), "0/0 0/0 ");
    ck_assert(topology_bind(topology, 0));
    unload();
}
END_TEST

START_TEST(cpu_numbers_with_gaps)
{
    load("package:2 numanode:1 core:1 pu:1(indexes=1,5)");
    ck_assert_str_eq(places(7), "0/0 0/0 0/0 0/0 0/0 1/1 0/0 ");
    unload();
}
END_TEST

/* Two kinds of memory near the same CPUs: the second node of a package has none of its own. */
START_TEST(node_without_cpus)
{
    load("package:2 [numa] [numa] core:1 pu:1");
    ck_assert_uint_eq(topology_nodes(topology), 4);
    ck_assert_str_eq(places(2), "0/0 1/2 ");
    ck_assert(!topology_node_has_cpus(topology, 1));
    ck_assert_uint_eq(topology_shown_node(topology, 1), 0);
    ck_assert_uint_eq(topology_socket_of_node(topology, 1), 0);
    ck_assert_uint_eq(topology_shown_node(topology, 2), 2);
    unload();
}
END_TEST

START_TEST(first_node_without_cpus)
{
    load("package:2 [numa(indexes=3,1)] core:1 pu:1(indexes=0,2)");
    ck_assert_uint_eq(topology_nodes(topology), 4);
    ck_assert_str_eq(places(4), "0/3 1/1 1/1 1/1 "); /* the home of what is unknown is node 1 */
    ck_assert_uint_eq(topology_shown_node(topology, 0), 1);
    ck_assert_uint_eq(topology_socket_of_node(topology, 0), 1);
    unload();
}
END_TEST

/* Whatever the machine, each value that a region can hold is read once and by somebody. */
static const char *const machines[] = {
    "package:2 numanode:1 core:1 pu:1",
    "numanode:1 package:2 core:1 pu:1",
    "package:1 [numa(indexes=1)] core:1 pu:1",
    "package:2 [numa(indexes=3,1)] core:1 pu:1",
    "package:2 numanode:1 core:1 pu:1(indexes=1,0)",
    "package:2 [numa] [numa] core:1 pu:1",
    "core:2 pu:1",
};

START_TEST(every_machine_reads_all_values)
{
    static const struct computed_family *const none[] = {NULL};
    struct pipeline pipeline;
    uint64_t sum;
    fixture_start();
    pipeline_start(&pipeline, machines[_i], NULL, NULL);
    struct engram_region *region = fixture_process("p");
    engram_counter counter = engram_counter_new("c_total", "", NULL);
    for (uint32_t cpu = 0; cpu < region->cpus; cpu++)
        fixture_add(counter, cpu, 11 + cpu);
    for (uint32_t node = 0; node < region->nodes; node++)
        __atomic_fetch_add(engram_node_slot(region, node, fixture_slot(counter.at)), 1,
                           __ATOMIC_RELAXED);
    sum = region->nodes;
    for (uint32_t cpu = 0; cpu < region->cpus; cpu++)
        sum += 11 + cpu;
    pipeline_collect(&pipeline, none);
    double read = 0;
    for (const char *at = shown(pipeline.store, "c_total{"); *at; at = strchr(at, '\n') + 1)
        read += strtod(strchr(at, ' '), NULL);
    ck_assert_double_eq(read, (double)sum);
    pipeline_stop(&pipeline);
    fixture_stop();
}
END_TEST

static char root[64];

/* Writes a line into a file below the root, and makes its folders. */
__attribute__((format(printf, 2, 3))) static void put(const char *line, const char *path, ...)
{
    char full[512];
    size_t length = (size_t)snprintf(full, sizeof full, "%s/sys/devices/system/", root);
    va_list arguments;
    va_start(arguments, path);
    vsnprintf(full + length, sizeof full - length, path, arguments);
    va_end(arguments);
    for (char *slash = full + strlen(root); (slash = strchr(slash + 1, '/')); *slash = '/') {
        *slash = 0;
        mkdir(full, 0755);
    }
    FILE *file = fopen(full, "w");
    ck_assert_ptr_nonnull(file);
    fprintf(file, "%s\n", line);
    fclose(file);
}

static void put_cpu(int cpu, const char *package, const char *siblings, const char *own)
{
    put(package, "cpu/cpu%d/topology/physical_package_id", cpu);
    put(siblings, "cpu/cpu%d/topology/package_cpus", cpu);
    put(own, "cpu/cpu%d/topology/core_cpus", cpu);
}

/* Four CPUs in two packages, of which CPU 1 is offline, and a node that is memory only. */
START_TEST(sysfs_below_another_root)
{
    unit_template(root);
    ck_assert_ptr_nonnull(mkdtemp(root));
    put("0,2-3", "cpu/online");
    put("0-3", "cpu/possible");
    put_cpu(0, "0", "1", "1");
    put_cpu(2, "1", "c", "4");
    put_cpu(3, "1", "c", "8");
    put("0", "cpu/cpu1/online");
    put("0-2", "node/online");
    put("3", "node/node0/cpumap");
    put("c", "node/node1/cpumap");
    put("0", "node/node2/cpumap");
    topology = topology_load(root);
    ck_assert_ptr_nonnull(topology);
    ck_assert_uint_eq(topology_sockets(topology), 2);
    ck_assert_uint_eq(topology_nodes(topology), 3);
    ck_assert_str_eq(places(4), "0/0 0/0 1/1 1/1 ");
    ck_assert(!topology_node_has_cpus(topology, 2));
    ck_assert_uint_eq(topology_shown_node(topology, 2), 0);
    topology_free(topology);
    remove_tree(root);
}
END_TEST

/* On the machine itself: a thread that is bound may run on its socket's CPUs and on no other. */
START_TEST(thread_is_pinned_to_its_socket)
{
    cpu_set_t before, after;
    topology = topology_load("/");
    ck_assert_int_eq(sched_getaffinity(0, sizeof before, &before), 0);
    ck_assert_msg(topology_bind(topology, 0), "a cpuset excludes socket 0");
    ck_assert_int_eq(sched_getaffinity(0, sizeof after, &after), 0);
    for (uint32_t cpu = 0; cpu < CPU_SETSIZE; cpu++)
        ck_assert(!CPU_ISSET(cpu, &after) || topology_socket_of_cpu(topology, cpu) == 0);
    ck_assert_int_gt(CPU_COUNT(&after), 0);
    sched_setaffinity(0, sizeof before, &before);
    topology_free(topology);
}
END_TEST

Suite *topology_suite(void)
{
    Suite *suite = suite_create("topology");
    TCase *tests = tcase_create("machines");
    tcase_add_test(tests, two_packages);
    tcase_add_test(tests, several_nodes_in_a_package);
    tcase_add_test(tests, packages_that_share_a_node);
    tcase_add_test(tests, machine_without_packages);
    tcase_add_test(tests, cpu_numbers_with_gaps);
    tcase_add_test(tests, node_without_cpus);
    tcase_add_test(tests, first_node_without_cpus);
    tcase_add_loop_test(tests, every_machine_reads_all_values, 0,
                        (int)(sizeof machines / sizeof machines[0]));
    tcase_add_test(tests, sysfs_below_another_root);
    tcase_add_test(tests, thread_is_pinned_to_its_socket);
    suite_add_tcase(suite, tests);
    return suite;
}
