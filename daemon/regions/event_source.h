/* SPDX-License-Identifier: MIT */
/*
 * Where events come from, and what they are called: what remains to be known of a
 * region once it is gone, for as long as one of its events is remembered.
 * Immutable, counted references, for any thread.
 */
#ifndef ENGRAMD_EVENT_SOURCE_H
#define ENGRAMD_EVENT_SOURCE_H

#include <stdatomic.h>

#include "daemon/regions/identity.h"
#include "shmlib/reader.h"

/* What a source may keep: kinds beyond stay nameless, and their events count as missed. */
#define EVENT_KINDS_MAX 64
#define EVENT_TEXT_ENOUGH 8192 /* bytes */

struct event_kind {
    uint32_t number; /* as an event's record has it */
    const char *name;
    const char *labels; /* as series.labels: with process */
};

struct event_source {
    atomic_uint references;
    char *text;                  /* what the names below point into */
    char process[IDENTITY_SIZE]; /* as it is shown */
    const char *labels;          /* process="..." */
    uint32_t owner;              /* user number */
    uint32_t pid;                /* in its own namespace, for display */
    uint32_t published;          /* kinds that the region has, known or not */
    uint32_t count;
    struct event_kind kinds[]; /* by number */
};

/* The event kinds among a region's series. */
uint32_t event_kinds_published(const struct reader *reader);

/* NULL when there is no memory.  The first reference is the caller's. */
struct event_source *event_source_new(const struct reader *reader, const char *process);
struct event_source *event_source_hold(struct event_source *source); /* NULL is fine */
void event_source_release(struct event_source *source);              /* and here */

/* NULL when it has no name here. */
const struct event_kind *event_source_kind(const struct event_source *source, uint32_t number);

#endif
