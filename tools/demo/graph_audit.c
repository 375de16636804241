/* SPDX-License-Identifier: MIT */
#include "graph_audit.h"
#include "graph_internal.h"

#include <math.h>
#include <string.h>

#define PROBE_EF 24

static bool is_in_layer(const struct graph *graph, uint32_t id, int layer)
{
    return id < graph->capacity && graph->nodes[id].level >= layer;
}

static uint32_t count_of(const struct graph_list *list, uint32_t id)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < list->count && i < GRAPH_MAX_DEGREE; i++)
        count += list->ids[i] == id;
    return count;
}

static void audit_list(struct graph_audit *audit, const struct graph *graph, uint32_t id, int layer)
{
    const struct graph_list *list = &graph->lists[layer][id];
    bool over = list->count > degree_limit(layer);

    audit->found[GRAPH_OVER_DEGREE] += over;
    for (uint32_t i = 0; i < list->count && i < GRAPH_MAX_DEGREE; i++) {
        uint32_t other = list->ids[i];
        if (!is_in_layer(graph, other, layer))
            audit->found[GRAPH_DANGLING]++;
        else if (other == id || count_of(list, other) > 1)
            audit->found[GRAPH_DUPLICATE]++;
        else
            audit->found[GRAPH_ASYMMETRIC] += count_of(&graph->lists[layer][other], id) == 0;
    }
}

bool graph_audit_step(struct graph_audit *audit, const struct graph *graph, uint32_t nodes)
{
    for (; nodes > 0 && audit->next < graph->capacity; audit->next++) {
        int level = graph->nodes[audit->next].level;
        for (int layer = 0; layer <= level; layer++)
            audit_list(audit, graph, audit->next, layer);
        audit->nodes += level != LEVEL_ABSENT;
        nodes -= level != LEVEL_ABSENT;
    }
    if (audit->next < graph->capacity)
        return false;
    audit->next = 0;
    memcpy(audit->last, audit->found, sizeof audit->last);
    memset(audit->found, 0, sizeof audit->found);
    return true;
}

double graph_audit_probe(const struct graph *graph, struct graph_scratch *scratch, uint32_t probes)
{
    struct graph_stats stats = {.distances = 0};
    struct graph_hit hit;
    uint32_t tried = 0, found = 0;

    for (uint32_t step = 0; step < 64 * probes && tried < probes; step++) {
        uint32_t id = rng_below(&scratch->rng, graph->capacity);
        if (!graph_contains(graph, id))
            continue;
        tried++;
        found +=
            graph_search(graph, scratch, graph_vector(graph, id), PROBE_EF, 1, &hit, &stats) > 0 &&
            hit.id == id;
    }
    return tried ? (double)found / tried : NAN;
}
