/* SPDX-License-Identifier: MIT */
#include "daemon/exposition/bodies.h"
#include "daemon/base/clock.h"
#include "daemon/base/gzip.h"
#include "daemon/exposition/exposition.h"

#include <malloc.h>
#include <stdlib.h>

#define KEPT_SECONDS 2  /* whoever asks once a second finds memory where the last body was */
#define ROOM_TO_GROW 64 /* this part of a body: numbers get longer */

struct body {
    struct frame *frame; /* NULL: not made of this snapshot */
    uint64_t ns;         /* what it took */
    size_t length;       /* of the last one */
};

struct bodies {
    struct snapshot_store *store;
    struct self *self;
    struct event *expiry;
    uint64_t snapshot; /* number of the one that they were made of */
    struct body plain[EXPOSITION_FORMATS], packed[EXPOSITION_FORMATS];
};

static void forget(struct bodies *bodies)
{
    for (int i = 0; i < EXPOSITION_FORMATS; i++) {
        frame_release(bodies->plain[i].frame);
        frame_release(bodies->packed[i].frame);
        bodies->plain[i].frame = bodies->packed[i].frame = NULL;
    }
}

static void on_expiry(evutil_socket_t fd, short what, void *argument)
{
    (void)fd, (void)what;
    forget(argument);
    malloc_trim(0); /* a burst of readers leaves several bodies' room */
}

struct bodies *bodies_new(struct event_base *base, struct snapshot_store *store, struct self *self)
{
    struct bodies *bodies = calloc(1, sizeof *bodies);
    if (!bodies)
        return NULL;
    *bodies = (struct bodies){.store = store, .self = self};
    bodies->expiry = evtimer_new(base, on_expiry, bodies);
    if (bodies->expiry)
        return bodies;
    free(bodies);
    return NULL;
}

void bodies_free(struct bodies *bodies)
{
    forget(bodies);
    event_free(bodies->expiry);
    free(bodies);
}

/* Takes the frame for a body that was begun at `start`, CLOCK_MONOTONIC. */
static struct frame *keep(struct bodies *bodies, struct body *body, struct frame *made,
                          uint64_t start)
{
    struct timeval soon = {.tv_sec = KEPT_SECONDS};
    body->ns = clock_monotonic() - start;
    body->frame = made;
    body->length = made ? made->length : 0;
    event_add(bodies->expiry, &soon);
    return body->frame;
}

static struct frame *make_plain(struct bodies *bodies, const struct snapshot *snapshot,
                                enum exposition_format format, size_t *account)
{
    struct body *body = &bodies->plain[format];
    struct buffer out = {0};
    uint64_t start = clock_monotonic();
    if (body->frame)
        return body->frame;
    buffer_reserve(&out, body->length + body->length / ROOM_TO_GROW);
    exposition_render(&out, snapshot, format);
    return keep(bodies, body, frame_take(&out, account), start);
}

static struct frame *make_packed(struct bodies *bodies, enum exposition_format format,
                                 size_t *account)
{
    const struct body *plain = &bodies->plain[format];
    struct body *body = &bodies->packed[format];
    uint64_t start = clock_monotonic() - plain->ns;
    if (body->frame)
        return body->frame;
    return keep(bodies, body, gzip_frame(plain->frame, account), start);
}

static struct frame *make(struct bodies *bodies, const struct snapshot *snapshot,
                          enum exposition_format format, bool *gzip, size_t *account)
{
    if (snapshot->number != bodies->snapshot)
        forget(bodies);
    bodies->snapshot = snapshot->number;
    struct frame *plain = make_plain(bodies, snapshot, format, account);
    struct frame *packed = plain && *gzip ? make_packed(bodies, format, account) : NULL;
    *gzip = packed != NULL;
    return packed ? packed : plain;
}

struct frame *bodies_get(struct bodies *bodies, enum exposition_format format, bool *gzip,
                         size_t *account)
{
    const struct snapshot *snapshot = snapshot_begin(bodies->store);
    struct frame *frame = snapshot ? make(bodies, snapshot, format, gzip, account) : NULL;
    snapshot_end();
    if (frame)
        self_exported(bodies->self, (*gzip ? bodies->packed : bodies->plain)[format].ns,
                      frame->length);
    return frame;
}
