/* SPDX-License-Identifier: MIT */
/* A region that is being served, shared by the plans that read it. */
#ifndef ENGRAMD_REGION_H
#define ENGRAMD_REGION_H

#include <stdatomic.h>
#include <stdbool.h>

#include "shmlib/reader.h"

struct region {
    atomic_uint references;
    atomic_bool truncated; /* set by a collector that found a page gone */
    struct reader *reader;
    uint64_t *cursors; /* of the event rings: nodes, then CPUs; each of one collector */
};

/* Takes the reader over; the first reference is the caller's.  NULL when there is no memory. */
struct region *region_new(struct reader *reader);
struct region *region_hold(struct region *region);
void region_release(struct region *region);

#endif
