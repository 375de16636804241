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

static void gather_cpus(const struct gathering *g)
{
    const struct sources *sources = &g->of[ENGRAM_PER_CPU];
    for (uint32_t cpu = 0; cpu < g->reader->header.cpus; cpu++)
        if (gathers_cpu(g, cpu))
            sum_cpu(g->reader, cpu, sources->all, sources->count,
                    g->nodes[topology_node_of_cpu(g->topology, cpu)]);
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
    gather_cpus(g);
    gather_nodes(g);
    if (g->host)
        sum_single(g->reader, single->all, single->count, g->host);
}
