/* SPDX-License-Identifier: MIT */
#include "daemon/base/frame.h"

#include <stdlib.h>

struct frame *frame_take(struct buffer *buffer, size_t *account)
{
    struct frame *frame = buffer->failed ? NULL : malloc(sizeof *frame);
    if (!frame) {
        buffer_free(buffer);
        return NULL;
    }
    /* What the buffer grew to beyond its content would stay for as long as the slowest reader. */
    char *bytes = realloc(buffer->data, buffer->length ? buffer->length : 1);
    *frame = (struct frame){.account = account,
                            .references = 1,
                            .length = buffer->length,
                            .whole = buffer->length,
                            .bytes = bytes ? bytes : buffer->data};
    if (account)
        *account += frame->length;
    *buffer = (struct buffer){0};
    return frame;
}

struct frame *frame_hold(struct frame *frame)
{
    frame->references++;
    return frame;
}

void frame_release(struct frame *frame)
{
    if (!frame || --frame->references)
        return;
    if (frame->account)
        *frame->account -= frame->length;
    free(frame->bytes);
    free(frame);
}
