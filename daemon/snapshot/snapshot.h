/* SPDX-License-Identifier: MIT */
/*
 * Publish and retire: the one place where threads meet.  Discovery publishes a
 * plan, each collector its part of the values, and readers take the whole of
 * them without a lock.  The only user of liburcu.
 *
 * A snapshot is put together from parts of one and the same plan, so a series
 * is never read by two plans at once; while a new plan spreads to all collectors
 * (a tick), the last whole snapshot stands.  A socket that hands in nothing for
 * too long is left out: what it had is absent, not old.
 */
#ifndef ENGRAMD_SNAPSHOT_H
#define ENGRAMD_SNAPSHOT_H

#include "daemon/machine/topology.h"
#include "daemon/snapshot/plan.h"

struct snapshot_store;

/* Computes the computed row from the rows of the nodes and the host.  Called by one thread at a
 * time; words start absent. */
typedef void snapshot_compute(void *argument, const struct plan *plan,
                              const struct snapshot *snapshot, union word *row);

/* Told each time that every socket has handed in values once more; by the thread that did so last,
 * which must not be kept. */
typedef void snapshot_told(void *argument);
void snapshot_tell(struct snapshot_store *store, snapshot_told *told, void *argument);

struct snapshot_store *snapshot_store_new(const struct topology *topology,
                                          snapshot_compute *compute, void *argument);
void snapshot_store_free(struct snapshot_store *store);

/* Every thread that calls one of the functions below. */
void snapshot_thread_start(void);
void snapshot_thread_stop(void);

/* Publishes a plan; takes the caller's reference over. */
void snapshot_publish_plan(struct snapshot_store *store, struct plan *plan);

/* The newest plan with a reference for the caller, or NULL before the first. */
struct plan *snapshot_hold_plan(struct snapshot_store *store);

/* What one collector summed: a row for each node of its socket, and on the first the host row. */
struct partial {
    struct plan *plan;  /* a reference */
    uint64_t started;   /* CLOCK_MONOTONIC, ns */
    union word **nodes; /* [nodes]; NULL for those of other sockets */
    union word *host;   /* NULL but from socket 0 */
};

/* Rows of zeros for a socket; NULL when there is no memory.  Takes its own reference.  Whoever
 * gets it must publish it. */
struct partial *partial_new(struct snapshot_store *store, struct plan *plan, uint32_t socket);

/* Hands a socket's values over; older ones than those that are there are dropped. */
void snapshot_publish_partial(struct snapshot_store *store, uint32_t socket,
                              struct partial *partial);

/*
 * A socket's values are not shown any more, as long as it hands in none that were
 * started later than now; the others are.  False when the store is busy, so that
 * the caller never waits for whoever keeps it so.
 */
bool snapshot_expire(struct snapshot_store *store, uint32_t socket);

/* The newest whole snapshot, valid until snapshot_end(); NULL before the first. */
const struct snapshot *snapshot_begin(struct snapshot_store *store);
void snapshot_end(void);

/* The plan that a snapshot of a store is of, valid as long as it is, unless held. */
struct plan *snapshot_plan(const struct snapshot *snapshot);

#endif
