/* SPDX-License-Identifier: MIT */
/*
 * Events of all CPUs, and of boxes that the CPUs of a socket share: each socket's collector
 * counts its own, and whoever wants to know gets the sums of all.  What fails in one place costs
 * its own share.
 */
#ifndef ENGRAMD_PMU_H
#define ENGRAMD_PMU_H

#include "daemon/machine/topology.h"
#include "daemon/pmu/event.h"
#include "daemon/pmu/perf.h"

struct pmu;

/* Counts `groups`, of which it keeps a copy, on a topology that lives as long as it does.  NULL
 * when there is no memory. */
struct pmu *pmu_new(const struct topology *topology, const struct pmu_group *groups, uint32_t count,
                    const struct perf_calls *calls);

/* Once nobody collects any more. */
void pmu_free(struct pmu *pmu);

/* Opens what is not open and reads what is, if it is its turn: each CPU's and box's comes twice a
 * second. For the socket's collector; never waits for another one that hangs here. */
void pmu_collect(struct pmu *pmu, uint32_t socket);

/* What is known of an event now. */
struct pmu_count {
    enum perf_reason reason; /* PERF_COUNTS: in one place at least */
    double total;            /* since the start; neither falls nor rises for what was not counted */
    double coverage;         /* share of the time in which it was counted; NAN: not known */
    uint32_t places;         /* CPUs or boxes that have it */
    uint32_t counting;       /* those of them that told something */
    uint64_t time;           /* of the last read, CLOCK_MONOTONIC, ns; 0: none yet */
};

uint32_t pmu_event_count(const struct pmu *pmu);
const struct pmu_event *pmu_event(const struct pmu *pmu, uint32_t event);

#define PMU_ALL_SOCKETS UINT32_MAX

/* For any thread; of one socket or of all. */
struct pmu_count pmu_counted(struct pmu *pmu, uint32_t event, uint32_t socket);

#endif
