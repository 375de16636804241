/* SPDX-License-Identifier: MIT */
/*
 * One thread per socket, pinned to it, that sums the copies of its own CPUs and
 * nodes on every tick and publishes them.  It also drains their event rings.
 */
#ifndef ENGRAMD_COLLECTOR_H
#define ENGRAMD_COLLECTOR_H

#include "daemon/self.h"
#include "daemon/snapshot.h"

struct collectors;

/* Starts the threads; NULL when that fails, with errno. */
struct collectors *collectors_start(struct snapshot_store *store, const struct topology *topology,
                                    struct self *self, uint32_t tick_ms);
void collectors_stop(struct collectors *collectors);

/* One collection for every socket by the calling thread, for --once. */
void collect_once(struct snapshot_store *store, const struct topology *topology, struct self *self);

#endif
