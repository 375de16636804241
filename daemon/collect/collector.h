/* SPDX-License-Identifier: MIT */
/*
 * One thread per socket, pinned to it, that sums the copies of its own CPUs and
 * nodes on every tick and publishes them.  It also drains their event rings.
 *
 * A thread that hangs is noticed, its socket's values are left out of what is
 * shown, and another thread takes its place.
 */
#ifndef ENGRAMD_COLLECTOR_H
#define ENGRAMD_COLLECTOR_H

#include "daemon/base/pace.h"
#include "daemon/pmu/pmu.h"
#include "daemon/self.h"
#include "daemon/snapshot/snapshot.h"
#include "daemon/stream/feed.h"

struct collectors;

/* What they work with, which lives longer than they do. */
struct collector_options {
    struct snapshot_store *store;
    const struct topology *topology;
    struct self *self;
    struct pace *pace;
    struct feed *feed; /* NULL: nobody asks for events */
    struct pmu *pmu;   /* NULL: nothing is counted */
};

/* Starts the threads; NULL when that fails, with errno. */
struct collectors *collectors_start(const struct collector_options *with);

/* False when a thread hangs: it is left behind, and with it all that it works
 * with, which must not be freed. */
bool collectors_stop(struct collectors *collectors);

/* Looks after the threads; to be called a few times a second, by one thread, which never waits. */
void collectors_supervise(struct collectors *collectors);

/* One collection for every socket by the calling thread, for --once. */
void collect_once(struct snapshot_store *store, const struct topology *topology, struct self *self);

#endif
