/* SPDX-License-Identifier: MIT */
/* A region that is being served, shared by the plans that read it. */
#ifndef ENGRAMD_REGION_H
#define ENGRAMD_REGION_H

#include <stdatomic.h>
#include <stdbool.h>

#include "daemon/regions/event_source.h"
#include "daemon/regions/identity.h"
#include "daemon/regions/main_process.h"
#include "shmlib/reader.h"

enum announced { ANNOUNCED_NOTHING, ANNOUNCED_ATTACHED, ANNOUNCED_ENDED };

/* How far an event ring has been read. */
struct ring_place {
    _Atomic uint64_t cursor;
    _Atomic uint64_t unknown; /* since when it holds an event of a kind that no plan knows yet,
                                 CLOCK_MONOTONIC, ns; 0: it holds none */
};

struct region {
    atomic_uint references;
    atomic_bool truncated; /* set by a collector that found a page gone */
    struct reader *reader;
    char process[IDENTITY_SIZE]; /* as it is shown */
    uint64_t since; /* when its name was first seen with its owner, ns, CLOCK_BOOTTIME */
    /* As of the last look of discovery at it. */
    atomic_int main_process;  /* enum main_process */
    _Atomic uint64_t seen;    /* when its lock was last held, CLOCK_BOOTTIME, ns; 0: never yet */
    _Atomic uint64_t memory;  /* that it takes, bytes, as its process says */
    _Atomic uint32_t series;  /* that are read */
    _Atomic uint32_t refused; /* and that are too many */
    struct ring_place *rings; /* of nodes, then of CPUs; see collector.c */

    /* Of the discovery thread. */
    struct event_source *events; /* a reference, NULL before the first plan */
    const struct plan *plan;     /* the last one that it was in; see announce.c */
    uint8_t announced;           /* enum announced */
};

/* Takes the reader over, and shows it by its plain name; the first reference is the caller's.  NULL
 * when there is no memory. */
struct region *region_new(struct reader *reader);

/* What its events are called, as far as they are known by now; NULL when there is no memory.  For
 * the discovery thread. */
struct event_source *region_events(struct region *region);
struct region *region_hold(struct region *region);
void region_release(struct region *region);

#endif
