/* SPDX-License-Identifier: MIT */
#include "tools/engramctl/sse.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MOST 256

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    uint64_t hash, count;
};

static void add(struct seen *seen, const char *bytes, size_t length)
{
    for (size_t i = 0; i <= length; i++) /* the terminator, too */
        seen->hash = (seen->hash ^ (uint8_t)bytes[i]) * UINT64_C(1099511628211);
    seen->count++;
}

static void on_message(void *argument, const struct sse_message *message)
{
    if (message->length > MOST || message->data[message->length] || strpbrk(message->event, "\r\n"))
        abort();
    add(argument, message->event, strlen(message->event));
    add(argument, message->id, strlen(message->id));
    add(argument, message->data, message->length);
}

static void on_comment(void *argument, const char *text, size_t length)
{
    add(argument, text, length);
}

static bool feed(struct sse *sse, const uint8_t *data, size_t size)
{
    char *exact = malloc(size ? size : 1); /* so that one byte more is seen */
    memcpy(exact, data, size);
    bool fine = sse_feed(sse, exact, size);
    free(exact);
    return fine;
}

/* In two pieces, the first of the length that the first byte says. */
static struct seen feed_cut(const uint8_t *data, size_t size, size_t cut, bool *fine)
{
    struct seen seen = {UINT64_C(14695981039346656037), 0};
    struct sse_sink sink = {on_message, on_comment, &seen};
    struct sse *sse = sse_new(&sink, MOST);
    *fine = feed(sse, data, cut) && feed(sse, data + cut, size - cut);
    add(&seen, sse_last_id(sse), strlen(sse_last_id(sse)));
    sse_free(sse);
    return seen;
}

/* However the bytes are cut, the same messages come out, and nothing is longer than it may be. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool whole, cut;
    if (size == 0)
        return 0;
    size_t at = data[0] % size;
    struct seen a = feed_cut(data + 1, size - 1, 0, &whole);
    struct seen b = feed_cut(data + 1, size - 1, at, &cut);
    if (whole != cut || (whole && (a.hash != b.hash || a.count != b.count)))
        abort();
    return 0;
}
