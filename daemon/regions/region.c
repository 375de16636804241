/* SPDX-License-Identifier: MIT */
#include "daemon/regions/region.h"
#include "shmlib/events.h"

#include <stdlib.h>
#include <string.h>

struct region *region_new(struct reader *reader)
{
    struct region *region = calloc(1, sizeof *region);
    if (!region)
        return NULL;
    region->rings =
        calloc((size_t)reader->header.nodes + reader->header.cpus, sizeof *region->rings);
    if (!region->rings) {
        free(region);
        return NULL;
    }
    for (uint32_t i = 0; i < reader->header.nodes + reader->header.cpus; i++)
        atomic_init(&region->rings[i].cursor, EVENTS_FIRST_LOOK);
    region->reader = reader;
    memcpy(region->process, reader->header.process, reader->header.process_length);
    atomic_init(&region->references, 1);
    atomic_init(&region->truncated, false);
    atomic_init(&region->main_process, main_process_ask(&reader->header));
    return region;
}

struct event_source *region_events(struct region *region)
{
    struct event_source *known = region->events;
    if (known && known->published == event_kinds_published(region->reader) &&
        strcmp(known->process, region->process) == 0)
        return known;
    region->events = event_source_new(region->reader, region->process);
    event_source_release(known);
    return region->events;
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
    event_source_release(region->events);
    free(region->rings);
    free(region);
}
