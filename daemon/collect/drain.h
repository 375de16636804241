/* SPDX-License-Identifier: MIT */
/*
 * Takes events out of the rings of a region and hands them to the feed.  Each is
 * handed over once, whoever drains: a collector on each tick, another in its
 * place, or discovery, once a process has ended.
 */
#ifndef ENGRAMD_DRAIN_H
#define ENGRAMD_DRAIN_H

#include "daemon/base/pace.h"
#include "daemon/self.h"
#include "daemon/snapshot/plan.h"
#include "daemon/stream/feed.h"

/* On whose behalf. */
struct drain {
    const struct topology *topology;
    struct self *self;
    struct feed *feed; /* NULL: nobody asks for events, which are counted all the same */
    const struct pace *pace;
    uint32_t socket; /* whose rings they are, or ANY_SOCKET for all */
};

/* What one look at a ring found; nothing has been taken. */
struct drain_look {
    struct ring_place *place;
    uint64_t before, after;
    struct drained drained;
};

/* Reads the mapping, and so must run inside guard_run(). */
void drain_look(const struct plan_region *region, struct copy copy, struct drain_look *look);
/* Whether what was found is the caller's: another may have taken it meanwhile. */
bool drain_take(struct drain_look *look);

/* All rings of the socket; events of kinds that the plan cannot name yet are left for a while.
 * Inside guard_run(). */
void drain_rings(const struct drain *drain, const struct plan_region *region);

/* What is left in all rings of a process that has ended.  Not inside guard_run(). */
void drain_rest(const struct drain *drain, const struct plan_region *region);

#endif
