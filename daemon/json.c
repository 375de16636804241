/* SPDX-License-Identifier: MIT */
#include "daemon/json.h"

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

/*
 * How many bytes of a character beyond ASCII stand at `at`, at most `left`, and
 * whether they are all of it.  What is cut short, overlong, a surrogate or beyond
 * U+10FFFF is none: then what could have begun one counts, at least a byte.
 */
static size_t read_character(const unsigned char *at, size_t left, bool *whole)
{
    unsigned char least = 0x80, most = 0xbf; /* of the second byte */
    size_t length = *at < 0xe0 ? 2 : *at < 0xf0 ? 3 : 4, read = 1;
    *whole = false;
    if (*at < 0xc2 || *at > 0xf4)
        return 1;
    if (*at == 0xe0)
        least = 0xa0;
    else if (*at == 0xed)
        most = 0x9f;
    else if (*at == 0xf0)
        least = 0x90;
    else if (*at == 0xf4)
        most = 0x8f;
    for (; read < length && read < left && at[read] >= least && at[read] <= most; read++) {
        least = 0x80;
        most = 0xbf;
    }
    *whole = read == length;
    return read;
}

/* Appends what needs a look, at least a byte of it; returns its length. */
static size_t append_special(struct buffer *out, const char *text, size_t left)
{
    const unsigned char *at = (const unsigned char *)text;
    if (*at < 0x80) {
        append_escape(out, *at);
        return 1;
    }
    bool whole;
    size_t length = read_character(at, left, &whole);
    if (whole)
        buffer_append(out, text, length);
    else
        buffer_append(out, REPLACEMENT, sizeof REPLACEMENT - 1);
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
