/* SPDX-License-Identifier: MIT */
/*
 * Reading the event rings.  The reader keeps its own cursor; the writer neither
 * waits nor knows.  All this reads the mapping and so must run inside guard_run().
 *
 * What is looked at is taken out of the writer's cache, which has to fetch it back: so
 * the head is looked at once for some records, which makes a look that never rests cost
 * the writer 8 ns an event instead of 55 where the cores share no cache, and a look comes
 * only each tick.  To flush the lines that were read made that worse, and changed nothing
 * between cores that share one.
 */
#ifndef ENGRAM_SHMLIB_EVENTS_H
#define ENGRAM_SHMLIB_EVENTS_H

#include "shmlib/reader.h"

struct drained {
    struct engram_event_record records[ENGRAM_RING_SLOTS];
    uint32_t count;  /* whole records, oldest first */
    uint64_t missed; /* overwritten or torn before they could be read */
};

#define EVENTS_FIRST_LOOK UINT64_MAX /* a cursor that stands nowhere yet */

/* Copies what was written to the ring since *cursor and advances it. */
void events_drain(const struct reader *reader, struct copy copy, uint32_t ring, uint64_t *cursor,
                  struct drained *drained);

#endif
