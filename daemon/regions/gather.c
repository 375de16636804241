/* SPDX-License-Identifier: MIT */
#include "daemon/regions/gather.h"

bool gathers_cpu(const struct gathering *g, uint32_t cpu)
{
    return g->socket == ANY_SOCKET || topology_socket_of_cpu(g->topology, cpu) == g->socket;
}

bool gathers_node(const struct gathering *g, uint32_t node)
{
    return g->socket == ANY_SOCKET || topology_socket_of_node(g->topology, node) == g->socket;
}

/* All CPUs of a node, as many at a time as can be. */
static void gather_cpus(const struct gathering *g, uint32_t node)
{
    const struct sources *sources = &g->of[ENGRAM_PER_CPU];
    uint32_t cpus[SUM_CPUS], count = 0, end = g->reader->header.cpus;
    for (uint32_t cpu = 0; cpu < end; cpu++) {
        if (topology_node_of_cpu(g->topology, cpu) == node)
            cpus[count++] = cpu;
        if (count < SUM_CPUS && cpu + 1 < end)
            continue;
        sum_cpus(g->reader, cpus, count, sources->all, sources->count, g->nodes[node]);
        count = 0;
    }
}

static void gather_nodes(const struct gathering *g)
{
    const struct sources *plain = &g->of[ENGRAM_PER_CPU], *shared = &g->of[ENGRAM_SHARED];
    for (uint32_t node = 0; node < g->reader->header.nodes; node++) {
        if (!gathers_node(g, node))
            continue;
        union word *row = g->nodes[topology_shown_node(g->topology, node)];
        sum_node(g->reader, node, plain->all, plain->count, row);
        sum_node(g->reader, node, shared->all, shared->count, row);
    }
}

void gather(const struct gathering *g)
{
    const struct sources *single = &g->of[ENGRAM_SINGLE];
    for (uint32_t node = 0; node < topology_nodes(g->topology); node++)
        if (g->nodes[node])
            gather_cpus(g, node);
    gather_nodes(g);
    if (g->host)
        sum_single(g->reader, single->all, single->count, g->host);
}
