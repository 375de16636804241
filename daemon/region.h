/* SPDX-License-Identifier: MIT */
/* A region that is being served, shared by the plans that read it. */
#ifndef ENGRAMD_REGION_H
#define ENGRAMD_REGION_H

#include <stdatomic.h>
#include <stdbool.h>

#include "daemon/identity.h"
#include "daemon/main_process.h"
#include "shmlib/reader.h"

struct region {
    atomic_uint references;
    atomic_bool truncated; /* set by a collector that found a page gone */
    struct reader *reader;
    char process[IDENTITY_SIZE]; /* as it is shown */
    uint64_t since;            /* when its name was first seen with its owner, ns, CLOCK_BOOTTIME */
    atomic_int main_process;   /* enum main_process, as of the last scan */
    _Atomic uint64_t *cursors; /* of the event rings: nodes, then CPUs; see collector.c */
};

/* Takes the reader over, and shows it by its plain name; the first reference is the caller's.  NULL
 * when there is no memory. */
struct region *region_new(struct reader *reader);
struct region *region_hold(struct region *region);
void region_release(struct region *region);

#endif
