/* SPDX-License-Identifier: MIT */
#include "daemon/base/glob.h"

#include <stddef.h>
#include <string.h>

/* Behind the set that `at` begins, at its first byte, or NULL if it has no end.  A ] that comes
 * first is one of the set. */
static const char *end_of_set(const char *at)
{
    at += *at == '!';
    const char *end = *at ? strchr(at + 1, ']') : NULL;
    return end ? end + 1 : NULL;
}

bool glob_valid(const char *glob)
{
    while ((glob = strchr(glob, '['))) {
        const char *end = end_of_set(++glob);
        if (!end)
            return false;
        for (; glob < end; glob++)
            if (*glob == '[' && strchr(":=.", glob[1]))
                return false;
    }
    return true;
}

static bool in_set(const char *at, const char *end, unsigned char c)
{
    bool inverted = *at == '!', found = false;
    at += inverted;
    for (; at + 1 < end; at++) {
        if (at[1] == '-' && at + 3 < end) {
            found |= (unsigned char)at[0] <= c && c <= (unsigned char)at[2];
            at += 2;
        } else {
            found |= (unsigned char)*at == c;
        }
    }
    return found != inverted;
}

/* Whether one element of the glob, which is no *, takes the byte; *next is behind the element. */
static bool takes(const char *glob, char c, const char **next)
{
    *next = glob + 1;
    if (*glob != '[')
        return *glob == '?' || *glob == c;
    *next = end_of_set(glob + 1);
    return in_set(glob + 1, *next, (unsigned char)c);
}

bool glob_matches(const char *glob, const char *name)
{
    const char *star = NULL, *retry = NULL, *next;
    while (*name) {
        if (*glob == '*') {
            star = ++glob;
            retry = name;
        } else if (*glob && takes(glob, *name, &next)) {
            glob = next;
            name++;
        } else if (star) { /* the last * takes one byte more; those before it need not */
            glob = star;
            name = ++retry;
        } else {
            return false;
        }
    }
    return glob[strspn(glob, "*")] == '\0';
}
