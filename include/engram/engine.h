/* SPDX-License-Identifier: MIT */
/*
 * The series of a memory engine.  engram_engine_register() registers every known
 * label set once, so that each starts at 0 and its first increment is seen; after
 * that, to record is one line:
 *
 *     engram_span span = engram_span_begin();
 *     ...
 *     engram_span_end(span, engine.store[ENGRAM_SUCCESS]);
 *     engram_histogram_record(engine.hops[ENGRAM_SIMILARITY][layer], hops);
 *     engram_histogram_record(engine.transition[ENGRAM_RECENT], milliseconds);
 *
 * The struct may be shared by all threads once it is registered.
 */
#ifndef ENGRAM_ENGINE_H
#define ENGRAM_ENGINE_H

#include <engram/family.h>

enum engram_status { ENGRAM_SUCCESS, ENGRAM_MISS, ENGRAM_FAILURE, ENGRAM_STATUSES };
enum engram_cue { ENGRAM_EMBEDDING, ENGRAM_SEMANTIC, ENGRAM_CONTEXT, ENGRAM_CUES };
enum engram_batch { ENGRAM_BATCH_STORE, ENGRAM_BATCH_RECALL, ENGRAM_BATCHES };
enum engram_pressure { ENGRAM_NO_PRESSURE, ENGRAM_ADAPTIVE_RESIZE, ENGRAM_PRESSURES };
/* Memories move from recent over consolidating to remote. */
enum engram_state { ENGRAM_RECENT, ENGRAM_CONSOLIDATING, ENGRAM_REMOTE, ENGRAM_STATES };
enum engram_completion { ENGRAM_HIPPOCAMPAL, ENGRAM_NEOCORTICAL, ENGRAM_COMPLETIONS };
enum engram_query { ENGRAM_SIMILARITY, ENGRAM_BATCH_SIMILARITY, ENGRAM_QUERIES };
enum engram_pool { ENGRAM_EPISODE_ARENA, ENGRAM_VECTOR_ARENA, ENGRAM_POOLS };
enum engram_adaptation { ENGRAM_POOL_SHRINK, ENGRAM_POOL_GROW, ENGRAM_ADAPTATIONS };
enum engram_trigger { ENGRAM_CACHE_MISS_RATIO, ENGRAM_MEMORY_PRESSURE, ENGRAM_TRIGGERS };

/* Edges to nowhere, that do not go back, that are there twice, and too many of them. */
enum engram_violation {
    ENGRAM_DANGLING_EDGE,
    ENGRAM_ASYMMETRIC_EDGE,
    ENGRAM_DUPLICATE_EDGE,
    ENGRAM_OVER_DEGREE,
    ENGRAM_VIOLATIONS
};

#define ENGRAM_LAYERS 4
#define ENGRAM_BATCH_SIZES 5
#define ENGRAM_BRANCHINGS 5
#define ENGRAM_NETWORK_SIZES 4

struct engram_engine {
    engram_histogram store[ENGRAM_STATUSES];               /* s */
    engram_histogram recall[ENGRAM_STATUSES][ENGRAM_CUES]; /* s */
    /* s; by engram_batch_size() */
    engram_histogram batch[ENGRAM_BATCHES][ENGRAM_BATCH_SIZES][ENGRAM_PRESSURES];
    engram_counter lock_waits, cas_retries;
    engram_gauge hippocampal[ENGRAM_STATES], neocortical[ENGRAM_STATES]; /* 0 to 1, sum 1 */
    engram_histogram completion[ENGRAM_COMPLETIONS][2]; /* plausibility; [1]: false memory */
    engram_counter drm_trials, drm_false;
    engram_histogram transition[ENGRAM_REMOTE];       /* ms, by the state that was left */
    engram_histogram spread_depth[ENGRAM_BRANCHINGS]; /* hops; by engram_branching() */
    engram_gauge coverage[ENGRAM_NETWORK_SIZES];      /* 0 to 1; by engram_network_size() */
    engram_histogram hops[ENGRAM_QUERIES][ENGRAM_LAYERS];
    engram_counter layer_transitions[ENGRAM_QUERIES];
    engram_counter neighbor_reads, neighbor_local_reads;
    engram_gauge edge_compression; /* 0 to 1 */
    engram_gauge index_memory;     /* bytes */
    engram_counter audited_nodes;
    engram_gauge audit_time;                          /* Unix time, s */
    engram_gauge audit_violations[ENGRAM_VIOLATIONS]; /* of the last whole audit */
    engram_gauge probe_recall;                        /* 0 to 1 */
    engram_gauge workers, queue_depth;
    engram_counter tasks, steals, steal_attempts;
    engram_counter batch_items[ENGRAM_BATCHES];
    engram_counter backpressure;
    engram_gauge pool_utilization[ENGRAM_POOLS];   /* 0 to 1; on node 0 */
    engram_gauge pool_fragmentation[ENGRAM_POOLS]; /* 0 to 1 */
    engram_counter adaptations[ENGRAM_ADAPTATIONS];
    engram_counter zero_allocation_violations;
    engram_counter allocations, aligned_allocations; /* of 64 bytes */
    engram_histogram recovery;                       /* ms, from memory pressure */
    engram_counter degradations[ENGRAM_TRIGGERS];
    engram_gauge degraded[ENGRAM_TRIGGERS];             /* 1 or 0 */
    engram_counter atomic_samples, atomic_extra_cycles; /* of fetch_add */
};

