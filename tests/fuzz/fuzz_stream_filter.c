/* SPDX-License-Identifier: MIT */
/*
 * Two queries of /stream, with a NUL between them.  What is taken is within its
 * bounds, what is not has a reason; and clients share a stream, by its key, just
 * when they asked for the same.
 */
#include "daemon/stream/stream_encode.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MS UINT64_C(1000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds)
        abort();
}

static void check_taken(const struct stream_filter *filter)
{
    struct stream_id id;
    check(filter->kinds && filter->kinds <= (STREAM_METRICS | STREAM_ITEMS));
    check(filter->fields && filter->fields < 16);
    check(filter->interval == 0 || (filter->interval >= 10 * MS && filter->interval <= 60000 * MS));
    check(memchr(filter->last, 0, sizeof filter->last));
    stream_id_parse(&id, filter->last);
}

static bool same_texts(char *const *a, char *const *b, uint32_t count)
{
    uint32_t i = 0;
    while (i < count && strcmp(a[i], b[i]) == 0)
        i++;
    return i == count;
}

static bool same(const struct stream_filter *a, const struct stream_filter *b)
{
    return a->kinds == b->kinds && a->fields == b->fields && a->interval == b->interval &&
           a->match.node == b->match.node && a->match.family_count == b->match.family_count &&
           a->match.label_count == b->match.label_count &&
           same_texts(a->match.families, b->match.families, a->match.family_count) &&
           same_texts(a->match.labels, b->match.labels, a->match.label_count);
}

static bool parse(struct stream_filter *filter, const char *text)
{
    char error[128] = "";
    bool taken = stream_filter_parse(filter, text, error, sizeof error);
    check(taken || *error);
    if (taken)
        check_taken(filter);
    return taken;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 2);
    struct stream_filter a, b;
    struct buffer key_a = {0}, key_b = {0};
    memcpy(text, data, size);
    text[size] = text[size + 1] = 0;
    bool both = parse(&a, text) & parse(&b, text + strlen(text) + (strlen(text) < size));
    stream_filter_key(&a, &key_a);
    stream_filter_key(&b, &key_b);
    if (both)
        check(same(&a, &b) ==
              (key_a.length == key_b.length && memcmp(key_a.data, key_b.data, key_a.length) == 0));
    stream_filter_free(&a);
    stream_filter_free(&b);
    buffer_free(&key_a);
    buffer_free(&key_b);
    free(text);
    return 0;
}
