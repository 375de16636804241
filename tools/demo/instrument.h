/* SPDX-License-Identifier: MIT */
/*
 * What the demo records of the engine's work, in the families of the catalogue.
 * The engine itself knows nothing of metrics; this is the place to look for how
 * an engine is instrumented.
 */
#ifndef DEMO_INSTRUMENT_H
#define DEMO_INSTRUMENT_H

#include "tally.h"
#include "workload.h"

/* One for the process; its handles are shared by all threads. */
struct instruments {
    struct engram_engine engine;
    engram_event transition, false_memory, backpressure;
    uint64_t calibrated; /* cycles of an uncontended fetch_add */
};

/* One for each thread. */
struct recorder {
    const struct instruments *instruments;
    struct tally tally;
    uint64_t allocations; /* of the thread before the operation */
    engram_span span;
    uint32_t turn;
};

void instruments_register(struct instruments *instruments);

/* Around work_run(). */
void recorder_begin(struct recorder *recorder);
void recorder_end(struct recorder *recorder, const struct work_done *done);

/* How many tasks wait for how many workers. */
void record_workers(struct recorder *recorder, uint32_t workers, uint32_t waiting);

/* Sets the gauges and books what the engine counts itself since `before`. */
void record_info(struct recorder *recorder, const struct engine_info *before,
                 const struct engine_info *now);

/* Books nodes that were audited; `audit` is NULL unless that ended a round.  A recall that is NAN
 * is not known. */
void record_audit(struct recorder *recorder, uint64_t nodes, const struct graph_audit *audit,
                  double recall);

#endif
