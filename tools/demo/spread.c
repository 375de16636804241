/* SPDX-License-Identifier: MIT */
#include "spread.h"

/* Activates the silent neighbours of one node; returns the new number of active nodes. */
static uint32_t pass_on(const struct graph *graph, struct graph_scratch *visits,
                        struct spread_scratch *scratch, uint32_t from, uint32_t active,
                        const struct spread_params *params)
{
    const struct graph_list *list = graph_neighbours(graph, scratch->ids[from]);

    for (uint32_t i = 0; i < list->count && active < SPREAD_MAX_NODES; i++) {
        float passed = scratch->activation[from] * params->decay * list->similarities[i];
        if (passed < params->threshold || !graph_visit(visits, list->ids[i]))
            continue;
        scratch->ids[active] = list->ids[i];
        scratch->activation[active] = passed;
        active++;
    }
    return active;
}

void spread_activate(const struct graph *graph, struct graph_scratch *visits,
                     struct spread_scratch *scratch, uint32_t seed,
                     const struct spread_params *params, struct spread_result *result)
{
    uint32_t max_depth = params->max_depth;

    *result = (struct spread_result){0};
    if (!graph_contains(graph, seed))
        return;
    if (max_depth > SPREAD_MAX_DEPTH)
        max_depth = SPREAD_MAX_DEPTH;
    graph_visit_reset(visits, graph);
    graph_visit(visits, seed);
    scratch->ids[0] = seed;
    scratch->activation[0] = 1.0f;
    uint32_t active = 1;
    uint32_t next = 0;
    while (result->depth < max_depth) {
        uint32_t wave_end = active;
        for (; next < wave_end; next++)
            active = pass_on(graph, visits, scratch, next, active, params);
        if (active == wave_end)
            break;
        result->depth++;
    }
    result->activated = active;
    result->expanded = next;
    result->coverage = (double)active / graph_size(graph);
    result->branching_factor = next ? (double)(active - 1) / next : 0.0;
}
