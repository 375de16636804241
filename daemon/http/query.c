/* SPDX-License-Identifier: MIT */
#include "daemon/http/query.h"

#include <engram/valid.h>
#include <string.h>

static int hex(char c)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) % 16 : -1;
}

/* The next decoded character of an escaped text, or -1 at an escape that is none. */
static int next_character(const char **at)
{
    char c = *(*at)++;
    if (c != '%')
        return c == '+' ? ' ' : (unsigned char)c;
    int high = hex(**at), low = high < 0 ? -1 : hex((*at)[1]);
    if (low < 0)
        return -1;
    *at += 2;
    return high * 16 + low;
}

/* Decodes what lies between two addresses into `to`; NULL, or what is wrong. */
static const char *decode(const char *at, const char *end, char *to, size_t size)
{
    size_t length = 0;
    while (at < end) {
        int c = next_character(&at);
        if (c < 0)
            return "\"%\" is not followed by two hexadecimal digits";
        if (length + 1 >= size)
            return "a name or a value is too long";
        to[length++] = (char)c;
    }
    to[length] = 0;
    return engram_utf8_valid(to, length) ? NULL : "a name or a value is not UTF-8, or has a NUL";
}

bool query_next(struct query *query, char *name, size_t name_size, char *value, size_t value_size)
{
    const char *start = query->rest + strspn(query->rest, "&");
    const char *end = start + strcspn(start, "&");
    const char *name_end = start + strcspn(start, "=&");
    query->rest = start;
    if (query->error || start == end)
        return false;
    query->error =
        name_end == start ? "a value has no name" : decode(start, name_end, name, name_size);
    if (!query->error)
        query->error = decode(name_end + (*name_end == '='), end, value, value_size);
    query->rest = end;
    return !query->error;
}
