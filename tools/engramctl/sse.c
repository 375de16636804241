/* SPDX-License-Identifier: MIT */
#include "sse.h"

#include <stdlib.h>
#include <string.h>

#define RETRY_MOST 3600000u /* ms */

struct text {
    char *at; /* terminated once it is there */
    size_t length, room;
};

struct sse {
    struct sse_sink sink;
    size_t most;
    struct text line, data, event;
    struct text id, last; /* as it came, and of the last message that is whole */
    bool has_data;        /* empty data is data */
    bool after_return;    /* a line feed now belongs to the carriage return before */
    bool begun;           /* beyond where a byte order mark may stand */
    uint32_t retry;
    bool has_retry;
};

/* Appends; false when it gets longer than `most` or there is no memory. */
static bool append(struct text *text, const char *bytes, size_t length, size_t most)
{
    if (length > most - text->length)
        return false;
    if (text->length + length + 1 > text->room) {
        size_t room = 2 * (text->length + length + 1);
        char *grown = realloc(text->at, room);
        if (!grown)
            return false;
        text->at = grown;
        text->room = room;
    }
    if (length)
        memcpy(text->at + text->length, bytes, length);
    text->length += length;
    text->at[text->length] = 0;
    return true;
}

static bool set(struct text *text, const char *bytes, size_t length, size_t most)
{
    text->length = 0;
    return append(text, bytes, length, most);
}

static const char *text_or(const struct text *text, const char *otherwise)
{
    return text->length ? text->at : otherwise;
}

struct sse *sse_new(const struct sse_sink *sink, size_t most)
{
    struct sse *sse = calloc(1, sizeof *sse);
    if (!sse)
        return NULL;
    sse->sink = *sink;
    sse->most = most;
    return sse;
}

void sse_free(struct sse *sse)
{
    if (!sse)
        return;
    free(sse->line.at);
    free(sse->data.at);
    free(sse->event.at);
    free(sse->id.at);
    free(sse->last.at);
    free(sse);
}

/* An empty line: what has come is whole, and a message if it has data. */
static bool dispatch(struct sse *sse)
{
    if (!set(&sse->last, text_or(&sse->id, ""), sse->id.length, sse->most))
        return false;
    struct sse_message message = {.event = text_or(&sse->event, "message"),
                                  .id = sse->last.at,
                                  .data = text_or(&sse->data, ""),
                                  .length = sse->data.length};
    if (sse->has_data && sse->sink.message)
        sse->sink.message(sse->sink.argument, &message);
    sse->has_data = false;
    sse->data.length = 0;
    sse->event.length = 0;
    return true;
}

static bool add_data(struct sse *sse, const char *value, size_t length)
{
    bool first = !sse->has_data;
    sse->has_data = true;
    return (first || append(&sse->data, "\n", 1, sse->most)) &&
           append(&sse->data, value, length, sse->most);
}

/* Only digits count. */
static void set_retry(struct sse *sse, const char *value, size_t length)
{
    uint64_t retry = 0;
    for (size_t i = 0; i < length; i++) {
        if (value[i] < '0' || value[i] > '9')
            return;
        retry = retry * 10 + (uint64_t)(value[i] - '0');
        retry = retry > RETRY_MOST ? RETRY_MOST : retry;
    }
    sse->has_retry = length > 0 || sse->has_retry;
    sse->retry = length > 0 ? (uint32_t)retry : sse->retry;
}

static bool is_field(const char *line, size_t length, const char *name)
{
    return length == strlen(name) && memcmp(line, name, length) == 0;
}

static bool take_field(struct sse *sse, const char *line, size_t length)
{
    const char *colon = memchr(line, ':', length);
    size_t name = colon ? (size_t)(colon - line) : length;
    size_t from = colon ? name + 1 : length;
    from += from < length && line[from] == ' ';
    const char *value = line + from;
    length -= from;
    if (is_field(line, name, "data"))
        return add_data(sse, value, length);
    if (is_field(line, name, "event"))
        return set(&sse->event, value, length, sse->most);
    if (is_field(line, name, "id"))
        return memchr(value, 0, length) || set(&sse->id, value, length, sse->most);
    if (is_field(line, name, "retry"))
        set_retry(sse, value, length);
    return true;
}

static bool take_line(struct sse *sse)
{
    const char *line = text_or(&sse->line, "");
    size_t length = sse->line.length;
    sse->line.length = 0;
    if (!sse->begun && length >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0) {
        line += 3;
        length -= 3;
    }
    sse->begun = true;
    if (length == 0)
        return dispatch(sse);
    if (*line != ':')
        return take_field(sse, line, length);
    if (sse->sink.comment)
        sse->sink.comment(sse->sink.argument, line + 1, length - 1);
    return true;
}

bool sse_feed(struct sse *sse, const char *bytes, size_t length)
{
    const char *end = bytes + length;
    while (bytes < end) {
        if (sse->after_return && *bytes == '\n')
            bytes++;
        sse->after_return = false;
        const char *from = bytes;
        while (bytes < end && *bytes != '\n' && *bytes != '\r')
            bytes++;
        if (!append(&sse->line, from, (size_t)(bytes - from), sse->most))
            return false;
        if (bytes == end)
            break;
        sse->after_return = *bytes++ == '\r';
        if (!take_line(sse))
            return false;
    }
    return true;
}

void sse_end(struct sse *sse)
{
    sse->id.length = 0;
    if (sse->last.length) /* fits: it was there before */
        set(&sse->id, sse->last.at, sse->last.length, sse->most);
    sse->line.length = 0;
    sse->data.length = 0;
    sse->event.length = 0;
    sse->has_data = sse->after_return = sse->begun = false;
}

uint32_t sse_retry_ms(const struct sse *sse, uint32_t otherwise)
{
    return sse->has_retry ? sse->retry : otherwise;
}

const char *sse_last_id(const struct sse *sse)
{
    return text_or(&sse->last, "");
}
