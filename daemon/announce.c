/* SPDX-License-Identifier: MIT */
#include "daemon/announce.h"

static void tell(struct feed *feed, const struct plan_region *of, enum announced state,
                 enum feed_what what)
{
    of->region->announced = state;
    feed_process(feed, of->events, what);
}

void announce(struct feed *feed, const struct plan *before, const struct plan *now)
{
    for (uint32_t i = 0; i < now->region_count; i++) {
        const struct plan_region *here = &now->regions[i];
        here->region->plan = now;
        if (here->alive && here->region->announced == ANNOUNCED_NOTHING)
            tell(feed, here, ANNOUNCED_ATTACHED, FEED_ATTACHED);
        else if (!here->alive && here->region->announced == ANNOUNCED_ATTACHED)
            tell(feed, here, ANNOUNCED_ENDED, FEED_ENDED);
    }
    /* What died and was folded, or is not served any more, is in none but the plan before. */
    for (uint32_t i = 0; before && i < before->region_count; i++) {
        const struct plan_region *there = &before->regions[i];
        if (there->region->plan != now && there->region->announced == ANNOUNCED_ATTACHED)
            tell(feed, there, ANNOUNCED_ENDED, FEED_ENDED);
    }
}
