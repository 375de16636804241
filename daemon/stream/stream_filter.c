/* SPDX-License-Identifier: MIT */
#include "daemon/stream/stream_filter.h"
#include "daemon/http/query.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS UINT64_C(1000000)
#define INTERVAL_LEAST (10 * MS)
#define INTERVAL_MOST (60000 * MS)

struct word_list {
    const char *word;
    unsigned bit;
};

static const struct word_list kinds[] = {{"metrics", STREAM_METRICS}, {"event", STREAM_EVENT},
                                         {"process", STREAM_PROCESS}, {"health", STREAM_HEALTH},
                                         {"alert", STREAM_ALERT},     {NULL, 0}};
static const struct word_list fields[] = {{"delta", FIELD_DELTA},
                                          {"value", FIELD_VALUE},
                                          {"rate", FIELD_RATE},
                                          {"buckets", FIELD_BUCKETS},
                                          {NULL, 0}};

/* Adds the bits of words with commas between them; false when one is unknown. */
static bool take_words(const struct word_list *list, const char *value, unsigned *bits)
{
    for (;;) {
        size_t length = strcspn(value, ",");
        const struct word_list *at = list;
        while (at->word && (strlen(at->word) != length || memcmp(at->word, value, length) != 0))
            at++;
        if (!at->word)
            return false;
        *bits |= at->bit;
        if (!value[length])
            return true;
        value += length + 1;
    }
}

/* "250ms", "1s", "1m". */
static bool take_interval(const char *value, uint64_t *interval)
{
    char *unit;
    if (*value < '0' || *value > '9' || strlen(value) > 9)
        return false;
    uint64_t number = strtoul(value, &unit, 10);
    uint64_t scale = strcmp(unit, "ms") == 0  ? MS
                     : strcmp(unit, "s") == 0 ? 1000 * MS
                     : strcmp(unit, "m") == 0 ? 60000 * MS
                                              : 0;
    *interval = number * scale;
    return *interval >= INTERVAL_LEAST && *interval <= INTERVAL_MOST;
}

static bool take_last(const char *value, char *last)
{
    size_t length = strlen(value);
    if (length >= LAST_ID_SIZE)
        return false;
    memcpy(last, value, length + 1);
    return true;
}

/* Stands for a phrase that takes the name. */
static const char unknown[] = "";

/* NULL, or what is wrong with the parameter: a phrase that says which. */
static const char *take(struct stream_filter *filter, const char *name, const char *value)
{
    const char *wrong = NULL;
    if (strcmp(name, "kinds") == 0)
        return take_words(kinds, value, &filter->kinds)
                   ? NULL
                   : "kinds are metrics, event, process and health";
    if (strcmp(name, "fields") == 0)
        return take_words(fields, value, &filter->fields)
                   ? NULL
                   : "fields are delta, value, rate and buckets";
    if (strcmp(name, "interval") == 0)
        return take_interval(value, &filter->interval)
                   ? NULL
                   : "interval is 10ms to 1m, with its unit: ms, s, m";
    if (strcmp(name, "last-event-id") == 0)
        return take_last(value, filter->last) ? NULL
                                              : "last-event-id is none of a stream of this kind";
    switch (match_take(&filter->match, name, value, &wrong)) {
    case MATCH_TAKEN:
        return NULL;
    case MATCH_UNKNOWN:
        return unknown;
    case MATCH_WRONG:
        break;
    }
    return wrong;
}

bool stream_filter_parse(struct stream_filter *filter, const char *text, char *error, size_t size)
{
    char name[32], value[MATCH_TEXT_MAX + 1];
    struct query query = query_of(text);
    *filter = (struct stream_filter){.match = MATCH_EVERYTHING};
    while (query_next(&query, name, sizeof name, value, sizeof value)) {
        const char *wrong = take(filter, name, value);
        if (wrong == unknown)
            snprintf(error, size, "there is no parameter \"%s\"; see engramd-stream(5)", name);
        else if (wrong)
            snprintf(error, size, "%s", wrong);
        if (wrong)
            return false;
    }
    if (query.error)
        snprintf(error, size, "%s", query.error);
    if (!filter->kinds)
        filter->kinds = STREAM_METRICS | STREAM_ITEMS;
    if (!filter->fields)
        filter->fields = FIELD_DELTA | FIELD_VALUE;
    return !query.error;
}

void stream_filter_free(struct stream_filter *filter)
{
    match_free(&filter->match);
}

/* With their lengths, or what one text holds could pass for two. */
static void append_texts(struct buffer *out, const char *what, char *const *texts, uint32_t count)
{
    char head[32];
    for (uint32_t i = 0; i < count; i++) {
        snprintf(head, sizeof head, " %s %zu ", what, strlen(texts[i]));
        buffer_append_string(out, head);
        buffer_append_string(out, texts[i]);
    }
}

void stream_filter_key(const struct stream_filter *filter, struct buffer *out)
{
    char numbers[80];
    snprintf(numbers, sizeof numbers, "%u %u %llu %u", filter->kinds, filter->fields,
             (unsigned long long)filter->interval, filter->match.node);
    buffer_append_string(out, numbers);
    append_texts(out, "match", filter->match.families, filter->match.family_count);
    append_texts(out, "label", filter->match.labels, filter->match.label_count);
}
