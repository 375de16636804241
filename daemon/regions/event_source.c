/* SPDX-License-Identifier: MIT */
#include "daemon/regions/event_source.h"
#include "daemon/regions/record_labels.h"

#include <stdlib.h>
#include <string.h>

uint32_t event_kinds_published(const struct reader *reader)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < reader->count; i++)
        count += reader->records[i].descriptor->kind == ENGRAM_EVENT;
    return count;
}

static uint32_t kinds_kept(uint32_t published)
{
    return published < EVENT_KINDS_MAX ? published : EVENT_KINDS_MAX;
}

static void append_labels(struct buffer *text, const struct record *record, const char *process)
{
    append_record_labels(text, record, process);
    buffer_append_char(text, '\0');
}

static void append_kind(struct event_source *source, struct buffer *text,
                        const struct record *record)
{
    source->kinds[source->count++].number = record->offset;
    buffer_append(text, record_name(record), record->descriptor->name_length);
    buffer_append_char(text, '\0');
    append_labels(text, record, source->process);
}

static int kind_compare(const void *left, const void *right)
{
    const struct event_kind *a = left, *b = right;
    return (a->number > b->number) - (a->number < b->number);
}

/* The text stands still now: the labels of the process, then name and labels of each kind. */
static void point(struct event_source *source)
{
    const char *at = source->labels = source->text;
    for (uint32_t i = 0; i < source->count; i++) {
        source->kinds[i].name = at += strlen(at) + 1;
        source->kinds[i].labels = at += strlen(at) + 1;
    }
    qsort(source->kinds, source->count, sizeof source->kinds[0], kind_compare);
}

static bool add_kinds(struct event_source *source, const struct reader *reader)
{
    struct buffer text = {0};
    append_labels(&text, NULL, source->process);
    for (uint32_t i = 0; i < reader->count; i++)
        if (reader->records[i].descriptor->kind == ENGRAM_EVENT &&
            source->count < kinds_kept(source->published) && text.length < EVENT_TEXT_ENOUGH)
            append_kind(source, &text, &reader->records[i]);
    char *fits = text.failed ? NULL : realloc(text.data, text.length);
    source->text = fits ? fits : text.data;
    if (source->text)
        point(source);
    return source->text;
}

struct event_source *event_source_new(const struct reader *reader, const char *process)
{
    uint32_t published = event_kinds_published(reader);
    struct event_source *source =
        calloc(1, sizeof *source + kinds_kept(published) * sizeof source->kinds[0]);
    if (!source)
        return NULL;
    atomic_init(&source->references, 1);
    memcpy(source->process, process, strlen(process) + 1);
    source->owner = reader->owner;
    source->pid = reader->header.pid;
    source->published = published;
    if (add_kinds(source, reader))
        return source;
    event_source_release(source);
    return NULL;
}

struct event_source *event_source_hold(struct event_source *source)
{
    if (source)
        atomic_fetch_add_explicit(&source->references, 1, memory_order_relaxed);
    return source;
}

void event_source_release(struct event_source *source)
{
    if (!source || atomic_fetch_sub_explicit(&source->references, 1, memory_order_acq_rel) != 1)
        return;
    free(source->text);
    free(source);
}

const struct event_kind *event_source_kind(const struct event_source *source, uint32_t number)
{
    const struct event_kind wanted = {.number = number};
    return bsearch(&wanted, source->kinds, source->count, sizeof wanted, kind_compare);
}
