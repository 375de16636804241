/* SPDX-License-Identifier: MIT */
#include "daemon/health/hysteresis.h"

static unsigned count(unsigned in_a_row, bool again)
{
    return again ? in_a_row + 1 : 0;
}

static void take_in(struct hysteresis *h, enum health_state found)
{
    bool known = found != HEALTH_UNKNOWN;
    bool better = known && (h->shown == HEALTH_UNKNOWN || found < h->shown);
    if (better && (h->better == 0 || found > h->best))
        h->best = found;
    h->unknown = count(h->unknown, !known);
    h->bad = count(h->bad, found >= HEALTH_DEGRADED);
    h->failed = count(h->failed, found == HEALTH_UNHEALTHY);
    h->better = count(h->better, better);
}

static void show(struct hysteresis *h, enum health_state state)
{
    h->shown = state;
    h->better = 0;
}

enum health_state hysteresis_step(struct hysteresis *h, enum health_state found)
{
    take_in(h, found);
    if (h->unknown >= HYSTERESIS_RECOVER)
        show(h, HEALTH_UNKNOWN);
    else if (h->failed >= HYSTERESIS_FAIL)
        show(h, HEALTH_UNHEALTHY);
    else if (h->bad >= HYSTERESIS_DEGRADE && h->shown < HEALTH_DEGRADED)
        show(h, HEALTH_DEGRADED);
    else if (h->better >= HYSTERESIS_RECOVER)
        show(h, h->best);
    return h->shown;
}
