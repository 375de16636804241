/* SPDX-License-Identifier: MIT */
/*
 * What changed in a stretch of time, of all series: the history is a row of these.
 * From the values at its end follow those at its start.
 *
 * Series have numbers.  Each 64 of them make a group: a word that says which of
 * them changed, and an entry for each of these, of 2 or 3 bytes for an ordinary
 * counter.  The index of groups lets a reader of few series pass over the rest.
 */
#ifndef ENGRAMD_STRETCH_H
#define ENGRAMD_STRETCH_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/buffer.h"

#define STRETCH_GROUP 64

/* What a series has, and so how its changes are written. */
enum change_kind {
    CHANGE_COUNT,  /* a 64-bit count that rises, but for resets */
    CHANGE_NUMBER, /* a double; ENGRAM_GAUGE_UNSET while it is absent */
    CHANGE_CELLS,  /* the counts of a histogram's cells and the sum of its values */
};

/* Of a count: how much larger it is in the end, and how far it fell on the way.  What was counted
 * is the sum of both. */
struct count_change {
    int64_t net;
    uint64_t fall;
};

static inline uint64_t count_increase(struct count_change change)
{
    return (uint64_t)change.net + change.fall;
}

/* Of a number: the bits at the start are those at the end exclusive-or these. */
struct number_change {
    uint64_t bits;
    /* Only in a stretch of several samples, of those at which the number was not absent. */
    double least, most, sum;
    uint64_t count;
};

struct stretch {
    uint64_t from, to; /* CLOCK_MONOTONIC, ms */
    uint64_t wall;     /* at its end, ms since 1970 */
    uint32_t samples;
    bool merged; /* of several stretches */
    uint32_t groups;
    size_t size;            /* of all this, bytes */
    const uint32_t *starts; /* [groups + 1], in `bytes` */
    const uint8_t *bytes;
};

/* Stretches are written group by group, in order, each from its first number to its last. */
struct stretch_writer {
    struct buffer bytes;  /* kept from one stretch to the next */
    struct buffer starts; /* uint32_t */
    size_t group_at;
    uint64_t changed;
    bool merged; /* numbers have their summary */
};

void stretch_begin(struct stretch_writer *writer, bool merged);
void stretch_group_begin(struct stretch_writer *writer);
void stretch_group_end(struct stretch_writer *writer);
/* A stretch of what was written; NULL when there is, or was, no memory.  Free with free(). */
struct stretch *stretch_end(struct stretch_writer *writer);
void stretch_writer_free(struct stretch_writer *writer);

/* An entry of the number `index` of this group; of cells, `count` calls of stretch_put_cell() with
 * their own indices rising. */
void stretch_put_count(struct stretch_writer *writer, uint32_t index, struct count_change change);
void stretch_put_number(struct stretch_writer *writer, uint32_t index,
                        const struct number_change *change);
void stretch_put_cells(struct stretch_writer *writer, uint32_t index, uint32_t count, double sum);
void stretch_put_cell(struct stretch_writer *writer, uint32_t gap, struct count_change change);

/* Reads one group.  Entries must be taken in order, each of them, by the kind of its series. */
struct stretch_reader {
    const uint8_t *at;
    uint64_t changed; /* which numbers of the group have an entry */
    bool merged;
};

/* A group that a stretch does not have has no entries. */
struct stretch_reader stretch_read(const struct stretch *stretch, uint32_t group);

struct count_change stretch_take_count(struct stretch_reader *reader);
struct number_change stretch_take_number(struct stretch_reader *reader);
/* How many cells changed, each then to be taken; their indices are rising by the gaps. */
uint32_t stretch_take_cells(struct stretch_reader *reader, double *sum);
struct count_change stretch_take_cell(struct stretch_reader *reader, uint32_t *gap);
void stretch_skip(struct stretch_reader *reader, enum change_kind kind);

#endif
