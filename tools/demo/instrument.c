/* SPDX-License-Identifier: MIT */
#include "instrument.h"
#include "allocations.h"
#include "fault.h"

#include <math.h>
#include <stdatomic.h>
#include <time.h>

#define SAMPLE_EVERY 16 /* operations, a power of two */
#define CALIBRATIONS 1000
#define DEGRADED_SLOTS 1024 /* of 4096 */

_Static_assert((int)ENGINE_STATUSES == (int)ENGRAM_STATUSES, "statuses map one to one");
_Static_assert((int)CUE_TYPES == (int)ENGRAM_CUES, "cues map one to one");
_Static_assert((int)BACKPRESSURE_KINDS == (int)ENGRAM_PRESSURES, "pressures map one to one");
_Static_assert((int)POOL_KINDS == (int)ENGRAM_POOLS, "pools map one to one");
_Static_assert((int)MEMORY_STATES == (int)ENGRAM_STATES, "states map one to one");
_Static_assert((int)GRAPH_VIOLATIONS == (int)ENGRAM_VIOLATIONS, "violations map one to one");

#ifdef __x86_64__
static atomic_ulong contended; /* what the sampled fetch_add adds to, from all threads */

static uint64_t cycles(void)
{
    return __builtin_ia32_rdtsc();
}
#endif

static engram_event event_named(const char *name, const char *help)
{
    struct engram_spec spec = {.name = engram_string(name), .help = engram_string(help)};
    return engram_event_register(&spec);
}

/* Cycles of a fetch_add that nobody contends for: the least that was ever seen. */
static uint64_t calibrate(void)
{
    uint64_t least = UINT64_MAX;
#ifdef __x86_64__
    for (int i = 0; i < CALIBRATIONS; i++) {
        uint64_t start = cycles();
        atomic_fetch_add(&contended, 1);
        uint64_t took = cycles() - start;
        least = took < least ? took : least;
    }
#endif
    return least;
}

void instruments_register(struct instruments *to)
{
    engram_engine_register(&to->engine, vector_simd_name());
    to->transition = event_named("consolidation_transition", "An episode changed its state.");
    to->false_memory = event_named("false_memory", "A completion was never stored.");
    to->backpressure = event_named("backpressure", "A batch was held back.");
    to->calibrated = calibrate();
}

/* A line that all cores of a large machine want comes round in less; beyond it the thread, or its
 * machine, was not running, and the sample tells nothing. */
#define CYCLES_MOST 20000

static void sample_contention(struct recorder *r)
{
#ifdef __x86_64__
    uint64_t start = cycles();
    atomic_fetch_add(&contended, 1);
    uint64_t took = cycles() - start + fault_cycles(), floor = r->instruments->calibrated;
    if (took > CYCLES_MOST)
        return;
    tally_add(&r->tally, r->instruments->engine.atomic_samples, 1);
    tally_add(&r->tally, r->instruments->engine.atomic_extra_cycles,
              took > floor ? took - floor : 0);
#else
    (void)r; /* no cycle counter to read: absent, not zero */
#endif
}

void recorder_begin(struct recorder *r)
{
    r->allocations = allocations_made();
    r->span = engram_span_begin();
}

static void record_cost(struct recorder *r, const struct engine_cost *cost, enum engram_query query,
                        uint32_t searches)
{
    const struct engram_engine *e = &r->instruments->engine;
    for (int layer = 0; layer < ENGRAM_LAYERS && searches; layer++)
        if (cost->graph.hops[layer])
            tally_record(&r->tally, e->hops[query][layer],
                         (double)cost->graph.hops[layer] / searches);
    tally_add(&r->tally, e->layer_transitions[query], cost->graph.layer_transitions);
    tally_add(&r->tally, e->neighbor_reads, cost->graph.reads);
    tally_add(&r->tally, e->neighbor_local_reads, cost->graph.local_reads);
    if (cost->lock_waits) /* rare */
        tally_add(&r->tally, e->lock_waits, cost->lock_waits);
    if (cost->cas_retries)
        tally_add(&r->tally, e->cas_retries, cost->cas_retries);
}

