/* SPDX-License-Identifier: MIT */
/* Consolidation, memory pressure and inspection. */
#include "engine_internal.h"

#include "clock.h"

#include <string.h>

#define AUDIT_PROBES 64

const char *engine_status_name(enum engine_status status)
{
    static const char *const names[ENGINE_STATUSES] = {"success", "miss", "out_of_memory"};

    return names[status];
}

const char *cue_type_name(enum cue_type type)
{
    static const char *const names[CUE_TYPES] = {"embedding", "semantic", "context"};

    return names[type];
}

const char *backpressure_name(enum backpressure backpressure)
{
    static const char *const names[BACKPRESSURE_KINDS] = {"none", "adaptive_resize"};

    return names[backpressure];
}

const char *pool_kind_name(enum pool_kind kind)
{
    static const char *const names[POOL_KINDS] = {"episode_arena", "vector_arena"};

    return names[kind];
}

const char *pool_action_name(enum pool_action action)
{
    static const char *const names[POOL_ACTIONS] = {"pool_shrink", "pool_grow"};

    return names[action];
}

void engine_consolidate(struct engine_worker *worker, uint32_t budget,
                        struct consolidation_result *result)
{
    struct engine *engine = worker->engine;

    memset(&result->cost, 0, sizeof(result->cost));
    result->count = 0;
    if (budget > ENGINE_TRANSITIONS)
        budget = ENGINE_TRANSITIONS;
    lock_exclusive(engine, &result->cost);
    while (result->count < budget &&
           consolidation_step(&engine->memory, &result->transitions[result->count]))
        result->count++;
    unlock(engine);
}

static void empty_last_slots(struct engine *engine, uint32_t slots, struct adapt_result *result)
{
    const struct pool *vectors = &engine->pools[POOL_VECTORS];
    uint32_t first = slots < vectors->limit ? vectors->limit - slots : 0;

    for (uint32_t node = first; node < vectors->limit; node++) {
        if (pool_is_free(vectors, node))
            continue;
        engine_forget(engine, engine->owners[node]);
        result->forgotten++;
    }
}

void engine_adapt(struct engine_worker *worker, enum pool_action action, uint32_t slots,
                  struct adapt_result *result)
{
    struct engine *engine = worker->engine;
    uint64_t start_ns = clock_now_ns();

    memset(result, 0, sizeof(*result));
    result->action = action;
    lock_exclusive(engine, &result->cost);
    /*
     * An episode takes a slot of each pool at the same time and gives both back at the same time,
     * so that the last slots of both are empty together.
     */
    if (action == POOL_SHRINK)
        empty_last_slots(engine, slots, result);
    for (int kind = 0; kind < POOL_KINDS; kind++)
        result->slots = action == POOL_SHRINK ? pool_shrink(&engine->pools[kind], slots)
                                              : pool_grow(&engine->pools[kind], slots);
    unlock(engine);
    result->duration_ns = clock_now_ns() - start_ns;
}

static void read_cls(struct engine *engine, struct cls_weights *weights)
{
    pthread_mutex_lock(&engine->cls_lock);
    for (int state = 0; state < MEMORY_STATES; state++) {
        const struct cls_tally *tally = &engine->cls[state];
        weights[state] = (struct cls_weights){.recalls = tally->total};
        if (tally->total == 0)
            continue;
        weights[state].hippocampal = tally->hippocampal / tally->recalls;
        weights[state].neocortical = 1.0 - weights[state].hippocampal;
    }
    pthread_mutex_unlock(&engine->cls_lock);
}

void engine_inspect(struct engine *engine, struct engine_info *info)
{
    graph_lock_shared(engine->graph);
    for (int kind = 0; kind < POOL_KINDS; kind++)
        info->pools[kind] = pool_measure(&engine->pools[kind]);
    for (int state = 0; state < MEMORY_STATES; state++)
        info->states[state] = engine->memory.queues[state].count;
    info->schemas = engine->memory.schema_count;
    info->episodes = graph_size(engine->graph);
    info->edge_compression = graph_edge_compression(engine->graph);
    info->index_bytes = graph_memory_bytes(engine->graph);
    graph_unlock(engine->graph);
    info->work_in_flight = atomic_load_explicit(&engine->work_in_flight, memory_order_relaxed);
    read_cls(engine, info->cls);
}

bool engine_audit(struct engine_worker *worker, struct graph_audit *audit, uint32_t nodes,
                  double *recall)
{
    struct graph *graph = worker->engine->graph;

    graph_lock_shared(graph);
    bool ended = graph_audit_step(audit, graph, nodes);
    *recall = graph_audit_probe(graph, &worker->search, AUDIT_PROBES);
    graph_unlock(graph);
    return ended;
}
