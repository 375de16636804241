/* SPDX-License-Identifier: MIT */
#include "daemon/base/rate.h"

#include <math.h>

#define KEPT (RATE_STEPS + 1)

static uint32_t newest_of(const struct rate *rate)
{
    return (rate->first + rate->count - 1) % KEPT;
}

static void keep(struct rate *rate, uint64_t now, uint64_t value)
{
    if (rate->count == KEPT) {
        rate->first = (rate->first + 1) % KEPT;
        rate->count--;
    }
    rate->count++;
    uint32_t newest = newest_of(rate);
    rate->kept[newest].time = now;
    rate->kept[newest].value = value;
}

static void forget_old(struct rate *rate, uint64_t now)
{
    while (rate->count &&
           now - rate->kept[rate->first].time > rate->window + rate->window / RATE_STEPS) {
        rate->first = (rate->first + 1) % KEPT;
        rate->count--;
    }
}

struct rise rate_take(struct rate *rate, uint64_t now, uint64_t value)
{
    struct rise rise = {0, 0};
    if (rate->count && value < rate->kept[newest_of(rate)].value)
        rate->count = 0;
    forget_old(rate, now);
    if (rate->count)
        rise = (struct rise){value - rate->kept[rate->first].value,
                             now - rate->kept[rate->first].time};
    if (rate->count == 0 || now - rate->kept[newest_of(rate)].time >= rate->window / RATE_STEPS)
        keep(rate, now, value);
    return rise;
}

double rise_per_second(struct rise rise)
{
    return rise.ns ? (double)rise.by * 1e9 / (double)rise.ns : NAN;
}
