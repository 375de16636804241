/* SPDX-License-Identifier: MIT */
/*
 * Faults that the demo has when it is asked to, for who wants to see alerts: what an engine with
 * such a fault would do, or would say of itself.
 */
#ifndef DEMO_FAULT_H
#define DEMO_FAULT_H

#include "workload.h"

/* One for each: X(identifier, name, help). */
#define FAULTS(X)                                                                                  \
    X(ALLOCATION, "allocation", "batches allocate memory")                                         \
    X(ATOMICS, "atomics", "each atomic addition takes 400 cycles longer")                          \
    X(AUDIT, "audit", "the audit of the graph finds violations")                                   \
    X(CONTENTION, "contention", "each recall waits a hundred times for a lock")                    \
    X(DEGRADATION, "degradation", "the store is shrunk by all of it, again and again")             \
    X(FALSE_MEMORIES, "false-memories", "all completions are false and accepted")                  \
    X(FRAGMENTATION, "fragmentation", "the pools are fragmented")                                  \
    X(IMBALANCE, "imbalance", "recalls come from one memory system alone")                         \
    X(MISALIGNED, "misaligned", "a tenth of the allocations is not aligned")                       \
    X(SLOW_RECALL, "slow-recall", "each recall takes a millisecond longer")                        \
    X(STALLED_CONSOLIDATION, "stalled-consolidation", "no episode changes its state")              \
    X(STALLED_WORKERS, "stalled-workers", "upkeep is left undone in its queues")

#define FAULT_NUMBER(identifier, name, help) FAULT_##identifier,
enum fault { FAULTS(FAULT_NUMBER) FAULT_COUNT };

/* Takes in "NAME", "NAME:START" or "NAME:START:SECONDS": from so many seconds after the start on, 0
 * if not given, for so long, else to the end.  False when it is none. */
bool fault_add(const char *text);

/* What is on so many seconds after the start; for one thread, while others look. */
void fault_at(double seconds);
bool fault_is_on(enum fault fault);

/* Changes what an operation did, before its time is taken, ... */
void fault_spoil_work(struct work_done *done);
/* What is added to the cycles of an atomic addition. */
uint64_t fault_cycles(void);
/* ... what the engine says of itself, and what an audit found. */
void fault_spoil_info(const struct engine_info *before, struct engine_info *info);
void fault_spoil_audit(struct graph_audit *audit);

#endif
