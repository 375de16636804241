/* SPDX-License-Identifier: MIT */
/*
 * A group of events on one CPU: opened together, read in one call, and turned
 * into what has happened since the last read.  Events that cannot be had leave a
 * reason, and the others count without them.
 */
#ifndef ENGRAMD_GROUP_H
#define ENGRAMD_GROUP_H

#include <stdbool.h>

#include "daemon/pmu/event.h"
#include "daemon/pmu/perf.h"

/* Of which less was counted tells nothing. */
#define GROUP_COVERAGE_LEAST 0.1

struct group {
    const struct pmu_group *of;
    int files[PMU_GROUP_MOST]; /* -1: not counted */
    enum perf_reason reasons[PMU_GROUP_MOST];
    bool primed;                                       /* what is below is of reads before */
    uint64_t seen;                                     /* enabled, at the last one */
    uint64_t enabled, running, values[PMU_GROUP_MOST]; /* where the stretch began */
    double coverage; /* of the last stretch that told something; NAN: none has */
};

/* Opens nothing yet. */
void group_init(struct group *group, const struct pmu_group *of);

/* Opens what can be had, unless something of it is open; false when nothing is. */
bool group_open(struct group *group, const struct perf_calls *calls, int cpu);
void group_close(struct group *group, const struct perf_calls *calls);

/* Whether something of it may be had later that cannot be now: its CPU comes back, say. */
bool group_may_come(const struct group *group);

/*
 * What has happened on this CPU since it was told last: scaled to all of the time, and never
 * negative.  The kernel gives counters in turns, and from too short a stretch nothing can be said
 * of the whole: that waits for the next reads, up to five seconds, and is not counted at all if
 * there was still too little.  False when it tells nothing yet, or fails, and then the group is
 * closed.
 */
bool group_read(struct group *group, const struct perf_calls *calls, double events[PMU_GROUP_MOST]);

#endif
