/* SPDX-License-Identifier: MIT */
/*
 * What is known at one instant: which series there are (a series_set) and what
 * they stand at (a snapshot).  Both are immutable once published.
 *
 * Values lie in rows of words.  Each memory node has a row, filled by the
 * collector of its socket; the host row holds the slots that exist once
 * (gauges, totals); the computed row holds what the daemon derives.  A series
 * says which rows it reads and at which word it starts.  A gauge whose bits are
 * ENGRAM_GAUGE_UNSET is absent.
 */
#ifndef ENGRAMD_SERIES_H
#define ENGRAMD_SERIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shmlib/sum.h" /* union word */

enum series_type { SERIES_COUNTER, SERIES_GAUGE, SERIES_HISTOGRAM, SERIES_INFO };

enum series_rows {
    ROWS_NODES,    /* one line for each node, labelled numa_node; counters are u64 */
    ROWS_SUMMED,   /* one line: the sum of signed 64-bit words over the nodes */
    ROWS_HOST,     /* one line: gauges are doubles, counters u64 */
    ROWS_COMPUTED, /* one line, always a double */
};

/* What a histogram's cells take in, and how they become lines: line i is le="text[i]" and counts
 * cells 0..cut[i]-1. */
struct histogram_shape {
    uint32_t cells; /* the last one counts NaN and belongs to no line */
    int32_t first;  /* as of struct engram_descriptor, for exponential buckets */
    double *bounds; /* cells - 2 of them; NULL: the buckets are exponential */
    int per_octave; /* how many exponential buckets there are for each factor of two */
    uint32_t lines; /* without +Inf */
    uint32_t *cut;
    char **text;
};

struct series {
    char *labels; /* a="x",b="y" escaped for exposition, sorted, with process; or "" */
    uint32_t at;  /* first word; a histogram takes `cells` words and SUM_WORDS for its sum */
    uint8_t rows; /* enum series_rows */
    struct histogram_shape *shape; /* histograms only */
};

struct family {
    char *name;
    char *help; /* unescaped */
    char *unit; /* "" if none */
    enum series_type type;
    struct series *series; /* sorted by labels */
    uint32_t count;
};

struct series_set {
    struct family *families; /* sorted by name */
    uint32_t count;
    /* How long the rows are: what is computed comes first in all of them, then what the host row
     * has, then what only those of nodes have. */
    uint32_t computed_words, host_words, words;
    uint64_t version; /* no two plans have the same one */
};

struct snapshot {
    uint64_t number; /* one more than that of the one before */
    const struct series_set *set;
    uint64_t time;                  /* of its oldest values, CLOCK_MONOTONIC, ns */
    uint32_t node_count;            /* highest node + 1 */
    const union word *const *nodes; /* NULL where a node has no CPUs and no values */
    const union word *host;         /* NULL, as nodes may be, while a socket is out */
    const union word *computed;
    bool incomplete; /* rows of a socket are missing: a sum over nodes would be wrong */
};

#endif
