/* SPDX-License-Identifier: MIT */
#include "daemon/health/checks.h"
#include "daemon/health/cache_check.h"
#include "daemon/health/errors_check.h"
#include "daemon/health/hnsw_check.h"
#include "daemon/health/memory_check.h"
#include "daemon/health/numa_check.h"
#include "daemon/health/threads_check.h"

#include <stdlib.h>

struct checks {
    struct memory_check *memory;
    struct errors_check *errors;
    struct threads_check *threads;
    struct cache_check *cache;
};

struct checks *checks_new(struct health *health, const struct check_sources *sources)
{
    struct checks *checks = calloc(1, sizeof *checks);
    if (!checks)
        return NULL;
    checks->memory = memory_check_new(sources->sysroot);
    checks->errors = errors_check_new(sources->sysroot);
    checks->threads = threads_check_new(sources->threads, sources->store);
    checks->cache = cache_check_new(sources->pmu);
    if (!checks->memory || !checks->errors || !checks->threads || !checks->cache) {
        checks_free(checks);
        return NULL;
    }
    health_set_check(health, HEALTH_MEMORY_PRESSURE, memory_check_look, checks->memory);
    health_set_check(health, HEALTH_CACHE_COHERENCE, cache_check_look, checks->cache);
    health_set_check(health, HEALTH_HARDWARE_ERRORS, errors_check_look, checks->errors);
    health_set_check(health, HEALTH_THREAD_POOL, threads_check_look, checks->threads);
    health_set_check(health, HEALTH_SIMD_CORRECTNESS, canary_look, sources->canary);
    health_set_check(health, HEALTH_HNSW_INTEGRITY, hnsw_check_look, sources->store);
    health_set_check(health, HEALTH_NUMA_TOPOLOGY, numa_check_look, sources->numa);
    return checks;
}

void checks_learn(struct checks *checks)
{
    cache_check_learn(checks->cache);
}

void checks_free(struct checks *checks)
{
    if (checks->memory)
        memory_check_free(checks->memory);
    if (checks->errors)
        errors_check_free(checks->errors);
    if (checks->threads)
        threads_check_free(checks->threads);
    if (checks->cache)
        cache_check_free(checks->cache);
    free(checks);
}
