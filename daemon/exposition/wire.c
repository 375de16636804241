/* SPDX-License-Identifier: MIT */
#include "daemon/exposition/wire.h"

#include <string.h>

#define VARINT_MOST 10 /* bytes */

enum wire_type { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_LENGTH = 2 };

/* Returns how many bytes it takes. */
static inline size_t put_varint(char *to, uint64_t value)
{
    size_t length = 0;

    for (; value > 0x7f; value >>= 7)
        to[length++] = (char)(value | 0x80);
    to[length++] = (char)value;
    return length;
}

static inline void append_varint(struct buffer *out, uint64_t value)
{
    if (buffer_reserve(out, VARINT_MOST))
        out->length += put_varint(out->data + out->length, value);
}

static void append_tag(struct buffer *out, uint32_t field, enum wire_type type)
{
    append_varint(out, (uint64_t)field << 3 | type);
}

/* Small numbers of either sign become small: 0, -1, 1, -2. */
static uint64_t zigzag(int64_t value)
{
    return (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0);
}

void wire_unsigned(struct buffer *out, uint32_t field, uint64_t value)
{
    append_tag(out, field, WIRE_VARINT);
    append_varint(out, value);
}

void wire_signed(struct buffer *out, uint32_t field, int64_t value)
{
    wire_unsigned(out, field, zigzag(value));
}

void wire_packed_signed(struct buffer *out, int64_t value)
{
    append_varint(out, zigzag(value));
}

void wire_double(struct buffer *out, uint32_t field, double value)
{
    uint64_t bits;
    char bytes[8];

    append_tag(out, field, WIRE_FIXED64);
    memcpy(&bits, &value, sizeof bits);
    for (int i = 0; i < 8; i++)
        bytes[i] = (char)(bits >> 8 * i);
    buffer_append(out, bytes, sizeof bytes);
}

void wire_string(struct buffer *out, uint32_t field, const char *text, size_t length)
{
    append_tag(out, field, WIRE_LENGTH);
    append_varint(out, length);
    buffer_append(out, text, length);
}

size_t wire_begin(struct buffer *out, uint32_t field)
{
    if (field)
        append_tag(out, field, WIRE_LENGTH);
    buffer_append_char(out, 0); /* as long as most lengths are */
    return out->length;
}

void wire_end(struct buffer *out, size_t at)
{
    char prefix[VARINT_MOST];

    if (out->failed)
        return;
    size_t length = out->length - at;
    size_t taken = put_varint(prefix, length);
    if (taken == 1) {
        out->data[at - 1] = prefix[0];
        return;
    }
    if (!buffer_reserve(out, taken))
        return;
    memmove(out->data + at + taken - 1, out->data + at, length);
    memcpy(out->data + at - 1, prefix, taken);
    out->length += taken - 1;
}
