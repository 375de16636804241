/* SPDX-License-Identifier: MIT */
/*
 * Server-Sent Events out of the bytes of a stream, in whatever pieces they come
 * (WHATWG HTML, "Interpreting an event stream").  What one message may take is
 * bounded, for who sends may be anybody.
 */
#ifndef ENGRAMCTL_SSE_H
#define ENGRAMCTL_SSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The texts are terminated, and good as long as the sink runs. */
struct sse_message {
    const char *event; /* "message" if the stream names none */
    const char *id;    /* the last that was sent; "" if none was */
    const char *data;  /* its lines joined by line feeds; may hold NUL */
    size_t length;     /* of data */
};

/* Where messages and comments (without their colon) go; either may be NULL. */
struct sse_sink {
    void (*message)(void *argument, const struct sse_message *message);
    void (*comment)(void *argument, const char *text, size_t length);
    void *argument;
};

struct sse;

/* `most` is how many bytes a line, and the data of a message, may have.  NULL: no memory. */
struct sse *sse_new(const struct sse_sink *sink, size_t most);
void sse_free(struct sse *sse);

/* Takes the next bytes.  False when there is no memory or something is longer than it may be: what
 * has come is lost, and the stream is of no more use. */
bool sse_feed(struct sse *sse, const char *bytes, size_t length);

/* The stream has ended: what is not a whole message is forgotten, the last id is not.  Another
 * stream may be fed. */
void sse_end(struct sse *sse);

/* How long to wait before connecting again, as the stream has said last; `otherwise` if never. */
uint32_t sse_retry_ms(const struct sse *sse, uint32_t otherwise);

/* The id to go on from, "" if none was sent. */
const char *sse_last_id(const struct sse *sse);

#endif
