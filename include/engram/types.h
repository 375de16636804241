/* SPDX-License-Identifier: MIT */
/* The types that a caller of api.h sees. */
#ifndef ENGRAM_TYPES_H
#define ENGRAM_TYPES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <engram/abi.h>

/* What every public call is; libengram makes them symbols by defining it before.  To call one
 * that takes a nanosecond would take as long again. */
#ifdef ENGRAM_FUNCTION
#define ENGRAM_HOT ENGRAM_FUNCTION
#else
#define ENGRAM_FUNCTION static inline
#define ENGRAM_HOT ENGRAM_INLINE
#endif

struct engram_region;

/* A string by pointer and length; it need not be terminated. */
struct engram_text {
    const char *at;
    size_t length;
};

/* A C string as engram_text; NULL is the empty string. */
ENGRAM_FUNCTION struct engram_text engram_string(const char *string)
{
    struct engram_text text = {string, string ? strlen(string) : 0};
    return text;
}

struct engram_label {
    struct engram_text name;
    struct engram_text value;
};

/*
 * What a series is.  Everything but the name may be left zero.
 *
 * name    [a-zA-Z_:][a-zA-Z0-9_:]*, at most 255 bytes
 * help    UTF-8, at most 1023 bytes
 * unit    the Prometheus unit, as "seconds" or "bytes"; shown when the name ends in it
 * labels  at most 16, in any order; names [a-zA-Z_][a-zA-Z0-9_]* without a leading "__",
 *         values UTF-8.  `process` belongs to the daemon, and so does `numa_node` but for
 *         gauges; `le` is not for histograms.
 * bounds  histograms: explicit upper bounds, ascending, finite, inclusive, at most 128.
 *         None: exponential buckets from `least` to `most` (0: 2^-30 to 2^34), which are
 *         widened to whole buckets.
 * shown   histograms with exponential buckets: the bounds that a text exposition shows; each
 *         is rounded up to a bucket's bound.  None: powers of two, at most 20.
 * per_octave  histograms with exponential buckets: how many there are for each factor of two,
 *         1, 2, 4, 8, 16 or 32; 0: 8, which are 9 % apart.
 * merge   gauges: how processes that share a name merge.
 * shared  counters and histograms: one atomic copy for each memory node instead of one for
 *         each CPU; for families with thousands of label values.
 * absolute counter set: the total outlives this process (it is kept on disk, say).
 */
struct engram_spec {
    struct engram_text name;
    struct engram_text help;
    struct engram_text unit;
    const struct engram_label *labels;
    size_t label_count;
    const double *bounds;
    size_t bound_count;
    const double *shown;
    size_t shown_count;
    double least;
    double most;
    enum engram_merge merge;
    int shared;
    int absolute;
    int per_octave;
};

/* Handles: 16 to 32 bytes, passed by value, valid for the life of the process, in forked
 * children too.  One that is all zero is invalid, and recording by it does nothing. */
struct engram_slot {
    uint64_t *blocks; /* where the copy of each CPU starts, from the region's start */
    char *slot;       /* where the slot is in a copy that would start where the region does */
};
/* Of a series that has only one. */
struct engram_single {
    struct engram_region *region;
    uint64_t *slot;
};
typedef struct {
    struct engram_slot at;
} engram_counter;
typedef struct {
    struct engram_single at;
} engram_counter_total;
typedef struct {
    struct engram_single at;
} engram_gauge;
typedef struct {
    struct engram_slot at;
} engram_updown;
typedef struct {
    struct engram_slot at;
    const double *bounds; /* in the region; NULL: the usual buckets, eight an octave */
    uint32_t cells;
    int32_t first; /* where `bounds` is not NULL as of engram_first_of() */
} engram_histogram;
typedef struct {
    struct engram_slot at;
    uint32_t kind;
} engram_event;
typedef struct {
    uint64_t start;
} engram_span;

#endif
