/* SPDX-License-Identifier: MIT */
/*
 * Adding up one copy of a region's slot space.  All these read the mapping and
 * so must run inside guard_run().
 */
#ifndef ENGRAM_SHMLIB_SUM_H
#define ENGRAM_SHMLIB_SUM_H

#include "shmlib/reader.h"

/* One word of a sum: counts are u64, gauges and sums of histograms doubles. */
union word {
    uint64_t count;
    double number;
};

/* Where a series lies in a region and where its sum goes: `at` in a row of words.  A histogram
 * takes a word for each cell and two more for the sum of its values, as of sum_exactly(). */
struct source {
    uint32_t slot;
    uint32_t at;
    uint32_t cells;
    uint8_t kind;
    uint8_t merge;
};

/* The source of a descriptor whose sum starts at word `at`. */
struct source source_of(const struct engram_descriptor *descriptor, uint32_t at);

#define SUM_WORDS 2

/* How many words the sum of such a series takes. */
uint32_t sum_words(const struct engram_descriptor *descriptor);

/*
 * Adds to a sum of doubles that is kept to twice their precision: pair[0] is the
 * sum rounded, pair[1] what the rounding left (Knuth's TwoSum).  So it hardly
 * depends on the order of its terms, and a total does not fall by a last bit,
 * which Prometheus would take for a reset, when its parts are grouped anew.
 */
void sum_exactly(union word *pair, double value);

/* Adds one row of a series' words to another, each sum_words() long; a total that outlives its
 * process takes the larger.  For counters and histograms. */
void sum_add(const struct engram_descriptor *descriptor, union word *to, const union word *from);

/* Adds the values of a CPU's or a node's copy to `row`.  Blocks without memory are not touched. */
void sum_cpu(const struct reader *reader, uint32_t cpu, const struct source *sources, size_t count,
             union word *row);
void sum_node(const struct reader *reader, uint32_t node, const struct source *sources,
              size_t count, union word *row);

/* Adds counters and merges gauges that exist once; a gauge nobody set changes nothing.  What is
 * merged by maximum or minimum, totals that outlive their process among them, is not added. */
void sum_single(const struct reader *reader, const struct source *sources, size_t count,
                union word *row);

#endif
