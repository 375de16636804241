/* SPDX-License-Identifier: MIT */
/*
 * cache_coherence: how often cores load lines that others have just changed, against what is usual
 * on this machine.  What is usual is learned, from the first minutes on, as long as nothing is
 * amiss.
 */
#ifndef ENGRAMD_CACHE_CHECK_H
#define ENGRAMD_CACHE_CHECK_H

#include "daemon/health/finding.h"
#include "daemon/sensors/pmu_sensor.h"

/* Until it is known what is usual, ns. */
#define CACHE_CHECK_LEARNING UINT64_C(300000000000)

struct cache_check;

/* NULL when there is no memory. */
struct cache_check *cache_check_new(const struct pmu_sensor *pmu);
void cache_check_free(struct cache_check *check);

/* What is usual is learned anew; for any thread. */
void cache_check_learn(struct cache_check *check);

/* A health_check; its argument is a cache_check. */
struct finding cache_check_look(void *check);

#endif
