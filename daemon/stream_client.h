/* SPDX-License-Identifier: MIT */
/*
 * One client of /stream.  It is up to date, and gets each frame of its group; or it
 * is behind: then it first gets what happened since, as fast as it takes it, and a
 * snapshot of the values, and is up to date.  That is how each begins.
 */
#ifndef ENGRAMD_STREAM_CLIENT_H
#define ENGRAMD_STREAM_CLIENT_H

#include "daemon/http_stream.h"
#include "daemon/stream_group.h"

struct stream_client {
    struct http_stream *stream;
    struct stream_group *group;
    struct stream_client *next, **link; /* in the group's list */
    struct streams *streams;            /* for who closes it */
    uint64_t number;                    /* of the newest frame that it has */
    uint64_t owing;   /* since when it has not taken all that was sent, CLOCK_MONOTONIC, ns; or 0 */
    uint64_t owed;    /* bytes since then, taken or not, */
    uint32_t queued;  /* and frames */
    bool behind;      /* and then: */
    uint64_t cursor;  /* what is before in the feed it has */
    uint64_t skipped; /* messages of metrics that were left out */
};

/* Sends a frame, which is released; NULL was no memory, and is skipped. */
void client_send(struct stream_client *client, struct frame *frame);

/* Offers the group's newest frame; false when the client does not get it as it is. */
bool client_push(struct stream_client *client);

/* Goes on, now that it has taken all that was sent. */
void client_drained(struct stream_client *client);

/* Sends as much as it takes of what it lacks. */
void client_catch_up(struct stream_client *client);

/* Whether it is to be cut off: it has not taken what it is owed in 10 s, and one more for each
 * 128 KiB of it. */
bool client_is_stuck(const struct stream_client *client, uint64_t now);

#endif