/* The index of the smallest upper bound that holds the value; the last one holds the rest. */
ENGRAM_FUNCTION unsigned engram_class(double value, const double *bounds, unsigned count)
{
    unsigned i = 0;
    while (i + 1 < count && value > bounds[i])
        i++;
    return i;
}

/* Classes for labels that must not carry a measured value: 1, 10, 100, 1000, 10000 items; */
ENGRAM_FUNCTION unsigned engram_batch_size(double items)
{
    static const double bounds[ENGRAM_BATCH_SIZES] = {1, 10, 100, 1000, 10000};
    return engram_class(items, bounds, ENGRAM_BATCH_SIZES);
}

/* a mean branching factor of up to 1, 1.5, 2.5, 5, 10; */
ENGRAM_FUNCTION unsigned engram_branching(double factor)
{
    static const double bounds[ENGRAM_BRANCHINGS] = {1, 1.5, 2.5, 5, 10};
    return engram_class(factor, bounds, ENGRAM_BRANCHINGS);
}

/* a small network of up to 100 nodes, a medium one of 1000, a large one of a million, a huge one.
 */
ENGRAM_FUNCTION unsigned engram_network_size(double nodes)
{
    static const double bounds[ENGRAM_NETWORK_SIZES] = {100, 1000, 1e6, 1e300};
    return engram_class(nodes, bounds, ENGRAM_NETWORK_SIZES);
}

static const char *const engram_batch_size_names[ENGRAM_BATCH_SIZES]
    __attribute__((unused)) = {"1", "10", "100", "1000", "10000"};
static const char *const engram_branching_names[ENGRAM_BRANCHINGS]
    __attribute__((unused)) = {"1", "1.5", "2.5", "5", "10"};
static const char *const engram_network_size_names[ENGRAM_NETWORK_SIZES]
    __attribute__((unused)) = {"small", "medium", "large", "huge"};
static const char *const engram_state_names[ENGRAM_STATES]
    __attribute__((unused)) = {"recent", "consolidating", "remote"};

static inline engram_counter engram_counter_of(enum engram_family family, const char *first,
                                               const char *second)
{
    const char *values[] = {first, second};
    return engram_family_counter(family, values);
}

static inline engram_gauge engram_gauge_of(enum engram_family family, const char *first,
                                           const char *second)
{
    const char *values[] = {first, second};
    return engram_family_gauge(family, values);
}

static inline engram_histogram engram_histogram_of(enum engram_family family, const char *first,
                                                   const char *second)
{
    const char *values[] = {first, second};
    return engram_family_histogram(family, values);
}

