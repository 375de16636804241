/* SPDX-License-Identifier: MIT */
/* How many of the last minute's looks found a component healthy. */
#ifndef ENGRAMD_PASSES_H
#define ENGRAMD_PASSES_H

#include <stdint.h>

#include "daemon/health/finding.h"

#define PASSES_SECONDS 60

struct passes {
    uint64_t newest; /* second of CLOCK_MONOTONIC that was counted last */
    struct {
        uint32_t passed, known;
    } seconds[PASSES_SECONDS], sum;
};

/* At `now`, CLOCK_MONOTONIC in ns, which does not fall. */
void passes_take(struct passes *passes, uint64_t now, enum health_state found);

/* Healthy looks of those that found anything out; NAN where none did. */
double passes_ratio(const struct passes *passes);

#endif
