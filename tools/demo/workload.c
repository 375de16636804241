/* SPDX-License-Identifier: MIT */
#include "workload.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CUE_NOISE 0.35f /* length of what a cue adds to the episode that it is a view of */
#define TOPIC_STAY 64   /* operations before the mind wanders, on average */
#define TOPIC_RENEW 8   /* of that many wanderings, one goes to a new concept */
#define KNOWN_SHARE 0.5f
#define DRM_TRIALS 24        /* before the next list is studied */
#define CONSOLIDATE_EVERY 32 /* stores */
#define CONSOLIDATIONS 4     /* tasks that are left then */
#define STEAL_EVERY 16       /* operations without a task */
#define ADAPT_ODDS 65536
#define ADAPT_SLOTS 64

#define SPREAD_DECAY 0.8f
#define SPREAD_THRESHOLD 0.15f

/* Out of 4096 operations; the rest are recalls. */
struct share {
    enum work_kind kind;
    uint32_t weight;
};

static const struct share shares[] = {
    {WORK_STORE, 200},      {WORK_COMPLETE, 60},   {WORK_SPREAD, 60},
    {WORK_BATCH_RECALL, 8}, {WORK_BATCH_STORE, 1}, {WORK_DRM_TRIAL, 16},
};

const char *work_kind_name(enum work_kind kind)
{
    static const char *const names[WORK_KINDS] = {
        "recall",    "store",  "batch_recall", "batch_store", "complete",
        "drm_trial", "spread", "consolidate",  "adapt",
    };

    return names[kind];
}

static void make_cue(struct rng *rng, const float *episode, float *cue)
{
    float scale = CUE_NOISE / sqrtf(VECTOR_DIM);

    for (size_t i = 0; i < VECTOR_DIM; i++)
        cue[i] = episode[i] + scale * rng_normal(rng);
    vector_normalise(cue);
}

/* A new episode of the topic, of which the topic keeps a cue. */
static void make_episode(struct worker *worker, struct worker_topic *topic)
{
    synth_episode(worker->synth, topic->concept, &worker->rng, worker->fresh);
    make_cue(&worker->rng, worker->fresh, topic->cues[topic->next]);
    topic->next = (topic->next + 1) % WORK_CUES;
}

static void make_partial_cue(struct worker *worker, uint32_t index, const float *full)
{
    partial_cue_make(&worker->partial_cues[index], full, KNOWN_SHARE, &worker->rng);
}

static void study_drm_list(struct worker *worker)
{
    struct rng *rng = &worker->rng;
    struct drm_list *list = &worker->drm;

    synth_episode(worker->synth, synth_pick(worker->synth, rng), rng, worker->fresh);
    drm_list_make(list, worker->fresh, 0.5f + 0.4f * rng_unit(rng), rng);
    /* As in the experiment, studied items and the lure are tested alike. */
    for (uint32_t i = 0; i < WORK_DRM_CUES; i++) {
        const float *tested = i % 2 ? list->lure : list->items[rng_below(rng, DRM_ITEMS)];
        partial_cue_make(&worker->drm_cues[i], tested, KNOWN_SHARE, rng);
    }
    for (uint32_t i = 0; i < DRM_ITEMS; i++)
        worker->batch[i] = list->items[i];
    worker->kind = WORK_BATCH_STORE;
    worker->count = DRM_ITEMS;
    worker->drm_trials_left = DRM_TRIALS;
}

