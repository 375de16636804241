/* SPDX-License-Identifier: MIT */
#include "daemon/base/json.h"

#include <engram/valid.h>

#define REPLACEMENT "\xef\xbf\xbd"

/* ASCII that stands for itself within quotation marks. */
static bool is_plain(unsigned char c)
{
    return c >= ' ' && c < 0x80 && c != '"' && c != '\\';
}

static void append_escape(struct buffer *out, unsigned char c)
{
    static const char digits[] = "0123456789abcdef";
    static const char shorts[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    const char *known = c ? strchr(shorts, c) : NULL;
    char text[] = {'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]};
    if (known)
        text[1] = letters[known - shorts];
    buffer_append(out, text, known ? 2 : sizeof text);
}

/* Appends what needs a look, at least a byte of it; returns its length. */
static size_t append_special(struct buffer *out, const char *text, size_t left)
{
    unsigned char first = (unsigned char)*text;
    if (first < 0x80) {
        append_escape(out, first);
        return 1;
    }
    size_t length = engram_utf8_sequence((const uint8_t *)text, left);
    if (length == 0) {
        buffer_append(out, REPLACEMENT, sizeof REPLACEMENT - 1);
        return 1;
    }
    buffer_append(out, text, length);
    return length;
}

void json_append_quoted(struct buffer *out, const char *text, size_t length)
{
    buffer_append_char(out, '"');
    for (size_t at = 0; at < length;) {
        size_t plain = at;
        while (plain < length && is_plain((unsigned char)text[plain]))
            plain++;
        buffer_append(out, text + at, plain - at);
        at = plain;
        if (at < length)
            at += append_special(out, text + at, length - at);
    }
    buffer_append_char(out, '"');
}
