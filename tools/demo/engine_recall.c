/* SPDX-License-Identifier: MIT */
/* Recall, completion, false memory and spreading activation: what reads the store. */
#include "engine_internal.h"

#include <string.h>

/* Recalls between two additions to the engine's tally, to keep the workers off its lock. */
#define CLS_FLUSH 64
/* Share of the former tally that a flush keeps, so that the weights follow the latest recalls. */
#define CLS_KEEP 0.98

#define SEMANTIC_PROTOTYPE_SHARE 0.5f
#define COMPLETION_EF 12
#define COMPLETION_SOURCES 6

static const uint32_t search_width[CUE_TYPES] = {
    [CUE_EMBEDDING] = 4,
    [CUE_SEMANTIC] = 16,
    [CUE_CONTEXT] = 3,
};

static void flush_cls(struct engine_worker *worker)
{
    struct engine *engine = worker->engine;

    worker->cls_pending = 0;
    pthread_mutex_lock(&engine->cls_lock);
    for (int state = 0; state < MEMORY_STATES; state++) {
        struct cls_tally *sum = &engine->cls[state];
        struct cls_tally *own = &worker->cls[state];
        if (own->total == 0)
            continue;
        sum->hippocampal = sum->hippocampal * CLS_KEEP + own->hippocampal;
        sum->recalls = sum->recalls * CLS_KEEP + own->recalls;
        sum->total += own->total;
        *own = (struct cls_tally){0};
    }
    pthread_mutex_unlock(&engine->cls_lock);
}

static void tally_cls(struct engine_worker *worker, const struct recall_result *result)
{
    struct cls_tally *tally = &worker->cls[result->state];

    tally->hippocampal += (double)result->hippocampal_weight;
    tally->recalls += 1.0;
    tally->total++;
    if (++worker->cls_pending == CLS_FLUSH)
        flush_cls(worker);
}

/*
 * Both systems answer a cue: the hippocampal one with the episode, the neocortical one with the
 * prototype of its schema. Each has the share of its evidence, the squared cosine with the cue.
 */
static void weigh_systems(const struct engine *engine, const float *cue,
                          struct recall_result *result)
{
    float schema = vector_cosine(cue, consolidation_prototype(&engine->memory, result->schema));
    float neocortical = schema > 0.0f ? schema * schema : 0.0f;
    float hippocampal = result->similarity * result->similarity;

    result->cost.graph.distances++;
    result->hippocampal_weight = hippocampal / (hippocampal + neocortical);
    result->neocortical_weight = 1.0f - result->hippocampal_weight;
}

static void take_hit(const struct engine *engine, const struct graph_hit *hit, const float *cue,
                     struct recall_result *result)
{
    const struct episode *episode = episode_of(engine, hit->id);

    result->similarity = hit->similarity;
    if (hit->similarity < ENGINE_SIMILAR) {
        result->status = ENGINE_MISS;
        return;
    }
    result->status = ENGINE_SUCCESS;
    result->episode = episode->id;
    result->node = hit->id;
    result->schema = episode->schema;
    result->state = episode->state;
    weigh_systems(engine, cue, result);
}

static uint32_t search_semantic(struct engine_worker *worker, const float *cue,
                                struct graph_hit *hit, struct graph_stats *stats)
{
    const struct engine *engine = worker->engine;

    if (graph_search(engine->graph, &worker->search, cue, 1, 1, hit, stats) == 0)
        return 0;
    uint32_t schema = episode_of(engine, hit->id)->schema;
    vector_copy(worker->buffer, cue);
    vector_add_scaled(worker->buffer, consolidation_prototype(&engine->memory, schema),
                      SEMANTIC_PROTOTYPE_SHARE);
    vector_normalise(worker->buffer);
    return graph_search_from(engine->graph, &worker->search, hit->id, worker->buffer,
                             search_width[CUE_SEMANTIC], 1, hit, stats);
}

static uint32_t search_context(struct engine_worker *worker, const float *cue, uint32_t context,
                               struct graph_hit *hit, struct recall_result *result)
{
    const struct graph *graph = worker->engine->graph;
    struct graph_stats *stats = &result->cost.graph;
    uint32_t found = graph_search_from(graph, &worker->search, context, cue,
                                       search_width[CUE_CONTEXT], 1, hit, stats);

    if (found && hit->similarity >= ENGINE_SIMILAR)
        return found;
    result->widened = true;
    return graph_search(graph, &worker->search, cue, search_width[CUE_EMBEDDING], 1, hit, stats);
}

