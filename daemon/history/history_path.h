/* SPDX-License-Identifier: MIT */
/* The way back from the newest sample, stretch by stretch, over fine and coarse ones. */
#ifndef ENGRAMD_HISTORY_PATH_H
#define ENGRAMD_HISTORY_PATH_H

#include "daemon/history/history.h"

struct history_path {
    const struct stretch *at[2 * HISTORY_RING_MOST]; /* the newest first, without a gap */
    uint32_t count;
    /* Where it has come to; for history_path_extend(). */
    uint64_t from; /* CLOCK_MONOTONIC, ms */
    uint32_t fine, coarse;
};

/* How far a path may miss the time that it is to reach: samples do not come to the millisecond. */
#define HISTORY_PATH_SLACK_MS (HISTORY_SAMPLE_MS / 2)

void history_path_begin(const struct history *history, struct history_path *path);

/*
 * Adds stretches until the path reaches back to a time, or as far as there is
 * anything.  A coarse stretch is taken where fine ones are gone, and with `coarse`
 * wherever it does not go beyond that time; then it may end earlier than asked for.
 */
void history_path_extend(const struct history *history, struct history_path *path, uint64_t to,
                         bool coarse);

#endif