static inline void engram_register_operations(struct engram_engine *engine, const char *simd)
{
    static const char *const statuses[] = {"success", "miss", "failure"};
    static const char *const cues[] = {"embedding", "semantic", "context"};
    static const char *const batches[] = {"batch_store", "batch_recall"};
    static const char *const pressures[] = {"none", "adaptive_resize"};
    for (int status = 0; status < ENGRAM_STATUSES; status++) {
        const char *store[] = {"store", statuses[status], "", "", "", ""};
        engine->store[status] = engram_family_histogram(ENGRAM_OPERATION_DURATION, store);
        for (int cue = 0; cue < ENGRAM_CUES; cue++) {
            const char *recall[] = {"recall", statuses[status], cues[cue], simd, "", ""};
            engine->recall[status][cue] =
                engram_family_histogram(ENGRAM_OPERATION_DURATION, recall);
        }
    }
    for (int batch = 0; batch < ENGRAM_BATCHES; batch++)
        for (int size = 0; size < ENGRAM_BATCH_SIZES; size++)
            for (int pressure = 0; pressure < ENGRAM_PRESSURES; pressure++) {
                const char *values[] = {
                    batches[batch],     "success", "", simd, engram_batch_size_names[size],
                    pressures[pressure]};
                engine->batch[batch][size][pressure] =
                    engram_family_histogram(ENGRAM_OPERATION_DURATION, values);
            }
    engine->batch_items[ENGRAM_BATCH_STORE] =
        engram_counter_of(ENGRAM_BATCH_ITEMS, "store", "enabled");
    engine->batch_items[ENGRAM_BATCH_RECALL] =
        engram_counter_of(ENGRAM_BATCH_ITEMS, "similarity_search", "enabled");
    engine->backpressure = engram_counter_of(ENGRAM_BACKPRESSURE, "adaptive_resize", "");
}

static inline void engram_register_cognition(struct engram_engine *engine)
{
    static const char *const completions[] = {"hippocampal", "neocortical"};
    for (int state = 0; state < ENGRAM_STATES; state++) {
        const char *name = engram_state_names[state];
        engine->hippocampal[state] = engram_gauge_of(ENGRAM_CLS_HIPPOCAMPAL, name, "");
        engine->neocortical[state] = engram_gauge_of(ENGRAM_CLS_NEOCORTICAL, name, "");
        if (state < ENGRAM_REMOTE)
            engine->transition[state] = engram_histogram_of(ENGRAM_CONSOLIDATION_TRANSITION, name,
                                                            engram_state_names[state + 1]);
    }
    for (int type = 0; type < ENGRAM_COMPLETIONS; type++)
        for (int is_false = 0; is_false < 2; is_false++)
            engine->completion[type][is_false] = engram_histogram_of(
                ENGRAM_COMPLETION_SCORE, completions[type], is_false ? "true" : "false");
    engine->drm_trials = engram_counter_of(ENGRAM_FALSE_MEMORY_TRIALS, "drm", "0.7");
    engine->drm_false = engram_counter_of(ENGRAM_FALSE_MEMORIES, "drm", "0.7");
    for (int i = 0; i < ENGRAM_BRANCHINGS; i++)
        engine->spread_depth[i] =
            engram_histogram_of(ENGRAM_SPREAD_DEPTH, "3", engram_branching_names[i]);
    for (int i = 0; i < ENGRAM_NETWORK_SIZES; i++)
        engine->coverage[i] =
            engram_gauge_of(ENGRAM_SPREAD_COVERAGE, engram_network_size_names[i], "");
}

static inline void engram_register_graph(struct engram_engine *engine)
{
    static const char *const queries[] = {"similarity", "batch_similarity"};
    static const char *const layers[] = {"0", "1", "2", "3"};
    for (int query = 0; query < ENGRAM_QUERIES; query++) {
        for (int layer = 0; layer < ENGRAM_LAYERS; layer++)
            engine->hops[query][layer] =
                engram_histogram_of(ENGRAM_TRAVERSAL_HOPS, queries[query], layers[layer]);
        engine->layer_transitions[query] =
            engram_counter_of(ENGRAM_LAYER_TRANSITIONS, queries[query], "");
    }
    engine->neighbor_reads = engram_counter_of(ENGRAM_NEIGHBOR_READS, "bf", "enabled");
    engine->neighbor_local_reads = engram_counter_of(ENGRAM_NEIGHBOR_LOCAL_READS, "bf", "enabled");
    engine->edge_compression = engram_gauge_of(ENGRAM_EDGE_COMPRESSION, "delta", "");
    engine->index_memory = engram_gauge_of(ENGRAM_INDEX_MEMORY, "", "");
}

