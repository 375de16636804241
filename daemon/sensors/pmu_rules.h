/* SPDX-License-Identifier: MIT */
/* Which figures follow from which events of all CPUs: a table. */
#ifndef ENGRAMD_PMU_RULES_H
#define ENGRAMD_PMU_RULES_H

#include "daemon/snapshot/figures.h"

enum formula {
    FORMULA_COUNT, /* the sum since the start; all others are of the last ten seconds */
    FORMULA_PER_SECOND,
    FORMULA_SHARE,   /* 0 to 1 */
    FORMULA_PERCENT, /* 0 to 100 */
    FORMULA_HIT,     /* 1 less the share */
    FORMULA_LATENCY, /* cycles by loads, in nanoseconds */
};

struct pmu_term {
    const char *event; /* NULL: no more */
    double weight;
};

#define PMU_TERMS 8

struct pmu_rule {
    enum engram_family family;
    enum formula formula;
    const char *labels;
    struct pmu_term of[PMU_TERMS], by[PMU_TERMS]; /* sums; `by` where the formula has two */
};

/* For FORMULA_LATENCY: reference cycles by those of cores.  No figure. */
extern const struct pmu_rule pmu_cycle;
extern const struct pmu_rule pmu_rules[];
extern const uint32_t pmu_rule_count;

#endif