void engine_recall(struct engine_worker *worker, const float *cue, enum cue_type type,
                   uint32_t context, struct recall_result *result)
{
    struct engine *engine = worker->engine;
    struct graph_stats *stats = &result->cost.graph;
    struct graph_hit hit = {GRAPH_NONE, -1.0f};
    uint32_t found;

    memset(result, 0, sizeof(*result));
    result->cue_type = type;
    result->status = ENGINE_MISS;
    result->node = GRAPH_NONE;
    lock_shared(engine, &result->cost);
    if (type == CUE_SEMANTIC)
        found = search_semantic(worker, cue, &hit, stats);
    else if (type == CUE_CONTEXT)
        found = search_context(worker, cue, context, &hit, result);
    else
        found =
            graph_search(engine->graph, &worker->search, cue, search_width[type], 1, &hit, stats);
    if (found)
        take_hit(engine, &hit, cue, result);
    unlock(engine);
    if (result->status == ENGINE_SUCCESS)
        tally_cls(worker, result);
}

/* A power of the cosine makes the best match count for most, as attractor recall does. */
static float source_weight(float similarity)
{
    float square = similarity * similarity;

    return square * square;
}

static bool has_source(const struct completion_source *sources, uint32_t count, const float *vector)
{
    for (uint32_t i = 0; i < count; i++) {
        if (sources[i].vector == vector)
            return true;
    }
    return false;
}

static uint32_t gather_sources(const struct engine_worker *worker, enum completion_type type,
                               uint32_t found, struct completion_source *sources)
{
    const struct engine *engine = worker->engine;
    uint32_t count = 0;

    for (uint32_t i = 0; i < found && count < COMPLETION_SOURCES; i++) {
        const struct graph_hit *hit = &worker->hits[i];
        const struct episode *episode = episode_of(engine, hit->id);
        const float *vector = graph_vector(engine->graph, hit->id);
        if (hit->similarity <= 0.0f)
            break;
        if (type == COMPLETION_HIPPOCAMPAL && episode->state == MEMORY_REMOTE)
            continue;
        if (type == COMPLETION_NEOCORTICAL)
            vector = consolidation_prototype(&engine->memory, episode->schema);
        if (!has_source(sources, count, vector))
            sources[count++] = (struct completion_source){vector, source_weight(hit->similarity)};
    }
    return count;
}

/*
 * Completes the cue into the worker's buffer and finds the stored episode nearest to that. What
 * was never stored is the lure, or without one the prototype of that episode's schema.
 */
static void complete_locked(struct engine_worker *worker, const struct partial_cue *cue,
                            const float *lure, struct completion_result *result)
{
    const struct engine *engine = worker->engine;
    struct graph_stats *stats = &result->cost.graph;
    struct completion_source sources[COMPLETION_SOURCES];
    struct graph_hit best;

    uint32_t found = graph_search(engine->graph, &worker->search, cue->values, COMPLETION_EF,
                                  COMPLETION_EF, worker->hits, stats);
    result->sources = gather_sources(worker, result->type, found, sources);
    if (result->sources == 0)
        return;
    complete_pattern(cue, sources, result->sources, worker->buffer);
    graph_search_from(engine->graph, &worker->search, worker->hits[0].id, worker->buffer,
                      COMPLETION_EF, 1, &best, stats);
    if (!lure)
        lure = consolidation_prototype(&engine->memory, episode_of(engine, best.id)->schema);
    stats->distances++;
    result->verdict = completion_judge(best.similarity, vector_cosine(worker->buffer, lure));
    result->status = ENGINE_SUCCESS;
}

static void complete(struct engine_worker *worker, const struct partial_cue *cue,
                     enum completion_type type, const float *lure, struct completion_result *result)
{
    memset(result, 0, sizeof(*result));
    result->type = type;
    result->status = ENGINE_MISS;
    lock_shared(worker->engine, &result->cost);
    complete_locked(worker, cue, lure, result);
    unlock(worker->engine);
}

void engine_complete(struct engine_worker *worker, const struct partial_cue *cue,
                     enum completion_type type, struct completion_result *result)
{
    complete(worker, cue, type, NULL, result);
}

void engine_drm_trial(struct engine_worker *worker, const struct drm_list *list,
                      const struct partial_cue *cue, struct completion_result *result)
{
    /* The list was just studied, so that it is the hippocampal system that answers. */
    complete(worker, cue, COMPLETION_HIPPOCAMPAL, list->lure, result);
}

void engine_spread(struct engine_worker *worker, uint32_t node, const struct spread_params *params,
                   struct spread_outcome *result)
{
    struct engine *engine = worker->engine;

    memset(result, 0, sizeof(*result));
    lock_shared(engine, &result->cost);
    spread_activate(engine->graph, &worker->search, &worker->spread, node, params, &result->spread);
    unlock(engine);
    result->status = result->spread.activated ? ENGINE_SUCCESS : ENGINE_MISS;
}
