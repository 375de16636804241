/* SPDX-License-Identifier: MIT */
#include "daemon/health/passes.h"

#include <math.h>
#include <string.h>

/* Empties the seconds that have passed since the last look. */
static void go_on(struct passes *passes, uint64_t second)
{
    if (second - passes->newest >= PASSES_SECONDS) {
        memset(passes, 0, sizeof *passes);
        passes->newest = second;
    }
    while (passes->newest < second) {
        uint64_t oldest = ++passes->newest % PASSES_SECONDS;
        passes->sum.passed -= passes->seconds[oldest].passed;
        passes->sum.known -= passes->seconds[oldest].known;
        memset(&passes->seconds[oldest], 0, sizeof passes->seconds[oldest]);
    }
}

void passes_take(struct passes *passes, uint64_t now, enum health_state found)
{
    uint64_t second = now / UINT64_C(1000000000);
    uint32_t passed = found == HEALTH_HEALTHY, known = found != HEALTH_UNKNOWN;
    go_on(passes, second);
    passes->seconds[second % PASSES_SECONDS].passed += passed;
    passes->seconds[second % PASSES_SECONDS].known += known;
    passes->sum.passed += passed;
    passes->sum.known += known;
}

double passes_ratio(const struct passes *passes)
{
    return passes->sum.known ? (double)passes->sum.passed / passes->sum.known : NAN;
}
