/* SPDX-License-Identifier: MIT */
/*
 * The four rolling windows, which end with the history's newest sample: what was
 * counted and measured in each of them, by series and by family.
 */
#ifndef ENGRAMD_WINDOW_H
#define ENGRAMD_WINDOW_H

#include "daemon/history/history.h"
#include "daemon/snapshot/match.h"

#define WINDOWS 4
#define WINDOW_QUANTILES 3

extern const char *const window_names[WINDOWS]; /* one_second, ten_seconds, ... */
extern const double window_quantiles[WINDOW_QUANTILES];

/* Of a count, only `count`; of a number, all but the quantiles, and of one that is absent nothing,
 * so that its `count` is 0 and `last` is NAN.  What is not known is NAN. */
struct window_stats {
    uint64_t count; /* how much was counted; of a number: samples; of a histogram: values */
    double sum, least, most, last;
    double increase; /* of a number */
    double quantiles[WINDOW_QUANTILES];
};

struct window_family;

struct window_series {
    const struct tracked *series;
    struct window_family *family;
    struct window_stats windows[WINDOWS];
};

/* All series of a family that were asked for, taken together; a number by its samples. */
struct window_family {
    const struct tracked_family *family;
    uint32_t from, to; /* of the table's series */
    struct window_stats windows[WINDOWS];
    uint64_t *cells[WINDOWS];
};

struct window_table {
    double seconds[WINDOWS]; /* how long they are: shorter as long as there is not so much past */
    struct window_series *series; /* by name and labels */
    uint32_t count;
    struct window_family *families; /* by name */
    uint32_t family_count;
};

/* False when there is no memory.  Valid until the next history_take(); to be freed in any case. */
bool window_table_make(struct window_table *table, const struct history *history,
                       const struct match *match);
void window_table_free(struct window_table *table);

#endif
