/* SPDX-License-Identifier: MIT */
/*
 * A growing run of bytes.  Zero-initialised is empty.  Running out of memory
 * empties it and sets `failed`; from then on nothing is appended, so a caller
 * may append without looking and ask once at the end.
 */
#ifndef ENGRAMD_BUFFER_H
#define ENGRAMD_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct buffer {
    char *data;
    size_t length;
    size_t capacity;
    bool failed;
};

/* The slow half of buffer_reserve(). */
bool buffer_grow(struct buffer *buffer, size_t more);

void buffer_free(struct buffer *buffer);

/* Empties the buffer, forgets a failure, keeps the memory. */
static inline void buffer_reset(struct buffer *buffer)
{
    buffer->length = 0;
    buffer->failed = false;
}

/* Makes room for `more` bytes.  Room for one above is asked for, so that `data`
 * is a valid place to copy to even when nothing is to be copied. */
static inline bool buffer_reserve(struct buffer *buffer, size_t more)
{
    if (__builtin_expect(buffer->capacity - buffer->length > more, 1))
        return true;
    return buffer_grow(buffer, more);
}

static inline void buffer_append(struct buffer *buffer, const void *bytes, size_t length)
{
    if (!buffer_reserve(buffer, length))
        return;
    memcpy(buffer->data + buffer->length, bytes, length);
    buffer->length += length;
}

static inline void buffer_append_string(struct buffer *buffer, const char *string)
{
    buffer_append(buffer, string, strlen(string));
}

static inline void buffer_append_char(struct buffer *buffer, char c)
{
    if (!buffer_reserve(buffer, 1))
        return;
    buffer->data[buffer->length++] = c;
}

/* Appends once more what already stands at `at`, wherever growth moves it. */
static inline void buffer_repeat(struct buffer *buffer, size_t at, size_t length)
{
    if (!buffer_reserve(buffer, length))
        return;
    memcpy(buffer->data + buffer->length, buffer->data + at, length);
    buffer->length += length;
}

/* Takes back what was appended since the buffer was `length` long. */
static inline void buffer_truncate(struct buffer *buffer, size_t length)
{
    if (length < buffer->length)
        buffer->length = length;
}

#endif
