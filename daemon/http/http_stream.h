/* SPDX-License-Identifier: MIT */
/*
 * A response without an end: its frames are pushed as they come, and the connection
 * closes after the last.  For the event loop's thread.
 *
 * A frame is sent at once, and only what the socket does not take stays here, by
 * reference.  Whoever pushes looks at the backlog before: nothing else bounds it.
 */
#ifndef ENGRAMD_HTTP_STREAM_H
#define ENGRAMD_HTTP_STREAM_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/base/frame.h"

struct http_response;
struct http_stream;

struct http_stream_calls {
    void (*drained)(void *argument); /* the backlog is gone */
    void (*closed)(void *argument);  /* the client has left, or the server ends; no call follows */
};

/* Whether http_stream_begin() would find room among streams now. */
bool http_stream_has_room(const struct http_response *response);

/* Who asks, and whose a stream is: equal for those that peers.h counts together, and to be compared
 * only while one of their connections is open. */
const void *http_response_peer(const struct http_response *response);
const void *http_stream_peer(const struct http_stream *stream);

/* Answers 200 with an endless body.  NULL when there are too many streams; nothing is sent then.
 * `calls` must last as long as the stream. */
struct http_stream *http_stream_begin(struct http_response *response, const char *content_type,
                                      const struct http_stream_calls *calls, void *argument);

/* Sends a frame, after all that were sent before; takes a reference for as long as it needs one. */
void http_stream_send(struct http_stream *stream, struct frame *frame);

/* Bytes that were sent and that the client's socket has not taken yet. */
size_t http_stream_backlog(const struct http_stream *stream);

/* Cuts the client off, without a call to closed(). */
void http_stream_close(struct http_stream *stream);

#endif
