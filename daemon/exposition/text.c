/* SPDX-License-Identifier: MIT */
/* Text 0.0.4 and OpenMetrics: the same sample lines below different lines about the families. */
#include "daemon/base/number.h"
#include "daemon/exposition/form.h"

#include <stdbool.h>
#include <string.h>

#define APPEND_LITERAL(out, literal) buffer_append(out, literal, sizeof(literal) - 1)

static bool ends_in(const char *text, size_t length, const char *suffix)
{
    size_t suffix_length = strlen(suffix);

    return length >= suffix_length &&
           memcmp(text + length - suffix_length, suffix, suffix_length) == 0;
}

/* `special` are the characters to escape, the line feed among them. */
static void append_escaped(struct buffer *out, const char *text, const char *special)
{
    for (;;) {
        size_t plain = strcspn(text, special);

        buffer_append(out, text, plain);
        text += plain;
        if (!*text)
            return;
        buffer_append_char(out, '\\');
        buffer_append_char(out, *text == '\n' ? 'n' : *text);
        text++;
    }
}

static const char *type_name(enum series_type type)
{
    switch (type) {
    case SERIES_COUNTER:
        return "counter";
    case SERIES_HISTOGRAM:
        return "histogram";
    case SERIES_GAUGE:
    case SERIES_INFO: /* the text format has no such type */
        break;
    }
    return "gauge";
}

/* OpenMetrics names a counter or info family without the suffix that its samples must have. */
static const char *openmetrics_type(const struct block *block, size_t *name_length)
{
    const struct family *family = block->family;

    *name_length = block->name_length;
    if (family->type == SERIES_COUNTER) {
        if (!ends_in(family->name, block->name_length, "_total"))
            return "unknown";
        *name_length -= strlen("_total");
    } else if (family->type == SERIES_INFO && ends_in(family->name, block->name_length, "_info")) {
        *name_length -= strlen("_info");
        return "info";
    }
    return type_name(family->type);
}

static void append_about(const struct block *block, const char *keyword, size_t name_length)
{
    buffer_append_string(block->out, keyword);
    buffer_append(block->out, block->family->name, name_length);
    buffer_append_char(block->out, ' ');
}

/* Prometheus refuses a scrape with a unit that is no suffix of the name, or is on an info. */
static bool has_unit_line(const struct family *family, size_t name_length)
{
    size_t unit_length = strlen(family->unit);

    return unit_length > 0 && family->type != SERIES_INFO && name_length > unit_length &&
           ends_in(family->name, name_length, family->unit) &&
           family->name[name_length - unit_length - 1] == '_';
}

static void append_header(const struct block *block, bool openmetrics)
{
    struct buffer *out = block->out;
    const struct family *family = block->family;
    size_t name_length = block->name_length;
    const char *type =
        openmetrics ? openmetrics_type(block, &name_length) : type_name(family->type);

    append_about(block, "# HELP ", name_length);
    append_escaped(out, family->help, openmetrics ? "\\\n\"" : "\\\n");
    append_about(block, "\n# TYPE ", name_length);
    buffer_append_string(out, type);
    if (openmetrics && has_unit_line(family, name_length)) {
        append_about(block, "\n# UNIT ", name_length);
        buffer_append_string(out, family->unit);
    }
    buffer_append_char(out, '\n');
}

static char *put(char *to, const char *bytes, size_t length)
{
    memcpy(to, bytes, length);
    return to + length;
}

#define PUT_LITERAL(to, literal) put(to, literal, sizeof(literal) - 1)

/* Room for a node's label and what joins labels, besides the labels themselves. */
#define JOINTS_MOST (sizeof "{,numa_node=\"\"} " + NUMBER_MOST)

/* The labels from the brace on, without the closing one; nothing if there are none. */
static char *put_labels(char *to, const char *labels, size_t length, int node)
{
    if (length > 0) {
        *to++ = '{';
        to = put(to, labels, length);
    }
    if (node != NO_NODE) {
        *to++ = length > 0 ? ',' : '{';
        to = PUT_LITERAL(to, "numa_node=\"");
        to = number_put_u64(to, (uint64_t)node);
        *to++ = '"';
    }
    return to;
}