struct worker *worker_create(struct engine *engine, const struct synth *synth, struct tasks *tasks,
                             uint32_t number, uint64_t seed)
{
    struct worker *worker = aligned_alloc(64, sizeof(*worker));

    if (!worker)
        return NULL;
    memset(worker, 0, sizeof(*worker));
    worker->engine = engine_worker_create(engine, seed);
    if (!worker->engine) {
        free(worker);
        return NULL;
    }
    worker->synth = synth;
    worker->tasks = tasks;
    worker->number = number;
    worker->context = GRAPH_NONE;
    worker->action = POOL_GROW; /* so that the first change is to shrink */
    rng_seed(&worker->rng, seed + 1);
    for (uint32_t i = 0; i < WORK_TOPICS; i++) {
        struct worker_topic *topic = &worker->topics[i];
        struct store_result stored;
        topic->concept = synth_pick(synth, &worker->rng);
        for (uint32_t j = 0; j < WORK_CUES; j++) {
            make_episode(worker, topic);
            engine_store(worker->engine, worker->fresh, &stored);
        }
        make_partial_cue(worker, 2 * i, topic->cues[0]);
        make_partial_cue(worker, 2 * i + 1, topic->cues[1]);
    }
    return worker;
}

void worker_fill(struct worker *worker, uint32_t episodes)
{
    struct store_result stored;

    for (uint32_t i = 0; i < episodes; i++) {
        struct worker_topic *topic = &worker->topics[i % WORK_TOPICS];
        topic->concept = synth_pick(worker->synth, &worker->rng);
        make_episode(worker, topic);
        engine_store(worker->engine, worker->fresh, &stored);
    }
}

void worker_destroy(struct worker *worker)
{
    if (!worker)
        return;
    engine_worker_destroy(worker->engine);
    free(worker);
}

static const float *pick_cue(struct worker *worker)
{
    return worker->topics[worker->topic].cues[rng_below(&worker->rng, WORK_CUES)];
}

static void wander(struct worker *worker)
{
    struct rng *rng = &worker->rng;

    worker->topic = rng_below(rng, WORK_TOPICS);
    worker->context = GRAPH_NONE;
    if (rng_below(rng, TOPIC_RENEW) == 0)
    worker->topics[worker->topic].concept = synth_pick(worker->synth, rng);
}

static void prepare_recall(struct worker *worker)
{
    uint32_t draw = rng_below(&worker->rng, 100);

    worker->kind = WORK_RECALL;
    worker->cue = pick_cue(worker);
    if (draw < 8)
        worker->cue_type = CUE_SEMANTIC;
    else if (draw < 48 || worker->context == GRAPH_NONE)
        worker->cue_type = CUE_EMBEDDING;
    else
        worker->cue_type = CUE_CONTEXT;
}

static void prepare_store(struct worker *worker)
{
    struct worker_topic *topic = &worker->topics[worker->topic];

    worker->stores++;
    make_episode(worker, topic);
    if (worker->stores % 8 == 0)
        make_partial_cue(worker, rng_below(&worker->rng, WORK_PARTIAL_CUES),
                         topic->cues[(topic->next + WORK_CUES - 1) % WORK_CUES]);
}

static void prepare_batch(struct worker *worker)
{
    static const uint32_t sizes[] = {10, 10, 10, 10, 100, 100, 100, WORK_MAX_BATCH};
    uint32_t choices = worker->kind == WORK_BATCH_STORE ? 7 : 8;

    worker->count = sizes[rng_below(&worker->rng, choices)];
    for (uint32_t i = 0; i < worker->count; i++) {
        if (i % WORK_CUES == 0)
            wander(worker);
        worker->batch[i] = pick_cue(worker);
    }
}

static void prepare_drm(struct worker *worker)
{
    if (worker->drm_trials_left == 0) {
        study_drm_list(worker);
        return;
    }
    worker->drm_trials_left--;
    worker->partial = &worker->drm_cues[rng_below(&worker->rng, WORK_DRM_CUES)];
}

/* Memory pressure takes slots away and gives them back in turn.  What does not fit is left out. */
static void leave_upkeep(struct worker *worker)
{
    if (worker->kind == WORK_STORE && worker->stores % CONSOLIDATE_EVERY == 0)
        for (int i = 0; i < CONSOLIDATIONS; i++)
            tasks_put(worker->tasks, worker->number, TASK_CONSOLIDATE);
    if (rng_below(&worker->rng, ADAPT_ODDS) == 0) {
        worker->action = worker->action == POOL_SHRINK ? POOL_GROW : POOL_SHRINK;
        tasks_put(worker->tasks, worker->number,
                  worker->action == POOL_SHRINK ? TASK_SHRINK : TASK_GROW);
    }
}

