/* SPDX-License-Identifier: MIT */
/*
 * A plan: which series are served now, and from where in which regions each of
 * them is summed.  Discovery builds one whenever a region or a series comes or
 * goes; collectors and the exposition read it.  Immutable, counted references.
 */
#ifndef ENGRAMD_PLAN_H
#define ENGRAMD_PLAN_H

#include <stdatomic.h>

#include "daemon/base/arena.h"
#include "daemon/regions/gather.h"
#include "daemon/regions/region.h"
#include "daemon/snapshot/series.h"
#include "daemon/totals/totals.h"

#include <engram/catalogue.h>

/* What ended processes left of a series: where its words are before any region is added. */
struct plan_base {
    const struct total *total;
    uint32_t at;
};

struct plan_region {
    struct region *region;
    bool alive;
    struct sources of[ENGRAM_PER_CPU + 1]; /* by enum engram_placement */
    uint32_t ring;                         /* slot of the event rings, UINT32_MAX for none */
    struct event_source *events;           /* a reference */
};

/* A family that the daemon computes.  With `from`, it has one series for each series of that
 * recorded family, under the same labels; with `by_process`, one for each name, or one for each
 * name and each of `labels`; otherwise one for each of `labels`. */
struct computed_family {
    const struct engram_family_entry *about;
    const struct engram_family_entry *from;
    bool by_node;              /* with `from`: one series for each node, labelled numa_node */
    bool by_process;           /* labelled by process_labels() */
    const char *const *labels; /* in exposition form; NULL-terminated */
};

struct plan {
    atomic_uint references;
    struct arena arena;
    struct series_set set;
    const struct family *catalogued[ENGRAM_FAMILIES]; /* by the catalogue's numbers; NULL: absent */
    struct totals *totals;                            /* a reference */
    struct plan_base *bases;
    uint32_t base_count;
    struct plan_region *regions;
    uint32_t region_count;
    uint32_t series_count;
    uint32_t conflicts; /* series refused because their family is of another type or shape, or its
                           samples would have the names of another family's */
    const char *conflict_name, *conflict_labels; /* one of them */
    uint32_t *gauges;                            /* words of the host row that start as absent */
    uint32_t gauge_count;
};

/* What a plan is built from; regions in the order of their arrival.  Where processes disagree about
 * a family, the name stands that was there first, and of one name what lives against what it left.
 */
struct plan_input {
    struct totals *totals;
    struct region *const *regions;
    const bool *alive;
    uint32_t region_count;
    const struct computed_family *const *computed; /* NULL-terminated */
    uint32_t nodes;
};

/* In exposition form: owner and process, with `more`, which may be "", in its place by its name. */
#define PROCESS_MORE_SIZE 64
#define PROCESS_LABELS_SIZE                                                                        \
    (IDENTITY_SIZE + PROCESS_MORE_SIZE + sizeof "owner=\"4294967295\",process=\"\",")
void process_labels(char to[PROCESS_LABELS_SIZE], const char *process, uint32_t owner,
                    const char *more);

/* NULL when there is no memory.  The first reference is the caller's. */
struct plan *plan_build(const struct plan_input *input);
struct plan *plan_hold(struct plan *plan);
void plan_release(struct plan *plan);

/* The family of that name and its series of those labels, or NULL. */
const struct family *plan_family(const struct plan *plan, const char *name);
const struct family *plan_catalogued(const struct plan *plan, enum engram_family which);
const struct series *family_series(const struct family *family, const char *labels);

#endif
