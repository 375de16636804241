/* SPDX-License-Identifier: MIT */
#include "daemon/history/history_path.h"

void history_path_begin(const struct history *history, struct history_path *path)
{
    path->count = 0;
    path->from = history->to;
    path->fine = history->fine.count;
    path->coarse = history->coarse.count;
}

/* The stretch of a ring that ends at a time; *left are those that may. */
static const struct stretch *ends_at(const struct stretch_ring *ring, uint32_t *left, uint64_t at)
{
    while (*left && ring_at(ring, *left - 1)->to > at)
        --*left;
    const struct stretch *last = *left ? ring_at(ring, *left - 1) : NULL;
    return last && last->to == at ? last : NULL;
}

static const struct stretch *next(const struct history *history, struct history_path *path,
                                  uint64_t to, bool coarse)
{
    const struct stretch *one = ends_at(&history->fine, &path->fine, path->from);
    const struct stretch *many = ends_at(&history->coarse, &path->coarse, path->from);
    if (!one || !many)
        return one ? one : many;
    /* Within a coarse stretch there is no way on from where the fine ones end. */
    bool gone = ring_at(&history->fine, 0)->from > many->from;
    bool fits = coarse && many->from + HISTORY_PATH_SLACK_MS >= to;
    return gone || fits ? many : one;
}

void history_path_extend(const struct history *history, struct history_path *path, uint64_t to,
                         bool coarse)
{
    while (path->from > to + HISTORY_PATH_SLACK_MS) {
        const struct stretch *stretch = next(history, path, to, coarse);
        if (!stretch)
            return;
        path->at[path->count++] = stretch;
        path->from = stretch->from;
    }
}