static void record_recovery(struct recorder *r, uint64_t ns)
{
    if (ns)
        tally_record(&r->tally, r->instruments->engine.recovery, (double)ns * 1e-6);
}

static void record_batch(struct recorder *r, const struct batch_result *batch,
                         enum engram_batch kind, double seconds)
{
    const struct engram_engine *e = &r->instruments->engine;
    unsigned size = engram_batch_size(batch->requested);
    tally_record(&r->tally, e->batch[kind][size][batch->backpressure], seconds);
    tally_add(&r->tally, e->batch_items[kind], batch->completed);
    tally_add(&r->tally, e->backpressure, batch->resizes);
    if (batch->resizes)
        engram_event_emit(r->instruments->backpressure, batch->requested, batch->smallest_chunk);
    tally_add(&r->tally, e->zero_allocation_violations, allocations_made() - r->allocations);
    record_cost(r, &batch->cost, ENGRAM_BATCH_SIMILARITY, batch->completed);
    record_recovery(r, batch->recovery_ns);
}

static void record_completion(struct recorder *r, const struct completion_result *completion,
                              bool drm)
{
    const struct engram_engine *e = &r->instruments->engine;
    const struct completion_verdict *verdict = &completion->verdict;
    bool is_false = verdict->false_memory && verdict->accepted;
    tally_record(&r->tally, e->completion[completion->type][is_false], verdict->plausibility);
    record_cost(r, &completion->cost, ENGRAM_SIMILARITY, 1);
    if (is_false)
        engram_event_emit(r->instruments->false_memory, completion->type, drm);
    if (!drm)
        return;
    tally_add(&r->tally, e->drm_trials, 1);
    tally_add(&r->tally, e->drm_false, is_false);
}

static void record_spread(struct recorder *r, const struct spread_result *spread)
{
    const struct engram_engine *e = &r->instruments->engine;
    tally_record(&r->tally, e->spread_depth[engram_branching(spread->branching_factor)],
                 spread->depth);
    if (spread->coverage > 0)
        engram_gauge_set(e->coverage[engram_network_size(spread->activated / spread->coverage)],
                         spread->coverage);
}

static void record_consolidation(struct recorder *r, const struct consolidation_result *result)
{
    const struct engram_engine *e = &r->instruments->engine;
    for (uint32_t i = 0; i < result->count; i++) {
        const struct memory_transition *t = &result->transitions[i];
        tally_record(&r->tally, e->transition[t->from], (double)t->dwell_ns * 1e-6);
        engram_event_emit(r->instruments->transition, t->from, t->to);
    }
}

/* A store that was shrunk by much is the engine's degraded mode: it remembers less. */
static void record_adapt(struct recorder *r, const struct adapt_result *adapt)
{
    const struct engram_engine *e = &r->instruments->engine;
    bool shrunk = adapt->action == POOL_SHRINK;
    tally_add(&r->tally, e->adaptations[shrunk ? ENGRAM_POOL_SHRINK : ENGRAM_POOL_GROW], 1);
    bool degraded = shrunk && adapt->slots >= DEGRADED_SLOTS;
    tally_add(&r->tally, e->degradations[ENGRAM_MEMORY_PRESSURE], degraded);
    engram_gauge_set(e->degraded[ENGRAM_MEMORY_PRESSURE], degraded);
}

static void record_task(struct recorder *r, enum task_source source)
{
    const struct engram_engine *e = &r->instruments->engine;
    tally_add(&r->tally, e->tasks, source == TASK_OWN || source == TASK_STOLEN);
    tally_add(&r->tally, e->steal_attempts, source == TASK_STOLEN || source == TASK_FAILED);
    tally_add(&r->tally, e->steals, source == TASK_STOLEN);
}

