/* SPDX-License-Identifier: MIT */
#include "daemon/machine/live.h"
#include "daemon/base/clock.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

struct figure {
    _Atomic uint64_t time; /* CLOCK_MONOTONIC, ns; 0: never yet */
    _Atomic double value;
};

struct live {
    uint32_t counts[LIVE_KINDS];
    struct figure *figures[LIVE_KINDS];
};

struct live *live_new(uint32_t cpus, uint32_t nodes)
{
    struct live *live = calloc(1, sizeof *live);
    if (!live)
        return NULL;
    live->counts[LIVE_CPU_BUSY] = cpus;
    live->counts[LIVE_NODE_TAKEN] = nodes;
    live->counts[LIVE_LINKS_BUSY] = 1;
    for (int kind = 0; kind < LIVE_KINDS; kind++)
        if (!(live->figures[kind] = calloc(live->counts[kind], sizeof(struct figure)))) {
            live_free(live);
            return NULL;
        }
    return live;
}

void live_free(struct live *live)
{
    for (int kind = 0; kind < LIVE_KINDS; kind++)
        free(live->figures[kind]);
    free(live);
}

void live_set(struct live *live, enum live_kind kind, uint32_t number, double value)
{
    if (number >= live->counts[kind])
        return;
    atomic_store(&live->figures[kind][number].value, value);
    atomic_store(&live->figures[kind][number].time, clock_monotonic());
}

double live_get(const struct live *live, enum live_kind kind, uint32_t number)
{
    if (number >= live->counts[kind])
        return NAN;
    const struct figure *figure = &live->figures[kind][number];
    uint64_t time = atomic_load(&figure->time), now = clock_monotonic();
    return time == 0 || (now > time && now - time > LIVE_LIFETIME) ? NAN
                                                                   : atomic_load(&figure->value);
}
