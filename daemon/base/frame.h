/* SPDX-License-Identifier: MIT */
/*
 * Bytes that many connections send: counted references, immutable once shared.
 * References are counted without atomics, so all of them belong to one thread,
 * that of the event loop.
 */
#ifndef ENGRAMD_FRAME_H
#define ENGRAMD_FRAME_H

#include <stddef.h>

#include "daemon/base/buffer.h"

struct frame {
    size_t *account; /* from which its length is taken in the end, or NULL */
    unsigned references;
    size_t length;
    size_t whole; /* the length before it was compressed, if it is */
    char *bytes;
};

/* Takes over what the buffer holds, leaves it empty, and adds the length to *account, if there is
 * one, for as long as the frame is held.  NULL when there is no memory, or the buffer had none; the
 * buffer is freed then.  The first reference is the caller's. */
struct frame *frame_take(struct buffer *buffer, size_t *account);

struct frame *frame_hold(struct frame *frame);
void frame_release(struct frame *frame); /* NULL is fine */

#endif
