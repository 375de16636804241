/* SPDX-License-Identifier: MIT */
/*
 * What the kernel counts for the threads of a process: each that it has when it is first looked at
 * is counted, and the kernel adds those which they start; one that is started in that very moment
 * may be counted twice.  One thread at a time.
 */
#ifndef ENGRAMD_PROCESS_EVENTS_H
#define ENGRAMD_PROCESS_EVENTS_H

#include "daemon/pmu/perf.h"

#include <stdint.h>

enum { PROCESS_SWITCHES, PROCESS_MIGRATIONS, PROCESS_EVENTS };

struct process_events {
    const struct perf_calls *calls;
    int (*files)[PROCESS_EVENTS]; /* of each thread */
    uint32_t threads;
    enum perf_reason reason;
};

/* Counts from now on, if that may be done and there are no more than `most` threads now; else with
 * the reason.  To be closed in either case. */
void process_events_open(struct process_events *events, const struct perf_calls *calls,
                         const char *sysroot, uint32_t pid, uint32_t most);

/* Since then; after the process has ended, what it was at its end.  0 where it is not counted. */
void process_events_read(const struct process_events *events, uint64_t counts[PROCESS_EVENTS]);
void process_events_close(struct process_events *events);

#endif
