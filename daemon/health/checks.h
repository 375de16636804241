/* SPDX-License-Identifier: MIT */
/* All checks that there are, each for its component. */
#ifndef ENGRAMD_CHECKS_H
#define ENGRAMD_CHECKS_H

#include "daemon/health/canary.h"
#include "daemon/health/health.h"
#include "daemon/machine/threads.h"
#include "daemon/sensors/numa_sensor.h"
#include "daemon/sensors/pmu_sensor.h"
#include "daemon/snapshot/snapshot.h"

struct checks;

/* What they look at: /proc and /sys below `sysroot`, and what lives longer than they do. */
struct check_sources {
    const char *sysroot;
    struct threads *threads;
    struct canary *canary;
    struct numa_sensor *numa;
    const struct pmu_sensor *pmu;
    struct snapshot_store *store; /* what processes say */
};

/* Makes them and sets them; NULL when there is no memory. */
struct checks *checks_new(struct health *health, const struct check_sources *sources);

/* Those that learn what is usual begin anew; for any thread. */
void checks_learn(struct checks *checks);

/* When the health assesses nothing any more. */
void checks_free(struct checks *checks);

#endif
