/* SPDX-License-Identifier: MIT */
/*
 * Bounded in-memory store of episodes, each a normalised 768-dimension vector. Every operation
 * fills a result with what it did and measured; recording any of it is left to the caller.
 *
 * An engine is shared by threads; each uses a worker of its own, whose buffers make the operations
 * free of heap allocation.
 */
#ifndef DEMO_ENGINE_H
#define DEMO_ENGINE_H

#include "complete.h"
#include "consolidate.h"
#include "graph_audit.h"
#include "pool.h"
#include "spread.h"

#include <stdbool.h>
#include <stdint.h>

#define ENGINE_TRANSITIONS 32 /* most that one call of engine_consolidate makes */

struct engine;
struct engine_worker;

enum engine_status {
    ENGINE_SUCCESS,
    ENGINE_MISS, /* nothing similar enough is stored */
    ENGINE_OUT_OF_MEMORY,
    ENGINE_STATUSES
};

enum cue_type {
    CUE_EMBEDDING, /* full search by the cue alone */
    CUE_SEMANTIC,  /* the cue blended with its schema's prototype, wide search */
    CUE_CONTEXT,   /* narrow search around an episode recalled before */
    CUE_TYPES
};

enum backpressure {
    BACKPRESSURE_NONE,
    BACKPRESSURE_ADAPTIVE_RESIZE, /* at least one batch was halved to fit the work limit */
    BACKPRESSURE_KINDS
};

enum pool_kind { POOL_EPISODES, POOL_VECTORS, POOL_KINDS };

enum pool_action { POOL_SHRINK, POOL_GROW, POOL_ACTIONS };

struct engine_config {
    uint32_t capacity;   /* episodes */
    uint32_t schemas;    /* prototypes at most */
    uint32_t work_limit; /* batch items in flight at most, over all threads */
};

/* What an operation cost, summed over its parts. */
struct engine_cost {
    struct graph_stats graph;
    uint32_t lock_waits;  /* times that the store's lock was taken by another thread */
    uint32_t cas_retries; /* lost races for the work counter */
};

struct store_result {
    enum engine_status status;
    struct engine_cost cost;
    uint64_t episode; /* id, from 1 */
    uint32_t node;    /* handle for engine_spread and CUE_CONTEXT */
    uint32_t schema;
    bool new_schema;
    uint32_t forgotten;   /* episodes forgotten to make room */
    uint64_t recovery_ns; /* time that making room took; 0 if there was room */
};

struct recall_result {
    enum engine_status status;
    struct engine_cost cost;
    enum cue_type cue_type;
    bool widened; /* the context search found too little, and a full one followed */
    uint64_t episode;
    uint32_t node;
    uint32_t schema;
    float similarity;
    enum memory_state state;  /* of the episode recalled */
    float hippocampal_weight; /* evidence of the episode against that of its schema ... */
    float neocortical_weight; /* ... the two add up to 1 */
};

struct batch_result {
    enum engine_status status; /* of the worst item; a miss in a recall does not count */
    struct engine_cost cost;
    uint32_t requested;
    uint32_t completed;
    uint32_t misses;
    uint32_t chunks; /* admitted one after the other */
    uint32_t smallest_chunk;
    uint32_t resizes; /* times that a chunk was halved */
    enum backpressure backpressure;
    uint32_t forgotten;
    uint64_t recovery_ns;
};

struct completion_result {
    enum engine_status status;
    struct engine_cost cost;
    enum completion_type type;
    uint32_t sources; /* patterns averaged */
    struct completion_verdict verdict;
};

struct spread_outcome {
    enum engine_status status;
    struct engine_cost cost;
    struct spread_result spread;
};

struct consolidation_result {
    struct engine_cost cost;
    uint32_t count;
    struct memory_transition transitions[ENGINE_TRANSITIONS];
};

struct adapt_result {
    struct engine_cost cost;
    enum pool_action action;
    uint32_t slots; /* of each pool, taken out of or put back into service */
    uint32_t forgotten;
    uint64_t duration_ns;
};

struct cls_weights {
    double hippocampal;
    double neocortical;
    uint64_t recalls; /* so far; the weights favour the latest */
};

/* A snapshot for gauges. */
struct engine_info {
    struct pool_stats pools[POOL_KINDS];
    struct cls_weights cls[MEMORY_STATES];
    uint32_t states[MEMORY_STATES]; /* episodes in each */
    uint32_t schemas;
    uint32_t episodes;
    uint32_t work_in_flight;
    double edge_compression; /* delta-encoded bytes / plain bytes */
    size_t index_bytes;
};

const char *engine_status_name(enum engine_status status);
const char *cue_type_name(enum cue_type type);
const char *backpressure_name(enum backpressure backpressure);
const char *pool_kind_name(enum pool_kind kind);
const char *pool_action_name(enum pool_action action);

/* 4096 episodes in 12 MiB of vectors. */
struct engine_config engine_defaults(void);
struct engine *engine_create(const struct engine_config *config);
void engine_destroy(struct engine *engine);
struct engine_worker *engine_worker_create(struct engine *engine, uint64_t seed);
void engine_worker_destroy(struct engine_worker *worker);

/* Vectors and cues must be normalised. */

void engine_store(struct engine_worker *worker, const float *vector, struct store_result *result);
/* context is a node of an earlier result; only CUE_CONTEXT looks at it, and it may be stale. */
void engine_recall(struct engine_worker *worker, const float *cue, enum cue_type type,
                   uint32_t context, struct recall_result *result);
void engine_batch_store(struct engine_worker *worker, const float *const *vectors, uint32_t count,
                        struct batch_result *result);
/* The similarity search of many cues; hits, if not NULL, takes one recall result a cue. */
void engine_batch_recall(struct engine_worker *worker, const float *const *cues, uint32_t count,
                         struct recall_result *hits, struct batch_result *result);
void engine_complete(struct engine_worker *worker, const struct partial_cue *cue,
                     enum completion_type type, struct completion_result *result);
/* A test trial on a list whose items were stored before: is the lure remembered falsely? */
void engine_drm_trial(struct engine_worker *worker, const struct drm_list *list,
                      const struct partial_cue *cue, struct completion_result *result);
void engine_spread(struct engine_worker *worker, uint32_t node, const struct spread_params *params,
                   struct spread_outcome *result);
/* Makes up to budget transitions, and no more than ENGINE_TRANSITIONS. */
void engine_consolidate(struct engine_worker *worker, uint32_t budget,
                        struct consolidation_result *result);
/* Under memory pressure: forgets the episodes in the last slots and takes the slots away. */
void engine_adapt(struct engine_worker *worker, enum pool_action action, uint32_t slots,
                  struct adapt_result *result);
/* Audits the next nodes of the graph, and searches for some: true when that ended a round. */
bool engine_audit(struct engine_worker *worker, struct graph_audit *audit, uint32_t nodes,
                  double *recall);
void engine_inspect(struct engine *engine, struct engine_info *info);

#endif
