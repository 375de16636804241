/* SPDX-License-Identifier: MIT */
/*
 * Which series the history follows, and what they stood at in its newest sample.
 *
 * A series has a number for as long as any stretch of the history speaks of it,
 * whatever plans come and go meanwhile.  One that has ended is kept to be shown,
 * until its memory is wanted or nothing speaks of it any more.
 */
#ifndef ENGRAMD_TRACKING_H
#define ENGRAMD_TRACKING_H

#include "daemon/history/stretch.h"
#include "daemon/snapshot/match.h"
#include "daemon/snapshot/series.h"

#define TRACKED_NOWHERE UINT32_MAX

struct tracked_family {
    uint32_t references;
    enum series_type type;
    enum change_kind kind;
    struct histogram_shape shape; /* without lines; of cells only */
    char name[];
};

struct tracked {
    struct tracked_family *family;
    const char *labels; /* as series.labels */
    uint32_t id;
    uint32_t at; /* its first word in the rows now, or TRACKED_NOWHERE: it has ended */
    uint8_t rows;
    bool adopts;          /* what it stands at in its first sample was not counted just before */
    uint64_t first, last; /* the samples that it was in, CLOCK_MONOTONIC, ms */
    uint32_t size;        /* of all this, bytes */
    /* A count, a number, or a histogram's cells and the two words of its sum. */
    union word values[];
};

struct tracked_slot {
    struct tracked *series; /* NULL: it is not kept any more, but its number may be in use */
    uint64_t last;
    uint8_t kind;
    bool used;
};

struct tracking {
    struct tracked_slot *slots; /* by number */
    uint32_t slot_count, slot_capacity;
    uint32_t *unused; /* numbers below slot_count */
    uint32_t unused_count;
    struct tracked **order; /* by name and labels, ended ones too */
    uint32_t count;
    size_t bytes, limit;
    uint32_t left_out; /* series of the set for which there is no room */
    bool no_numbers;   /* nor would there be with more of it */
};

/* Follows the series of a set from now on; false when there is no memory, and then nothing of it
 * can be read.  `from_zero`: what is new has begun since the last sample. */
bool tracking_follow(struct tracking *tracking, const struct series_set *set, bool from_zero);

/* Lets go of what ended before all that the history still has. */
void tracking_forget_before(struct tracking *tracking, uint64_t oldest_ms);

void tracking_free(struct tracking *tracking);

/* Whether it is asked for; what was summed over nodes is of none. */
bool tracked_matches(const struct tracked *series, const struct match *match);

/* Words of values. */
static inline uint32_t tracked_words(const struct tracked_family *family)
{
    return family->kind == CHANGE_CELLS ? family->shape.cells + SUM_WORDS : 1;
}

#endif
