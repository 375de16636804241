/* SPDX-License-Identifier: MIT */
/*
 * Adding up the copies of a region's slot space.  All these read the mapping and
 * so must run inside guard_run().
 *
 * Slots are read in pieces larger than a word.  That relies on hardware: a wider
 * load of aligned 8-byte words takes each of them whole, as x86_64 and aarch64 do.
 * Between two words nothing is promised, and nobody needs it.
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
    uint32_t cells; /* of what is joined, one for each series */
    uint8_t kind;
    uint8_t merge;
};

/* The source of a descriptor whose sum starts at word `at`. */
struct source source_of(const struct engram_descriptor *descriptor, uint32_t at);

/*
 * Makes one source of those that follow each other both in a chunk and in the row, so that they
 * are summed in one go: counters and up-down counters.  Returns how many are left.  For sources
 * that are sorted by slot.
 */
uint32_t sources_join(struct source *sources, uint32_t count);

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

#define SUM_COPIES 128u /* at once, at most */

/* Adds the values of some copies to `row`, the faster the more they are.  Blocks without memory are
 * not touched. */
void sum_copies(const struct reader *reader, const struct copy *copies, uint32_t copy_count,
                const struct source *sources, size_t count, union word *row);

static inline void sum_cpu(const struct reader *reader, uint32_t cpu, const struct source *sources,
                           size_t count, union word *row)
{
    const struct copy copy = {true, cpu};
    sum_copies(reader, &copy, 1, sources, count, row);
}

static inline void sum_node(const struct reader *reader, uint32_t node,
                            const struct source *sources, size_t count, union word *row)
{
    const struct copy copy = {false, node};
    sum_copies(reader, &copy, 1, sources, count, row);
}

/* Adds counters and merges gauges that exist once; a gauge nobody set changes nothing.  What is
 * merged by maximum or minimum, totals that outlive their process among them, is not added. */
void sum_single(const struct reader *reader, const struct source *sources, size_t count,
                union word *row);

#endif
