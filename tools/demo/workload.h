/* SPDX-License-Identifier: MIT */
/*
 * A realistic mix of engine operations. work_prepare picks the next one and makes its input, so
 * that work_run is the engine's own work and nothing else.
 */
#ifndef DEMO_WORKLOAD_H
#define DEMO_WORKLOAD_H

#include "engine.h"
#include "synth.h"
#include "tasks.h"

#define WORK_TOPICS 32
#define WORK_CUES 16 /* a topic */
#define WORK_PARTIAL_CUES 64
#define WORK_DRM_CUES 8
#define WORK_MAX_BATCH 1000

enum work_kind {
    WORK_RECALL,
    WORK_STORE,
    WORK_BATCH_RECALL,
    WORK_BATCH_STORE,
    WORK_COMPLETE,
    WORK_DRM_TRIAL,
    WORK_SPREAD,
    WORK_CONSOLIDATE,
    WORK_ADAPT,
    WORK_KINDS
};

/* What one work_run did. */
struct work_done {
    enum work_kind kind;
    uint32_t operations;     /* a batch counts its items */
    enum task_source source; /* of the task that it was, if it was one */
    union {
        struct recall_result recall;
        struct store_result store;
        struct batch_result batch;           /* both kinds */
        struct completion_result completion; /* WORK_COMPLETE and WORK_DRM_TRIAL */
        struct spread_outcome spread;
        struct consolidation_result consolidation;
        struct adapt_result adapt;
    } result;
};

struct worker_topic {
    uint32_t concept;
    uint32_t next;                                    /* cue to replace with the next store */
    VECTOR_ALIGNED float cues[WORK_CUES][VECTOR_DIM]; /* noisy views of what was stored */
};

struct worker {
    VECTOR_ALIGNED float fresh[VECTOR_DIM]; /* about to be stored */
    struct worker_topic topics[WORK_TOPICS];
    struct partial_cue partial_cues[WORK_PARTIAL_CUES];
    struct drm_list drm;
    struct partial_cue drm_cues[WORK_DRM_CUES];
    const float *batch[WORK_MAX_BATCH];
    struct engine_worker *engine;
    const struct synth *synth;
    struct tasks *tasks;
    uint32_t number; /* its queue */
    struct rng rng;
    uint64_t stores, prepared;
    uint32_t topic;
    uint32_t context; /* node recalled or stored last on this topic */
    uint32_t drm_trials_left;
    /* The next operation, as work_prepare left it. */
    enum work_kind kind;
    enum cue_type cue_type;
    enum completion_type completion;
    enum pool_action action; /* the last that was left as a task */
    enum pool_action adapt;  /* the one that is taken */
    enum task_source source;
    bool stalled; /* leaves upkeep undone */
    uint32_t count;
    const float *cue;
    const struct partial_cue *partial;
};

const char *work_kind_name(enum work_kind kind);
struct worker *worker_create(struct engine *engine, const struct synth *synth, struct tasks *tasks,
                             uint32_t number, uint64_t seed);
/* Stores so many made-up episodes of all concepts, before the work begins. */
void worker_fill(struct worker *worker, uint32_t episodes);
void worker_destroy(struct worker *worker);
void work_prepare(struct worker *worker);
void work_run(struct worker *worker, struct work_done *done);

#endif
