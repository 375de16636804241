/* SPDX-License-Identifier: MIT */
#include "daemon/region.h"
#include "shmlib/events.h"

#include <stdlib.h>
#include <string.h>

struct region *region_new(struct reader *reader)
{
    struct region *region = calloc(1, sizeof *region);
    if (!region)
        return NULL;
    region->cursors =
        calloc((size_t)reader->header.nodes + reader->header.cpus, sizeof *region->cursors);
    if (!region->cursors) {
        free(region);
        return NULL;
    }
    for (uint32_t i = 0; i < reader->header.nodes + reader->header.cpus; i++)
        atomic_init(&region->cursors[i], EVENTS_FIRST_LOOK);
    region->reader = reader;
    memcpy(region->process, reader->header.process, reader->header.process_length);
    atomic_init(&region->references, 1);
    atomic_init(&region->truncated, false);
    atomic_init(&region->main_process, main_process_ask(&reader->header));
    return region;
}

struct region *region_hold(struct region *region)
{
    atomic_fetch_add_explicit(&region->references, 1, memory_order_relaxed);
    return region;
}

void region_release(struct region *region)
{
    if (atomic_fetch_sub_explicit(&region->references, 1, memory_order_acq_rel) != 1)
        return;
    reader_close(region->reader);
    free(region->cursors);
    free(region);
}
