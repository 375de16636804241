/* SPDX-License-Identifier: MIT */
/*
 * The recent past of all series, in memory, within a budget.
 *
 * Once a second the newest snapshot is compared with what it was a second before,
 * and what changed is kept as a stretch (stretch.h).  Ten seconds' stretches are
 * merged into one more, which is kept longer.  When the budget does not suffice,
 * the past gets shorter, and history.oldest says so.
 *
 * Values of a series are summed over the memory nodes.  For one thread.
 */
#ifndef ENGRAMD_HISTORY_H
#define ENGRAMD_HISTORY_H

#include "daemon/history/tracking.h"

#define HISTORY_SAMPLE_MS 1000
#define HISTORY_MERGED_MS 10000
#define HISTORY_FINE_MS                                                                            \
    310000 /* how long stretches are kept as they are taken: five minutes, and                     \
              what a coarse one may go beyond */
#define HISTORY_COARSE_MS 3600000 /* and merged */
#define HISTORY_RING_MOST 512

/* Stretches one after the other, without gaps, the oldest first. */
struct stretch_ring {
    struct stretch *at[HISTORY_RING_MOST];
    uint32_t first, count;
};

struct history {
    size_t budget; /* bytes */
    struct tracking tracking;
    uint64_t version;  /* of the set that is followed */
    bool started;      /* there is a sample */
    uint64_t to, wall; /* of the newest: CLOCK_MONOTONIC and since 1970, ms */
    struct stretch_ring fine, coarse;
    uint32_t pending; /* of the newest fine ones, how many are in no coarse one */
    size_t kept;      /* bytes of stretches */
    struct stretch_writer writer;
};

/* The history is empty.  history_stop() frees what it comes to have. */
void history_start(struct history *history, size_t budget);
void history_stop(struct history *history);

/* Takes in a snapshot; `wall` is its time since 1970, ms.  One that is not newer than the last is
 * passed over, and so is one that lacks a socket: what that counted would look as if it had been
 * taken back. */
void history_take(struct history *history, const struct snapshot *snapshot, uint64_t wall);

/* Bytes in use, and the time of the oldest value, CLOCK_MONOTONIC, ms. */
size_t history_bytes(const struct history *history);
uint64_t history_oldest(const struct history *history);

/* For history.c: brings what series stand at up to a snapshot's, and leaves the changes in the
 * writer; false when there is no memory for them. */
bool history_sample(struct history *history, const struct snapshot *snapshot, uint64_t now);
/* The pending stretches as one; NULL when there is no memory. */
struct stretch *history_merge(struct history *history);

static inline struct stretch *ring_at(const struct stretch_ring *ring, uint32_t index)
{
    return ring->at[(ring->first + index) % HISTORY_RING_MOST];
}

#endif