void record_workers(struct recorder *r, uint32_t workers, uint32_t waiting)
{
    engram_gauge_set(r->instruments->engine.workers, workers);
    engram_gauge_set(r->instruments->engine.queue_depth, waiting);
}

void recorder_end(struct recorder *r, const struct work_done *done)
{
    const struct engram_engine *e = &r->instruments->engine;
    double seconds = (double)engram_span_end(r->span, (engram_histogram){0}) * 1e-9;
    if (++r->turn % SAMPLE_EVERY == 0)
        sample_contention(r);
    if (done->source != TASK_NONE)
        record_task(r, done->source);
    switch (done->kind) {
    case WORK_STORE:
        tally_record(&r->tally, e->store[done->result.store.status], seconds);
        record_cost(r, &done->result.store.cost, ENGRAM_SIMILARITY, 1);
        record_recovery(r, done->result.store.recovery_ns);
        break;
    case WORK_RECALL:
        tally_record(&r->tally, e->recall[done->result.recall.status][done->result.recall.cue_type],
                     seconds);
        record_cost(r, &done->result.recall.cost, ENGRAM_SIMILARITY, 1);
        break;
    case WORK_BATCH_STORE:
    case WORK_BATCH_RECALL:
        record_batch(r, &done->result.batch,
                     done->kind == WORK_BATCH_STORE ? ENGRAM_BATCH_STORE : ENGRAM_BATCH_RECALL,
                     seconds);
        break;
    case WORK_COMPLETE:
    case WORK_DRM_TRIAL:
        record_completion(r, &done->result.completion, done->kind == WORK_DRM_TRIAL);
        break;
    case WORK_SPREAD:
        record_spread(r, &done->result.spread.spread);
        break;
    case WORK_CONSOLIDATE:
        record_consolidation(r, &done->result.consolidation);
        break;
    case WORK_ADAPT:
        record_adapt(r, &done->result.adapt);
        break;
    default:
        break;
    }
}

void record_info(struct recorder *r, const struct engine_info *before,
                 const struct engine_info *now)
{
    const struct engram_engine *e = &r->instruments->engine;
    for (int state = 0; state < MEMORY_STATES; state++) {
        if (!now->cls[state].recalls)
            continue; /* no recall, no weight */
        engram_gauge_set(e->hippocampal[state], now->cls[state].hippocampal);
        engram_gauge_set(e->neocortical[state], now->cls[state].neocortical);
    }
    for (int pool = 0; pool < POOL_KINDS; pool++) {
        const struct pool_stats *stats = &now->pools[pool], *last = &before->pools[pool];
        engram_gauge_set(e->pool_utilization[pool], stats->utilisation);
        engram_gauge_set(e->pool_fragmentation[pool], stats->fragmentation);
        tally_add(&r->tally, e->allocations, stats->allocations - last->allocations);
        tally_add(&r->tally, e->aligned_allocations,
                  stats->aligned_allocations - last->aligned_allocations);
    }
    engram_gauge_set(e->edge_compression, now->edge_compression);
    engram_gauge_set(e->index_memory, (double)now->index_bytes);
}

void record_audit(struct recorder *r, uint64_t nodes, const struct graph_audit *audit,
                  double recall)
{
    const struct engram_engine *e = &r->instruments->engine;
    struct timespec now;
    tally_add(&r->tally, e->audited_nodes, nodes);
    if (!isnan(recall))
        engram_gauge_set(e->probe_recall, recall);
    if (!audit)
        return;
    for (int kind = 0; kind < GRAPH_VIOLATIONS; kind++)
        engram_gauge_set(e->audit_violations[kind], (double)audit->last[kind]);
    clock_gettime(CLOCK_REALTIME, &now);
    engram_gauge_set(e->audit_time, (double)now.tv_sec + (double)now.tv_nsec * 1e-9);
}
