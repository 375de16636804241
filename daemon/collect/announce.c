/* SPDX-License-Identifier: MIT */
#include "daemon/collect/announce.h"

static void tell_attached(const struct drain *drain, const struct plan_region *of)
{
    of->region->announced = ANNOUNCED_ATTACHED;
    feed_process(drain->feed, of->events, FEED_ATTACHED);
}

static void tell_ended(const struct drain *drain, const struct plan_region *of)
{
    drain_rest(drain, of);
    of->region->announced = ANNOUNCED_ENDED;
    feed_process(drain->feed, of->events, FEED_ENDED);
}

void announce(const struct drain *drain, const struct plan *before, const struct plan *now)
{
    for (uint32_t i = 0; i < now->region_count; i++) {
        const struct plan_region *here = &now->regions[i];
        here->region->plan = now;
        if (here->region->announced == ANNOUNCED_NOTHING)
            tell_attached(drain, here);
        if (!here->alive && here->region->announced == ANNOUNCED_ATTACHED)
            tell_ended(drain, here);
    }
    /* What died and was folded, or is not served any more, is in none but the plan before. */
    for (uint32_t i = 0; before && i < before->region_count; i++) {
        const struct plan_region *there = &before->regions[i];
        if (there->region->plan != now && there->region->announced == ANNOUNCED_ATTACHED)
            tell_ended(drain, there);
    }
}
