/* SPDX-License-Identifier: MIT */
/*
 * /stream: Server-Sent Events.  Clients that ask for the same share one encoding,
 * made when new values are there; one that does not keep up is left out until it
 * has taken what it is owed, then told what it missed, and cut off if that takes
 * too long.  All this runs on the event loop, in slices, so that requests
 * are answered in between.
 */
#ifndef ENGRAMD_STREAM_H
#define ENGRAMD_STREAM_H

#include "daemon/http/http.h"
#include "daemon/self.h"
#include "daemon/snapshot/snapshot.h"
#include "daemon/stream/feed.h"

struct streams;

/* What streams may take by default, in bytes. */
#define STREAM_BUDGET (32u << 20)

struct stream_options {
    struct event_base *base;
    struct snapshot_store *store;
    struct feed *feed;
    struct self *self;
    /* Bytes of frames, beyond which values wait, and at twice as many the slowest are cut off;
     * and of what is known of series, beyond which there are no more filters. */
    size_t budget;
};

/* NULL when there is no memory.  The options are copied. */
struct streams *streams_new(const struct stream_options *options);

/* After the server, which closes all streams. */
void streams_free(struct streams *streams);

/* Answers a request for /stream, with a stream or with what is wrong. */
void streams_serve(struct streams *streams, const struct http_request *request,
                   struct http_response *response);

#endif
