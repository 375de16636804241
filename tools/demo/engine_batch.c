/* SPDX-License-Identifier: MIT */
/* Batches, and the work counter that bounds how much of them is in flight. */
#include "engine_internal.h"

#include <string.h>

#define BATCH_CHUNK 64
#define BATCH_SMALLEST 8

/*
 * Takes up to want units of work, half as many for each time that they do not fit. A smallest
 * chunk is always granted: the caller is about to do the work, and waiting would not make it less.
 * So each thread may exceed the limit by less than that.
 */
static uint32_t admit(struct engine *engine, uint32_t want, struct batch_result *result)
{
    unsigned int taken = atomic_load_explicit(&engine->work_in_flight, memory_order_relaxed);

    for (;;) {
        while (want > BATCH_SMALLEST && taken + want > engine->config.work_limit) {
            want /= 2;
            result->resizes++;
            result->backpressure = BACKPRESSURE_ADAPTIVE_RESIZE;
        }
        if (atomic_compare_exchange_strong_explicit(&engine->work_in_flight, &taken, taken + want,
                                                    memory_order_relaxed, memory_order_relaxed))
            return want;
        result->cost.cas_retries++;
    }
}

static void release(struct engine *engine, uint32_t units)
{
    atomic_fetch_sub_explicit(&engine->work_in_flight, units, memory_order_relaxed);
}

static void batch_begin(struct batch_result *result, uint32_t count)
{
    memset(result, 0, sizeof(*result));
    result->requested = count;
    result->smallest_chunk = count;
}

static uint32_t next_chunk(struct engine *engine, struct batch_result *result)
{
    uint32_t left = result->requested - result->completed;
    uint32_t chunk = admit(engine, left < BATCH_CHUNK ? left : BATCH_CHUNK, result);

    result->chunks++;
    if (chunk < result->smallest_chunk)
        result->smallest_chunk = chunk;
    return chunk;
}

static void add_cost(struct engine_cost *sum, const struct engine_cost *cost)
{
    for (int layer = 0; layer < GRAPH_LAYERS; layer++)
        sum->graph.hops[layer] += cost->graph.hops[layer];
    sum->graph.layer_transitions += cost->graph.layer_transitions;
    sum->graph.distances += cost->graph.distances;
    sum->graph.reads += cost->graph.reads;
    sum->graph.local_reads += cost->graph.local_reads;
    sum->graph.prefetches += cost->graph.prefetches;
    sum->lock_waits += cost->lock_waits;
    sum->cas_retries += cost->cas_retries;
}

void engine_batch_store(struct engine_worker *worker, const float *const *vectors, uint32_t count,
                        struct batch_result *result)
{
    struct store_result item;

    batch_begin(result, count);
    while (result->completed < count) {
        uint32_t chunk = next_chunk(worker->engine, result);
        for (uint32_t i = 0; i < chunk; i++) {
            engine_store(worker, vectors[result->completed], &item);
            result->completed++;
            result->forgotten += item.forgotten;
            result->recovery_ns += item.recovery_ns;
            add_cost(&result->cost, &item.cost);
            if (item.status != ENGINE_SUCCESS)
                result->status = item.status;
        }
        release(worker->engine, chunk);
    }
}

void engine_batch_recall(struct engine_worker *worker, const float *const *cues, uint32_t count,
                         struct recall_result *hits, struct batch_result *result)
{
    struct recall_result item;

    batch_begin(result, count);
    while (result->completed < count) {
        uint32_t chunk = next_chunk(worker->engine, result);
        for (uint32_t i = 0; i < chunk; i++) {
            struct recall_result *hit = hits ? &hits[result->completed] : &item;
            engine_recall(worker, cues[result->completed], CUE_EMBEDDING, GRAPH_NONE, hit);
            result->completed++;
            result->misses += hit->status == ENGINE_MISS;
            add_cost(&result->cost, &hit->cost);
        }
        release(worker->engine, chunk);
    }
}
