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

/* The copies whose values go to one row; read when there is no room for more, and in the end. */
struct row_copies {
    const struct gathering *of;
    uint32_t node;
    enum engram_placement placement;
    uint32_t count;
    struct copy copies[SUM_COPIES];
};

static void sum_row(struct row_copies *row)
{
    const struct gathering *g = row->of;
    const struct sources *sources = &g->of[row->placement];
    sum_copies(g->reader, row->copies, row->count, sources->all, sources->count,
               g->nodes[row->node]);
    row->count = 0;
}

static void add_copy(struct row_copies *row, bool of_cpu, uint32_t index)
{
    if (row->count == SUM_COPIES)
        sum_row(row);
    row->copies[row->count++] = (struct copy){of_cpu, index};
}

static void gather_row(const struct gathering *g, uint32_t node, enum engram_placement placement)
{
    const struct engram_region *h = &g->reader->header;
    struct row_copies row = {.of = g, .node = node, .placement = placement};
    if (g->of[placement].count == 0)
        return;
    for (uint32_t cpu = 0; placement == ENGRAM_PER_CPU && cpu < h->cpus; cpu++)
        if (topology_node_of_cpu(g->topology, cpu) == node)
            add_copy(&row, true, cpu);
    for (uint32_t from = 0; from < h->nodes; from++)
        if (topology_shown_node(g->topology, from) == node)
            add_copy(&row, false, from);
    sum_row(&row);
}

void gather(const struct gathering *g)
{
    const struct sources *single = &g->of[ENGRAM_SINGLE];
    for (uint32_t node = 0; node < topology_nodes(g->topology); node++)
        if (g->nodes[node]) {
            gather_row(g, node, ENGRAM_PER_CPU);
            gather_row(g, node, ENGRAM_SHARED);
        }
    if (g->host)
        sum_single(g->reader, single->all, single->count, g->host);
}
