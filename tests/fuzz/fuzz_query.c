/* SPDX-License-Identifier: MIT */
#include "daemon/http/query.h"

#include <engram/valid.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ROOM 24

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A terminated text of less than ROOM bytes. */
static void check(const char *text)
{
    const char *end = memchr(text, 0, ROOM);
    if (!end || !engram_utf8_valid(text, (size_t)(end - text)))
        abort();
}

/* It ends, writes and reads no further than it may, and what it gives is text. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1), *name = malloc(ROOM), *value = malloc(ROOM);
    memcpy(text, data, size);
    text[size] = 0;
    struct query query = query_of(text);
    size_t count = 0;
    while (query_next(&query, name, ROOM, value, ROOM)) {
        check(name);
        check(value);
        if (*name == 0 || ++count > size)
            abort();
    }
    if (!query.error && *query.rest)
        abort();
    free(text);
    free(name);
    free(value);
    return 0;
}
