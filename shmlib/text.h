/* SPDX-License-Identifier: MIT */
/* What characters of foreign texts may do to a terminal or to a log. */
#ifndef SHMLIB_TEXT_H
#define SHMLIB_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of a well-formed sequence of UTF-8 of that length, 1 to 4 bytes (RFC 3629). */
static inline uint32_t text_code_point(const char *at, size_t length)
{
    static const unsigned char lead[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t code = (unsigned char)*at & lead[length];
    for (size_t i = 1; i < length; i++)
        code = code << 6 | ((unsigned char)at[i] & 0x3f);
    return code;
}

/* Controls, and what changes the direction or the lines of a text: Unicode's Bidi_Control, and its
 * separators of lines and paragraphs. */
static inline bool text_commands(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x61c || code == 0x200e ||
           code == 0x200f || (code >= 0x2028 && code <= 0x202e) ||
           (code >= 0x2066 && code <= 0x2069);
}

#endif
