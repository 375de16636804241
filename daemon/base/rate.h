/* SPDX-License-Identifier: MIT */
/*
 * How much a counter has risen lately, over a window that moves along: from the
 * oldest value that is kept to the newest, and so over less than the window at
 * first, and up to a tenth more than it later.
 */
#ifndef ENGRAMD_RATE_H
#define ENGRAMD_RATE_H

#include <stdint.h>

#define RATE_STEPS 10

struct rate {
    uint64_t window; /* ns; set it, and leave the rest at zero */
    uint32_t first, count;
    struct {
        uint64_t time, value;
    } kept[RATE_STEPS + 1];
};

struct rise {
    uint64_t by, ns; /* within that time; 0 ns: not known yet */
};

/* Takes in the counter's value at `now`, ns.  A counter that falls, or that was not looked at for
 * longer than the window, starts anew. */
struct rise rate_take(struct rate *rate, uint64_t now, uint64_t value);

/* NAN if not known. */
double rise_per_second(struct rise rise);

#endif
