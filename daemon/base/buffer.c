/* SPDX-License-Identifier: MIT */
#include "daemon/base/buffer.h"

#include <stdint.h>
#include <stdlib.h>

#define BUFFER_FIRST 4096u

static bool buffer_fail(struct buffer *buffer)
{
    buffer_free(buffer);
    buffer->failed = true;
    return false;
}

bool buffer_grow(struct buffer *buffer, size_t more)
{
    if (buffer->failed || more > SIZE_MAX / 4 - buffer->length)
        return buffer_fail(buffer);

    size_t capacity = buffer->capacity ? 2 * buffer->capacity : BUFFER_FIRST;
    if (capacity < buffer->length + more + 1)
        capacity = buffer->length + more + 1;

    char *data = realloc(buffer->data, capacity);
    if (!data)
        return buffer_fail(buffer);
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

void buffer_free(struct buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct buffer){0};
}
