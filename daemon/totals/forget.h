/* SPDX-License-Identifier: MIT */
/*
 * Which names' totals are dropped: those whose last process ended so long ago
 * that nobody is expected to come back and, where a user has left more than three
 * quarters of what it may, too many names, or much while all users together have
 * left more than half of what they may, those that ended first.
 */
#ifndef ENGRAMD_FORGET_H
#define ENGRAMD_FORGET_H

#include "daemon/regions/found.h"

/* Room to weigh the names, kept from one time to the next; starts as all zero. */
struct forget_room {
    struct candidate *all;
    const char **names;
    uint32_t size; /* names that there is room for */
};

void forget_room_free(struct forget_room *room);

/* The names, borrowed from the totals, in an array of the room's, valid until the next call; NULL
 * with *count 0 when there is no memory.  `now` and `after` are in seconds, CLOCK_BOOTTIME.  A name
 * of which a process has a region is never among them. */
const char **forget_list(struct forget_room *room, const struct totals *totals, struct found *found,
                         uint64_t now, uint64_t after, uint32_t *count);

#endif
