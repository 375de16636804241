/* SPDX-License-Identifier: MIT */
/*
 * One client of /stream.  It is up to date, and gets each frame of its group; or it
 * is behind: then it first gets what happened since, as fast as it takes it, and a
 * snapshot of the values, and is up to date.  That is how each begins.
 */
#ifndef ENGRAMD_STREAM_CLIENT_H
#define ENGRAMD_STREAM_CLIENT_H

#include "daemon/http/http_stream.h"
#include "daemon/stream/stream_group.h"

#include <sys/queue.h>

#define STREAM_WAITING_MOST 16 /* frames; beyond, a client is behind */

struct stream_client {
    struct http_stream *stream;
    struct stream_group *group;
    struct stream_client *next, **link; /* in the group's list */
    struct streams *streams;            /* for who closes it */
    uint64_t number;                    /* of the newest frame that it has */
    uint64_t owing;   /* since when it has to take what is owed, CLOCK_MONOTONIC, ns; or 0 */
    uint64_t owed;    /* bytes, at that time or since */
    bool behind;      /* and then: */
    bool awaits_turn; /* to catch up */
    TAILQ_ENTRY(stream_client) turn;
    uint64_t cursor;  /* what is before in the feed it has */
    uint64_t skipped; /* messages of metrics that were left out */
    /* Frames that follow what the stream has, a ring: there each would take 1 KB, here a pointer.
     */
    struct frame *waiting[STREAM_WAITING_MOST];
    uint32_t first, count;
    size_t bytes; /* of those */
};

/* Sends a frame, behind those that wait, and releases it; NULL was no memory, and is skipped. */
void client_send(struct stream_client *client, struct frame *frame);

/* Releases what waits. */
void client_forget(struct stream_client *client);

/* Offers the group's newest frame; false when the client does not get it as it is. */
bool client_push(struct stream_client *client);

/* Goes on, now that it has taken what the stream had. */
void client_drained(struct stream_client *client);

/* Sends some of what it lacks: there may be much to look at, and others wait. */
void client_catch_up(struct stream_client *client);

/* It is to catch up further when others had their turn: the streams' part. */
void streams_await_turn(struct stream_client *client);

/* Whether it has not taken what it is owed for more than so many ns. */
bool client_owes_for(const struct stream_client *client, uint64_t now, uint64_t most);

/* Whether it is to be cut off: it has not taken what it is owed in 10 s, and one more for each
 * 128 KiB of it. */
bool client_is_stuck(const struct stream_client *client, uint64_t now);

#endif
