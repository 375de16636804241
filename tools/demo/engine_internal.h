/* SPDX-License-Identifier: MIT */
/* Shared by the engine_*.c files. The graph's lock guards all of the store but the counters. */
#ifndef DEMO_ENGINE_INTERNAL_H
#define DEMO_ENGINE_INTERNAL_H

#include "engine.h"

#include <pthread.h>
#include <stdatomic.h>

struct cls_tally {
    double hippocampal;
    double recalls;
    uint64_t total;
};

struct engine {
    struct engine_config config;
    struct pool pools[POOL_KINDS];
    struct graph *graph;
    struct consolidation memory;
    uint32_t *owners; /* episode slot of each vector slot */
    uint64_t next_episode;
    /* On a line of its own: batches of all threads write to it. */
    _Alignas(64) atomic_uint work_in_flight;
    _Alignas(64) pthread_mutex_t cls_lock;
    struct cls_tally cls[MEMORY_STATES];
};

struct engine_worker {
    VECTOR_ALIGNED float buffer[VECTOR_DIM];
    struct engine *engine;
    struct graph_scratch search;
    struct spread_scratch spread;
    struct graph_plan plan;
    struct graph_hit hits[GRAPH_MAX_EF];
    struct cls_tally cls[MEMORY_STATES]; /* not yet added to the engine's */
    uint32_t cls_pending;
};

/* Recall below this cosine is a miss; a vector this near to a prototype belongs to its schema. */
#define ENGINE_SIMILAR 0.5f

static inline const struct episode *episode_of(const struct engine *engine, uint32_t node)
{
    return pool_slot(&engine->pools[POOL_EPISODES], engine->owners[node]);
}

static inline void lock_shared(struct engine *engine, struct engine_cost *cost)
{
    cost->lock_waits += graph_lock_shared(engine->graph);
}

static inline void lock_exclusive(struct engine *engine, struct engine_cost *cost)
{
    cost->lock_waits += graph_lock_exclusive(engine->graph);
}

static inline void unlock(struct engine *engine)
{
    graph_unlock(engine->graph);
}

/* Forgets the episode in that slot; needs the exclusive lock. */
void engine_forget(struct engine *engine, uint32_t episode_slot);

#endif