static inline void engram_register_audit(struct engram_engine *engine)
{
    static const char *const kinds[] = {"dangling_edge", "asymmetric_edge", "duplicate_edge",
                                        "over_degree"};
    for (int kind = 0; kind < ENGRAM_VIOLATIONS; kind++)
        engine->audit_violations[kind] = engram_gauge_of(ENGRAM_HNSW_VIOLATIONS, kinds[kind], "");
    engine->audited_nodes = engram_counter_of(ENGRAM_HNSW_AUDITED_NODES, "", "");
    engine->audit_time = engram_gauge_of(ENGRAM_HNSW_AUDIT_TIME, "", "");
    engine->probe_recall = engram_gauge_of(ENGRAM_HNSW_PROBE_RECALL, "", "");
}

static inline void engram_register_workers(struct engram_engine *engine)
{
    engine->workers = engram_gauge_of(ENGRAM_WORKERS, "", "");
    engine->queue_depth = engram_gauge_of(ENGRAM_WORKER_QUEUE_DEPTH, "", "");
    engine->tasks = engram_counter_of(ENGRAM_WORKER_TASKS, "", "");
    engine->steals = engram_counter_of(ENGRAM_WORKER_STEALS, "", "");
    engine->steal_attempts = engram_counter_of(ENGRAM_WORKER_STEAL_ATTEMPTS, "", "");
}

static inline void engram_register_memory(struct engram_engine *engine)
{
    static const char *const pools[] = {"episode_arena", "vector_arena"};
    for (int pool = 0; pool < ENGRAM_POOLS; pool++) {
        engine->pool_utilization[pool] = engram_gauge_of(ENGRAM_POOL_UTILIZATION, pools[pool], "0");
        engine->pool_fragmentation[pool] =
            engram_gauge_of(ENGRAM_POOL_FRAGMENTATION, pools[pool], "");
    }
    engine->adaptations[ENGRAM_POOL_SHRINK] =
        engram_counter_of(ENGRAM_PRESSURE_ADAPTATION, "pool_shrink", "");
    engine->adaptations[ENGRAM_POOL_GROW] =
        engram_counter_of(ENGRAM_PRESSURE_ADAPTATION, "pool_grow", "");
    engine->zero_allocation_violations =
        engram_counter_of(ENGRAM_ZERO_ALLOCATION, "batch_processing", "");
    engine->allocations = engram_counter_of(ENGRAM_ALLOCATIONS, "64_byte", "");
    engine->aligned_allocations = engram_counter_of(ENGRAM_ALIGNED_ALLOCATIONS, "64_byte", "");
}

static inline void engram_register_reliability(struct engram_engine *engine)
{
    static const char *const triggers[][2] = {{"cache_miss_ratio", "0.8"},
                                              {"memory_pressure", "0.9"}};
    for (int i = 0; i < ENGRAM_TRIGGERS; i++) {
        engine->degradations[i] =
            engram_counter_of(ENGRAM_DEGRADATION, triggers[i][0], triggers[i][1]);
        engine->degraded[i] = engram_gauge_of(ENGRAM_DEGRADED, triggers[i][0], "");
    }
    engine->recovery = engram_histogram_of(ENGRAM_ERROR_RECOVERY, "memory_pressure", "");
    engine->lock_waits = engram_counter_of(ENGRAM_LOCK_FREE_CONTENTIONS, "store", "lock_wait");
    engine->cas_retries =
        engram_counter_of(ENGRAM_LOCK_FREE_CONTENTIONS, "work_counter", "cas_retry");
    engine->atomic_samples = engram_counter_of(ENGRAM_ATOMIC_SAMPLES, "fetch_add", "");
    engine->atomic_extra_cycles = engram_counter_of(ENGRAM_ATOMIC_EXTRA_CYCLES, "fetch_add", "");
}

/* Registers all of them; `simd` names the instruction set in use: avx512, avx2, sse42, neon or
 * scalar.  What cannot be registered stays invalid, and recording it does nothing. */
ENGRAM_FUNCTION void engram_engine_register(struct engram_engine *engine, const char *simd)
{
    engram_register_operations(engine, simd);
    engram_register_cognition(engine);
    engram_register_graph(engine);
    engram_register_audit(engine);
    engram_register_workers(engine);
    engram_register_memory(engine);
    engram_register_reliability(engine);
}

#endif
