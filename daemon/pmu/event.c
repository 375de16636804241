/* SPDX-License-Identifier: MIT */
#include "daemon/pmu/event.h"

#include <linux/perf_event.h>

#define SOFTWARE(name, which)                                                                      \
    {                                                                                              \
        name, "software", .type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_##which              \
    }
#define HARDWARE(name, which)                                                                      \
    {                                                                                              \
        name, "pmu", .type = PERF_TYPE_HARDWARE, .config = PERF_COUNT_HW_##which                   \
    }
/* Reads of a cache; perf_event_open(2) has the encoding. */
#define CACHE(name, which, result)                                                                 \
    {                                                                                              \
        name, "pmu", .type = PERF_TYPE_HW_CACHE,                                                   \
                     .config = PERF_COUNT_HW_CACHE_##which | PERF_COUNT_HW_CACHE_OP_READ << 8 |    \
                               PERF_COUNT_HW_CACHE_RESULT_##result << 16                           \
    }

const struct pmu_group pmu_generic[PMU_GENERIC_GROUPS] = {
    {.events = {SOFTWARE("context_switches", CONTEXT_SWITCHES),
                SOFTWARE("cpu_migrations", CPU_MIGRATIONS),
                SOFTWARE("minor_faults", PAGE_FAULTS_MIN),
                SOFTWARE("major_faults", PAGE_FAULTS_MAJ)}},
    {.events = {HARDWARE("cycles", CPU_CYCLES), HARDWARE("instructions", INSTRUCTIONS),
                HARDWARE("branches", BRANCH_INSTRUCTIONS),
                HARDWARE("branch_misses", BRANCH_MISSES)}},
    {.events = {CACHE("l1d_loads", L1D, ACCESS), CACHE("l1d_load_misses", L1D, MISS),
                CACHE("llc_loads", LL, ACCESS), CACHE("llc_load_misses", LL, MISS)}},
    {.events = {HARDWARE("stalled_cycles_frontend", STALLED_CYCLES_FRONTEND),
                HARDWARE("stalled_cycles_backend", STALLED_CYCLES_BACKEND)}},
};
