/* SPDX-License-Identifier: MIT */
#include "daemon/history/history.h"

#include <stdlib.h>

#define SERIES_SHARE 2 /* half of the budget at most is for what series stand at now */
#define FINE_WANTED_MS 60000
#define COARSE_WANTED_MS 300000
#define PENDING_MOST 64 /* there are ten, unless samples come faster */

void history_start(struct history *history, size_t budget)
{
    *history = (struct history){.budget = budget};
    history->tracking.limit = budget / SERIES_SHARE;
}

static void drop_oldest(struct history *history, struct stretch_ring *ring)
{
    struct stretch *oldest = ring_at(ring, 0);
    history->kept -= oldest->size;
    free(oldest);
    ring->first = (ring->first + 1) % HISTORY_RING_MOST;
    ring->count--;
}

static void drop_all(struct history *history)
{
    while (history->fine.count)
        drop_oldest(history, &history->fine);
    while (history->coarse.count)
        drop_oldest(history, &history->coarse);
    history->pending = 0;
}

static void keep(struct history *history, struct stretch_ring *ring, struct stretch *stretch)
{
    if (ring->count == HISTORY_RING_MOST)
        drop_oldest(history, ring);
    ring->at[(ring->first + ring->count++) % HISTORY_RING_MOST] = stretch;
    history->kept += stretch->size;
}

size_t history_bytes(const struct history *history)
{
    return history->tracking.bytes + history->kept + history->writer.bytes.capacity +
           history->writer.starts.capacity;
}

static uint64_t reach(const struct history *history, const struct stretch_ring *ring)
{
    return ring->count ? history->to - ring_at(ring, 0)->from : 0;
}

uint64_t history_oldest(const struct history *history)
{
    uint64_t fine = reach(history, &history->fine), coarse = reach(history, &history->coarse);
    return history->to - (fine > coarse ? fine : coarse);
}

/* Over the budget, what is missed least goes: of fine stretches those of more than a minute ago, of
 * coarse ones those of more than five, for the windows; then the longer past altogether. */
static bool drop_one(struct history *history)
{
    bool merged = history->fine.count > history->pending;
    if (merged && reach(history, &history->fine) > FINE_WANTED_MS)
        drop_oldest(history, &history->fine);
    else if (reach(history, &history->coarse) > COARSE_WANTED_MS)
        drop_oldest(history, &history->coarse);
    else if (merged)
        drop_oldest(history, &history->fine);
    else if (history->coarse.count)
        drop_oldest(history, &history->coarse);
    else if (history->fine.count) {
        drop_oldest(history, &history->fine);
        history->pending--;
    } else
        return false;
    return true;
}

static void fit_budget(struct history *history)
{
    while (history->fine.count > history->pending &&
           reach(history, &history->fine) > HISTORY_FINE_MS)
        drop_oldest(history, &history->fine);
    while (reach(history, &history->coarse) > HISTORY_COARSE_MS)
        drop_oldest(history, &history->coarse);
    while (history_bytes(history) > history->budget && drop_one(history))
        continue;
}

/* Of series that have ended nothing is left when their last stretch has gone; when there are no
 * numbers for new ones, the past of all is made shorter so that some get free. */
static void forget(struct history *history)
{
    for (uint32_t i = history->coarse.count / 8; history->tracking.no_numbers && i > 0; i--)
        drop_oldest(history, &history->coarse);
    tracking_forget_before(&history->tracking, history_oldest(history));
}

/* A change that cannot be kept makes all that was before unknown. */
static void start_anew(struct history *history)
{
    drop_all(history);
    history->started = false;
}

static void merge_pending(struct history *history)
{
    if (!history->pending)
        return;
    struct stretch *merged = history_merge(history);
    if (!merged) { /* no memory: coarse ones would have a gap */
        while (history->coarse.count)
            drop_oldest(history, &history->coarse);
    } else {
        keep(history, &history->coarse, merged);
    }
    history->pending = 0;
    forget(history);
}

/* Keeps what the writer has as the stretch up to now. */
static bool keep_sample(struct history *history, uint64_t now, uint64_t wall)
{
    struct stretch *stretch = stretch_end(&history->writer);
    if (!stretch)
        return false;
    stretch->from = history->to;
    stretch->to = now;
    stretch->wall = wall;
    keep(history, &history->fine, stretch);
    history->pending++;
    return true;
}

/* What was left out may find room each time that samples were merged. */
static bool follow(struct history *history, const struct series_set *set, uint64_t now)
{
    bool may_fit =
        history->tracking.left_out && now / HISTORY_MERGED_MS != history->to / HISTORY_MERGED_MS;
    if (set->version == history->version && !may_fit)
        return true;
    if (!tracking_follow(&history->tracking, set, history->started))
        return false;
    history->version = set->version;
    return true;
}

void history_take(struct history *history, const struct snapshot *snapshot, uint64_t wall)
{
    uint64_t now = snapshot->time / 1000000;
    if (snapshot->incomplete || (history->started && now <= history->to) ||
        !follow(history, snapshot->set, now))
        return;
    uint64_t before = history->to;
    bool written = history_sample(history, snapshot, now);
    if (history->started && !(written && keep_sample(history, now, wall)))
        start_anew(history);
    history->to = now;
    history->wall = wall;
    history->started = written;
    if (now / HISTORY_MERGED_MS != before / HISTORY_MERGED_MS || history->pending == PENDING_MOST)
        merge_pending(history);
    fit_budget(history);
}

void history_stop(struct history *history)
{
    drop_all(history);
    tracking_free(&history->tracking);
    stretch_writer_free(&history->writer);
}
