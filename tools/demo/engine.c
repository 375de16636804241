/* SPDX-License-Identifier: MIT */
/* Life cycle, store and forget. */
#include "engine_internal.h"

#include "clock.h"

#include <stdlib.h>
#include <string.h>

/* Forgotten at once when the store is full: the work of making room is shared by as many stores. */
#define FORGET_BATCH 8

struct engine_config engine_defaults(void)
{
    return (struct engine_config){.capacity = 4096, .schemas = 512, .work_limit = 96};
}

struct engine *engine_create(const struct engine_config *config)
{
    struct engine *engine = aligned_alloc(64, sizeof(*engine));

    if (!engine)
        return NULL;
    memset(engine, 0, sizeof(*engine));
    engine->config = *config;
    engine->next_episode = 1;
    atomic_init(&engine->work_in_flight, 0);
    pthread_mutex_init(&engine->cls_lock, NULL);
    struct pool *episodes = &engine->pools[POOL_EPISODES];
    struct pool *vectors = &engine->pools[POOL_VECTORS];
    engine->owners = calloc(config->capacity, sizeof(*engine->owners));
    if (!engine->owners || !pool_init(episodes, sizeof(struct episode), config->capacity) ||
        !pool_init(vectors, VECTOR_BYTES, config->capacity) ||
        !consolidation_init(&engine->memory, episodes, vectors, config->schemas)) {
        engine_destroy(engine);
        return NULL;
    }
    engine->graph = graph_create(vectors);
    if (!engine->graph) {
        engine_destroy(engine);
        return NULL;
    }
    return engine;
}

void engine_destroy(struct engine *engine)
{
    if (!engine)
        return;
    graph_destroy(engine->graph);
    consolidation_destroy(&engine->memory);
    for (int kind = 0; kind < POOL_KINDS; kind++)
        pool_destroy(&engine->pools[kind]);
    free(engine->owners);
    pthread_mutex_destroy(&engine->cls_lock);
    free(engine);
}

struct engine_worker *engine_worker_create(struct engine *engine, uint64_t seed)
{
    size_t bytes = (sizeof(struct engine_worker) + 63) / 64 * 64;
    struct engine_worker *worker = aligned_alloc(64, bytes);

    if (!worker)
        return NULL;
    memset(worker, 0, sizeof(*worker));
    worker->engine = engine;
    if (!graph_scratch_init(&worker->search, engine->graph, seed)) {
        free(worker);
        return NULL;
    }
    return worker;
}

void engine_worker_destroy(struct engine_worker *worker)
{
    if (!worker)
        return;
    graph_scratch_destroy(&worker->search);
    free(worker);
}

void engine_forget(struct engine *engine, uint32_t episode_slot)
{
    const struct episode *episode = pool_slot(&engine->pools[POOL_EPISODES], episode_slot);

    consolidation_forget(&engine->memory, episode_slot);
    graph_remove(engine->graph, episode->vector);
    pool_free(&engine->pools[POOL_VECTORS], episode->vector);
    pool_free(&engine->pools[POOL_EPISODES], episode_slot);
}

static void make_room(struct engine *engine, struct store_result *result)
{
    const struct pool *vectors = &engine->pools[POOL_VECTORS];
    const struct pool *episodes = &engine->pools[POOL_EPISODES];

    if (vectors->used < vectors->limit && episodes->used < episodes->limit)
        return;
    uint64_t start_ns = clock_now_ns();
    while (result->forgotten < FORGET_BATCH) {
        uint32_t oldest = consolidation_oldest(&engine->memory);
        if (oldest == POOL_NONE)
            break;
        engine_forget(engine, oldest);
        result->forgotten++;
    }
    result->recovery_ns = clock_now_ns() - start_ns;
}

/* The schema of the nearest episode, and whether its prototype is too far away to join it. */
static void find_schema(const struct engine *engine, const struct graph_hit *nearest,
                        const float *vector, struct store_result *result)
{
    result->new_schema = true;
    if (nearest->id == GRAPH_NONE)
        return;
    result->schema = episode_of(engine, nearest->id)->schema;
    result->cost.graph.distances++;
    const float *prototype = consolidation_prototype(&engine->memory, result->schema);
    result->new_schema = vector_cosine(vector, prototype) < ENGINE_SIMILAR;
}

static void resolve_schema(struct engine *engine, const float *vector, struct store_result *result)
{
    if (!result->new_schema)
        return;
    uint32_t schema = consolidation_new_schema(&engine->memory, vector);
    if (schema == SCHEMA_NONE)
        result->new_schema = false; /* no room: it stays with the nearest */
    else
        result->schema = schema;
}

static void place(struct engine *engine, const float *vector, const struct graph_plan *plan,
                  struct store_result *result)
{
    uint32_t node = pool_alloc(&engine->pools[POOL_VECTORS]);

    if (node == POOL_NONE) {
        result->status = ENGINE_OUT_OF_MEMORY;
        return;
    }
    uint32_t slot = pool_alloc(&engine->pools[POOL_EPISODES]);
    if (slot == POOL_NONE) {
        pool_free(&engine->pools[POOL_VECTORS], node);
        result->status = ENGINE_OUT_OF_MEMORY;
        return;
    }
    resolve_schema(engine, vector, result);
    struct episode *episode = pool_slot(&engine->pools[POOL_EPISODES], slot);
    *episode =
        (struct episode){.id = engine->next_episode++, .vector = node, .schema = result->schema};
    vector_copy(pool_slot(&engine->pools[POOL_VECTORS], node), vector);
    engine->owners[node] = slot;
    graph_insert(engine->graph, node, plan);
    consolidation_admit(&engine->memory, slot, clock_now_ns());
    result->episode = episode->id;
    result->node = node;
}

void engine_store(struct engine_worker *worker, const float *vector, struct store_result *result)
{
    struct engine *engine = worker->engine;

    memset(result, 0, sizeof(*result));
    lock_shared(engine, &result->cost);
    graph_plan(engine->graph, &worker->search, vector, &worker->plan, &result->cost.graph);
    find_schema(engine, &worker->plan.nearest, vector, result);
    unlock(engine);
    lock_exclusive(engine, &result->cost);
    make_room(engine, result);
    place(engine, vector, &worker->plan, result);
    unlock(engine);
}
