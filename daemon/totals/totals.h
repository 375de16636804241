/* SPDX-License-Identifier: MIT */
/*
 * What ended processes left: the final values of their counters and histograms,
 * by process name, added up so that their regions can go; and whose the names are.
 * Immutable once made, counted references: each fold makes new totals from the old
 * ones and from regions that nobody writes to any more.
 *
 * A region that was folded is told by its nonce and never added again; the nonce
 * is kept until its file is known to be gone.
 */
#ifndef ENGRAMD_TOTALS_H
#define ENGRAMD_TOTALS_H

#include "daemon/base/arena.h"
#include "daemon/machine/topology.h"
#include "daemon/regions/region.h"
#include "shmlib/sum.h"

/* The final values of one series. */
struct total {
    const char *process;
    struct record record; /* a descriptor without a place in any region */
    union word **rows;    /* by node; of what exists once only rows[0]; sum_words() long */
};

/* What a region is known by.  The owner is part of it, or anybody who sees a file's name could make
 * another's region look like one that is known. */
struct nonce {
    uint8_t bytes[16];
    uint32_t owner; /* user number of the file */
};

/* What is known of a name that processes are shown by. */
struct known {
    const char *process;
    uint64_t time;  /* when one of them was last seen to end, or to come, s, CLOCK_BOOTTIME */
    uint64_t since; /* when the first was seen, ns, CLOCK_BOOTTIME */
    uint32_t owner; /* the user that the name belongs to */
};

struct totals {
    atomic_uint references;
    struct arena arena;
    uint32_t nodes; /* rows of each total */
    struct total *list;
    uint32_t count; /* sorted by process, name and labels */
    struct nonce *folded;
    uint32_t folded_count;
    struct known *known;  /* names with totals, and those of processes that run */
    uint32_t known_count; /* sorted by process */
    uint32_t dropped;     /* series, by the fold that made these totals */
};

/* Room for so much and nothing in it; NULL when there is no memory.  For totals_fold() and for
 * reading the state. */
struct totals *totals_new(uint32_t nodes, size_t most, size_t most_folded, size_t most_known);
struct totals *totals_hold(struct totals *totals);
void totals_release(struct totals *totals);

/* Rows of zeros for a descriptor; false when there is no memory. */
bool total_rows(struct totals *totals, struct total *total);

/* Whether values of such a series outlive their process. */
bool total_is_kept(const struct engram_descriptor *descriptor);

/* Orders by process and series; 0: they are of one series. */
int total_compare(const struct total *a, const struct total *b);

/* How many rows the values of a descriptor take. */
uint32_t total_row_count(const struct totals *totals, const struct engram_descriptor *descriptor);

struct nonce nonce_of(const struct reader *reader);
bool nonce_same(const struct nonce *a, const struct nonce *b);
bool totals_has_folded(const struct totals *totals, const struct nonce *nonce);

/* What is known of a name; NULL when it is nothing. */
const struct known *totals_known(const struct totals *totals, const char *process);

/* Bytes that the totals of one series take here, in plans and in the state file, about. */
uint64_t total_size(const struct totals *totals, const struct total *total);

/* What a fold changes. */
struct fold {
    struct region **regions; /* dead: their values are final */
    uint32_t region_count;
    struct region *const *named; /* their names are taken note of */
    uint32_t named_count;
    const struct nonce *gone; /* folded before, and their files are gone */
    uint32_t gone_count;
    const char *const *forgotten; /* process names whose totals are dropped */
    uint32_t forgotten_count;
    uint32_t series_limit; /* of one process name; what is new beyond it is dropped */
    uint64_t now;          /* s, CLOCK_BOOTTIME */
};

/* New totals, the reference to which is the caller's; NULL when there is no memory.  A region that
 * cannot be read is marked as truncated and left out: it stands behind region_count then. */
struct totals *totals_fold(const struct totals *before, struct fold *fold,
                           const struct topology *topology);

#endif
