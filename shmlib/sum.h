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
 * takes a word for each cell and one more for the sum of its values. */
struct source {
    uint32_t slot;
    uint32_t at;
    uint32_t cells;
    uint8_t kind;
    uint8_t merge;
};

/* Adds the values of a CPU's or a node's copy to `row`.  Blocks without memory are not touched. */
void sum_cpu(const struct reader *reader, uint32_t cpu, const struct source *sources, size_t count,
             union word *row);
void sum_node(const struct reader *reader, uint32_t node, const struct source *sources,
              size_t count, union word *row);

/* Adds counters and merges gauges that exist once; a gauge nobody set changes nothing. */
void sum_single(const struct reader *reader, const struct source *sources, size_t count,
                union word *row);

#endif
