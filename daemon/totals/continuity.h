/* SPDX-License-Identifier: MIT */
/*
 * Counters that survive their processes and this daemon.  When nobody writes to
 * a region any more, its final values are added to the totals, the totals are
 * written to the state directory together with the region's nonce, and only once
 * they are safe there does the region go: it is shown as part of the totals or
 * by itself, never as both and never as neither, whatever is killed when.
 *
 * Belongs to the discovery thread.
 */
#ifndef ENGRAMD_CONTINUITY_H
#define ENGRAMD_CONTINUITY_H

#include "daemon/machine/topology.h"
#include "daemon/regions/found.h"
#include "daemon/self.h"
#include "daemon/totals/forget_order.h"
#include "daemon/totals/state.h"

struct continuity;

struct continuity_options {
    const char *state_dir;
    struct state *state; /* NULL: the totals are read but nothing is folded, for now */
    const struct topology *topology;
    struct self *self;
    struct forget_order *order; /* whose orders it follows, or NULL */
    uint64_t forget_after;      /* s after its last process ended a name's totals are dropped */
    uint32_t series_limit;      /* of one process name */
};

/* Reads the totals.  NULL, and the log says why, when they are there but cannot be read, or when
 * there is no memory.  The state stays the caller's. */
struct continuity *continuity_new(const struct continuity_options *options);
void continuity_free(struct continuity *continuity);

/* The totals as they are shown now; borrowed until the next continuity_step(). */
struct totals *continuity_totals(const struct continuity *continuity);

/*
 * Takes note of a write that has ended, and folds what has died.  `complete`: the
 * last scan saw every directory whole, so a file that is not among the found is
 * gone.  True when a plan must follow.
 */
bool continuity_step(struct continuity *continuity, struct found *found, bool complete);

/* A descriptor that becomes readable when a write has ended, -1 as long as nothing is folded; and
 * whether it is. */
int continuity_written_fd(const struct continuity *continuity);
bool continuity_folds(const struct continuity *continuity);

/* For any thread, once: the state could not be opened before and is open now; it stays the
 * caller's. */
void continuity_offer(struct continuity *continuity, struct state *state);

#endif