static bool take_upkeep(struct worker *worker)
{
    enum task task;
    bool steal = ++worker->prepared % STEAL_EVERY == 0;
    worker->source =
        worker->stalled ? TASK_NONE : tasks_take(worker->tasks, worker->number, steal, &task);
    if (worker->source != TASK_OWN && worker->source != TASK_STOLEN)
        return false;
    worker->kind = task == TASK_CONSOLIDATE ? WORK_CONSOLIDATE : WORK_ADAPT;
    worker->adapt = task == TASK_SHRINK ? POOL_SHRINK : POOL_GROW;
    return true;
}

static enum work_kind pick_kind(struct worker *worker)
{
    uint32_t draw = rng_below(&worker->rng, 4096);

    for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
        if (draw < shares[i].weight)
            return shares[i].kind;
        draw -= shares[i].weight;
    }
    return WORK_RECALL;
}

void work_prepare(struct worker *worker)
{
    if (rng_below(&worker->rng, TOPIC_STAY) == 0)
        wander(worker);
    leave_upkeep(worker);
    if (take_upkeep(worker))
        return;
    worker->kind = pick_kind(worker);
    switch (worker->kind) {
    case WORK_STORE:
        prepare_store(worker);
        break;
    case WORK_BATCH_RECALL:
    case WORK_BATCH_STORE:
        prepare_batch(worker);
        break;
    case WORK_DRM_TRIAL:
        prepare_drm(worker);
        break;
    case WORK_COMPLETE:
        worker->partial = &worker->partial_cues[rng_below(&worker->rng, WORK_PARTIAL_CUES)];
        worker->completion = rng_below(&worker->rng, COMPLETION_TYPES);
        break;
    case WORK_SPREAD:
        /* Until something was recalled there is nothing that activation could spread from. */
        if (worker->context == GRAPH_NONE)
            prepare_recall(worker);
        break;
    default:
        prepare_recall(worker);
    }
}

static void run_spread(struct worker *worker, struct work_done *done)
{
    const struct spread_params params = {SPREAD_DECAY, SPREAD_THRESHOLD, SPREAD_MAX_DEPTH};

    engine_spread(worker->engine, worker->context, &params, &done->result.spread);
}

static void run_batch(struct worker *worker, struct work_done *done)
{
    if (worker->kind == WORK_BATCH_STORE)
        engine_batch_store(worker->engine, worker->batch, worker->count, &done->result.batch);
    else
        engine_batch_recall(worker->engine, worker->batch, worker->count, NULL,
                            &done->result.batch);
    done->operations = done->result.batch.completed;
}

void work_run(struct worker *worker, struct work_done *done)
{
    done->kind = worker->kind;
    done->operations = 1;
    done->source = worker->source;
    switch (worker->kind) {
    case WORK_RECALL:
        engine_recall(worker->engine, worker->cue, worker->cue_type, worker->context,
                      &done->result.recall);
        worker->context = done->result.recall.node;
        break;
    case WORK_STORE:
        engine_store(worker->engine, worker->fresh, &done->result.store);
        worker->context = done->result.store.node;
        break;
    case WORK_BATCH_RECALL:
    case WORK_BATCH_STORE:
        run_batch(worker, done);
        break;
    case WORK_COMPLETE:
        engine_complete(worker->engine, worker->partial, worker->completion,
                        &done->result.completion);
        break;
    case WORK_DRM_TRIAL:
        engine_drm_trial(worker->engine, &worker->drm, worker->partial, &done->result.completion);
        break;
    case WORK_SPREAD:
        run_spread(worker, done);
        break;
    case WORK_CONSOLIDATE:
        engine_consolidate(worker->engine, ENGINE_TRANSITIONS, &done->result.consolidation);
        break;
    default:
        engine_adapt(worker->engine, worker->adapt, ADAPT_SLOTS, &done->result.adapt);
    }
}
