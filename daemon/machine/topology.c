/* SPDX-License-Identifier: MIT */
#include "daemon/machine/topology_hwloc.h"

#include <engram/abi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where sockets share a node, the first one's collector reads all of it: a row has one writer. */
static void place_cpu(struct topology *topology, hwloc_obj_t pu)
{
    hwloc_obj_t package = hwloc_get_ancestor_obj_by_type(topology->hwloc, HWLOC_OBJ_PACKAGE, pu);
    int found = pu->nodeset ? hwloc_bitmap_first(pu->nodeset) : -1;
    uint32_t node = found < 0 || (uint32_t)found >= topology->nodes ? 0 : (uint32_t)found;
    topology->node_of_cpu[pu->os_index] = node;
    if (topology->socket_of_node[node] == UINT32_MAX)
        topology->socket_of_node[node] = package ? package->logical_index : 0;
}

/* CPUs that are offline or that hwloc does not name count to the home node. */
static void place_rest(struct topology *topology)
{
    while (topology->home + 1 < topology->nodes &&
           !topology_node_has_cpus(topology, topology->home))
        topology->home++;
    for (uint32_t cpu = 0; cpu < topology->cpus; cpu++)
        if (topology->node_of_cpu[cpu] == UINT32_MAX)
            topology->node_of_cpu[cpu] = topology->home;
}

/* The number that no index of a set reaches, at least 1. */
static uint32_t set_end(hwloc_const_bitmap_t set)
{
    int last = hwloc_bitmap_last(set);
    return last < 0 ? 1 : (uint32_t)last + 1;
}

static bool topology_read(struct topology *topology)
{
    int packages = hwloc_get_nbobjs_by_type(topology->hwloc, HWLOC_OBJ_PACKAGE);
    topology->sockets = packages < 1 ? 1 : (uint32_t)packages;
    topology->nodes = set_end(hwloc_topology_get_topology_nodeset(topology->hwloc));
    topology->cpus = set_end(hwloc_topology_get_topology_cpuset(topology->hwloc));
    topology->node_of_cpu = malloc(topology->cpus * sizeof *topology->node_of_cpu);
    topology->socket_of_node = malloc(topology->nodes * sizeof *topology->socket_of_node);
    if (!topology->node_of_cpu || !topology->socket_of_node)
        return false;
    memset(topology->node_of_cpu, 0xff, topology->cpus * sizeof *topology->node_of_cpu);
    memset(topology->socket_of_node, 0xff, topology->nodes * sizeof *topology->socket_of_node);
    hwloc_obj_t pu = NULL;
    while ((pu = hwloc_get_next_obj_by_type(topology->hwloc, HWLOC_OBJ_PU, pu)))
        place_cpu(topology, pu);
    place_rest(topology);
    return true;
}

/* The last number of a list such as "0-3,8-15", which hwloc does not tell; writers lay their
 * regions out by the same list. */
static uint32_t read_possible_cpus(const char *sysroot)
{
    char path[512];
    unsigned last = ENGRAM_CPUS_MAX - 1, number;
    snprintf(path, sizeof path, "%s/sys/devices/system/cpu/possible", sysroot);
    FILE *list = fopen(path, "re");
    while (list && fscanf(list, "%u%*[-,]", &number) == 1)
        last = number;
    if (list)
        fclose(list);
    return last < ENGRAM_CPUS_MAX ? last + 1 : ENGRAM_CPUS_MAX;
}

struct topology *topology_load(const char *sysroot)
{
    struct topology *topology = calloc(1, sizeof *topology);
    if (!topology)
        return NULL;
    topology->possible_cpus = read_possible_cpus(sysroot);
    topology->sysroot = strdup(sysroot);
    if (strcmp(sysroot, "/") != 0)
        setenv("HWLOC_FSROOT", sysroot, 1); /* hwloc has no call for it */
    if (topology->sysroot && hwloc_topology_init(&topology->hwloc) == 0 &&
        hwloc_topology_load(topology->hwloc) == 0 && topology_read(topology))
        return topology;
    topology_free(topology);
    return NULL;
}

void topology_free(struct topology *topology)
{
    if (topology->hwloc)
        hwloc_topology_destroy(topology->hwloc);
    free(topology->sysroot);
    free(topology->node_of_cpu);
    free(topology->socket_of_node);
    free(topology);
}

uint32_t topology_sockets(const struct topology *topology)
{
    return topology->sockets;
}

uint32_t topology_nodes(const struct topology *topology)
{
    return topology->nodes;
}

uint32_t topology_possible_cpus(const struct topology *topology)
{
    return topology->possible_cpus;
}

uint32_t topology_node_of_cpu(const struct topology *topology, uint32_t cpu)
{
    return cpu < topology->cpus ? topology->node_of_cpu[cpu] : topology->home;
}

bool topology_node_has_cpus(const struct topology *topology, uint32_t node)
{
    return node < topology->nodes && topology->socket_of_node[node] != UINT32_MAX;
}

uint32_t topology_shown_node(const struct topology *topology, uint32_t node)
{
    return topology_node_has_cpus(topology, node) ? node : topology->home;
}

uint32_t topology_socket_of_node(const struct topology *topology, uint32_t node)
{
    return topology->socket_of_node[topology_shown_node(topology, node)];
}

uint32_t topology_socket_of_cpu(const struct topology *topology, uint32_t cpu)
{
    return topology_socket_of_node(topology, topology_node_of_cpu(topology, cpu));
}

uint32_t topology_only_node(const struct topology *topology, uint32_t socket)
{
    uint32_t found = TOPOLOGY_NONE;
    for (uint32_t node = 0; node < topology->nodes; node++) {
        if (!topology_node_has_cpus(topology, node) || topology->socket_of_node[node] != socket)
            continue;
        if (found != TOPOLOGY_NONE)
            return TOPOLOGY_NONE;
        found = node;
    }
    return found;
}

bool topology_bind(const struct topology *topology, uint32_t socket)
{
    hwloc_obj_t package =
        hwloc_get_obj_by_type(topology->hwloc, HWLOC_OBJ_PACKAGE, (unsigned)socket);
    if (!package)
        return true; /* one socket that hwloc does not name: everywhere is right */
    /* First touch by a pinned thread is local already; this asks for no more than that. */
    hwloc_set_membind(topology->hwloc, package->nodeset, HWLOC_MEMBIND_FIRSTTOUCH,
                      HWLOC_MEMBIND_THREAD | HWLOC_MEMBIND_BYNODESET);
    return hwloc_set_cpubind(topology->hwloc, package->cpuset, HWLOC_CPUBIND_THREAD) == 0;
}