static void append_labels(struct buffer *out, const struct series *series, int node)
{
    size_t length = strlen(series->labels);

    if (buffer_reserve(out, length + JOINTS_MOST))
        out->length =
            (size_t)(put_labels(out->data + out->length, series->labels, length, node) - out->data);
}

static char *put_value(char *to, enum reading reading, union word value)
{
    switch (reading) {
    case READ_COUNT:
        return number_put_u64(to, value.count);
    case READ_SIGNED:
        return number_put_i64(to, (int64_t)value.count);
    case READ_NUMBER:
        break;
    }
    return number_put_double(to, value.number);
}

/* Most lines of a scrape are made here, so there is room for all of it before any of it. */
static void append_value(const struct block *block, const struct series *series, int node,
                         enum reading reading, union word value)
{
    struct buffer *out = block->out;
    size_t length = strlen(series->labels);

    if (!buffer_reserve(out, block->name_length + length + JOINTS_MOST + NUMBER_MOST))
        return;
    char *to = put(out->data + out->length, block->family->name, block->name_length);
    to = put_labels(to, series->labels, length, node);
    if (length > 0 || node != NO_NODE)
        *to++ = '}';
    *to++ = ' ';
    to = put_value(to, reading, value);
    *to++ = '\n';
    out->length = (size_t)(to - out->data);
}

/* The lines NAME_bucket; returns the count.  The part before a bound is made once and then copied;
 * its labels stand at *labels_at, for the other lines of the histogram to copy. */
static uint64_t append_buckets(const struct block *block, const struct series *series, int node,
                               const union word *cell, size_t *labels_at, size_t *labels_length)
{
    struct buffer *out = block->out;
    const struct histogram_shape *shape = series->shape;
    size_t head_at = out->length;
    uint64_t total = 0;

    buffer_append(out, block->family->name, block->name_length);
    APPEND_LITERAL(out, "_bucket");
    *labels_at = out->length;
    append_labels(out, series, node);
    *labels_length = out->length - *labels_at;
    APPEND_LITERAL(out, ",le=\"");
    size_t head_length = out->length - head_at;

    for (uint32_t line = 0, next = 0; line <= shape->lines; line++) {
        bool last = line == shape->lines;
        uint32_t end = last ? shape->cells - 1 : shape->cut[line];

        for (; next < end; next++)
            total = sum_of(total, cell[next].count, UINT64_MAX);
        if (line > 0)
            buffer_repeat(out, head_at, head_length);
        buffer_append_string(out, last ? "+Inf" : shape->text[line]);
        APPEND_LITERAL(out, "\"} ");
        number_append_u64(out, total);
        buffer_append_char(out, '\n');
    }
    return total;
}

static void append_histogram(const struct block *block, const struct series *series, int node,
                             const union word *cell)
{
    struct buffer *out = block->out;
    size_t labels_at;
    size_t labels_length;
    uint64_t total = append_buckets(block, series, node, cell, &labels_at, &labels_length);

    buffer_append(out, block->family->name, block->name_length);
    APPEND_LITERAL(out, "_sum");
    buffer_repeat(out, labels_at, labels_length);
    APPEND_LITERAL(out, "} ");
    number_append_double(out, cell[series->shape->cells].number);
    buffer_append_char(out, '\n');

    buffer_append(out, block->family->name, block->name_length);
    APPEND_LITERAL(out, "_count");
    buffer_repeat(out, labels_at, labels_length);
    APPEND_LITERAL(out, "} ");
    number_append_u64(out, total);
    buffer_append_char(out, '\n');
}

static void begin_text(const struct block *block)
{
    append_header(block, false);
}

static void begin_openmetrics(const struct block *block)
{
    append_header(block, true);
}

/* The next family's header ends it. */
static void end(const struct block *block)
{
    (void)block;
}

const struct form text_form = {begin_text, end, append_value, append_histogram, ""};
const struct form openmetrics_form = {begin_openmetrics, end, append_value, append_histogram,
                                      "# EOF\n"};
