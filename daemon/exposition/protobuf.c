/* SPDX-License-Identifier: MIT */
/*
 * Each family as an io.prometheus.client.MetricFamily behind its length.
 *
 * An exponential histogram is told twice: by the buckets that the text shows, and as a
 * native one.  Our buckets are those of a schema, so each is the native one of the same
 * index; the first, which takes whatever is less, is the zero bucket, and the last, which
 * takes whatever is more, the one of infinity.  No finite bucket could be said to hold
 * that.  Negative buckets there are none, as negative values are in the first.
 */
#include "daemon/base/number.h"
#include "daemon/exposition/form.h"
#include "daemon/exposition/wire.h"
#include "daemon/history/quantile.h"
#include "daemon/snapshot/labels.h"

#include <math.h>

enum { FAMILY_NAME = 1, FAMILY_HELP, FAMILY_TYPE, FAMILY_METRIC };
enum { TYPE_COUNTER = 0, TYPE_GAUGE = 1, TYPE_HISTOGRAM = 4 };
enum { METRIC_LABEL = 1, METRIC_GAUGE, METRIC_COUNTER, METRIC_HISTOGRAM = 7 };
enum { LABEL_NAME = 1, LABEL_VALUE };
enum { VALUE = 1 }; /* of a gauge and a counter */
enum {
    HISTOGRAM_COUNT = 1,
    HISTOGRAM_SUM = 2,
    HISTOGRAM_BUCKET = 3,
    HISTOGRAM_SCHEMA = 5,
    HISTOGRAM_ZERO_THRESHOLD = 6,
    HISTOGRAM_ZERO_COUNT = 7,
    HISTOGRAM_POSITIVE_SPAN = 12,
    HISTOGRAM_POSITIVE_DELTA = 13
};
enum { BUCKET_COUNT = 1, BUCKET_BOUND };
enum { SPAN_OFFSET = 1, SPAN_LENGTH };

#define OCTAVE_FINITE 1024   /* ends at the greatest double; infinity is in the next bucket */
#define OCTAVE_LEAST (-1074) /* ends at the least: at no zero */

/* In all of a histogram: deltas are signed, and one that is taken for negative costs a scrape. */
#define COUNT_MOST ((uint64_t)INT64_MAX)

static void add_label(struct buffer *out, const struct label *label)
{
    size_t pair = wire_begin(out, METRIC_LABEL);

    wire_string(out, LABEL_NAME, label->name, label->name_length);
    size_t value = wire_begin(out, LABEL_VALUE);
    label_append_plain(out, label);
    wire_end(out, value);
    wire_end(out, pair);
}

static void add_node(struct buffer *out, int node)
{
    static const char name[] = "numa_node";
    size_t pair = wire_begin(out, METRIC_LABEL);

    wire_string(out, LABEL_NAME, name, sizeof name - 1);
    size_t value = wire_begin(out, LABEL_VALUE);
    number_append_i64(out, node);
    wire_end(out, value);
    wire_end(out, pair);
}

/* All of a metric that stands before its value. */
static size_t begin_metric(const struct block *block, const struct series *series, int node)
{
    size_t metric = wire_begin(block->out, FAMILY_METRIC);
    const char *labels = series->labels;

    for (struct label label; labels_next(&labels, &label);)
        add_label(block->out, &label);
    if (node != NO_NODE)
        add_node(block->out, node);
    return metric;
}

static double number_of(enum reading reading, union word value)
{
    switch (reading) {
    case READ_COUNT:
        return (double)value.count;
    case READ_SIGNED:
        return (double)(int64_t)value.count;
    case READ_NUMBER:
        break;
    }
    return value.number;
}

static void add_value(const struct block *block, const struct series *series, int node,
                      enum reading reading, union word value)
{
    bool counter = block->family->type == SERIES_COUNTER;
    size_t metric = begin_metric(block, series, node);
    size_t message = wire_begin(block->out, counter ? METRIC_COUNTER : METRIC_GAUGE);

    wire_double(block->out, VALUE, number_of(reading, value));
    wire_end(block->out, message);
    wire_end(block->out, metric);
}

static void add_bucket(struct buffer *out, uint64_t count, double bound)
{
    size_t bucket = wire_begin(out, HISTOGRAM_BUCKET);

    wire_unsigned(out, BUCKET_COUNT, count);
    wire_double(out, BUCKET_BOUND, bound);
    wire_end(out, bucket);
}

/* Those of the text. */
static void add_buckets(struct buffer *out, const struct histogram_shape *shape,
                        const union word *cell)
{
    uint64_t total = 0;

    for (uint32_t line = 0, next = 0; line <= shape->lines; line++) {
        bool last = line == shape->lines;

        for (uint32_t end = last ? shape->cells - 1 : shape->cut[line]; next < end; next++)
            total = sum_of(total, cell[next].count, COUNT_MOST);
        add_bucket(out, total, last ? INFINITY : bucket_upper(shape, next - 1));
    }
}

/* Whether each bucket has its native one. */
static bool is_native(const struct histogram_shape *shape)
{
    return !shape->bounds && shape->cells > 2 && shape->first >= OCTAVE_LEAST * shape->per_octave &&
           shape->first + (int64_t)shape->cells - 3 <= OCTAVE_FINITE * shape->per_octave;
}

/* Cells in a row that have counted and whose native buckets follow each other. */
struct run {
    uint32_t from, end;
};

static bool next_run(struct run *run, const struct histogram_shape *shape, const union word *cell)
{
    const uint32_t infinite = shape->cells - 2;

    for (run->from = run->end; run->from <= infinite && cell[run->from].count == 0; run->from++)
        ;
    for (run->end = run->from; run->end < infinite && cell[run->end].count; run->end++)
        ;
    run->end += run->from == infinite;
    return run->from <= infinite;
}

static void add_spans(struct buffer *out, const struct histogram_shape *shape,
                      const union word *cell)
{
    int32_t expected = 0; /* the index behind the span before */

    for (struct run run = {.end = 1}; next_run(&run, shape, cell);) {
        int32_t index = run.from == shape->cells - 2 ? OCTAVE_FINITE * shape->per_octave + 1
                                                     : shape->first + (int32_t)run.from;
        size_t span = wire_begin(out, HISTOGRAM_POSITIVE_SPAN);

        wire_signed(out, SPAN_OFFSET, index - expected);
        wire_unsigned(out, SPAN_LENGTH, run.end - run.from);
        wire_end(out, span);
        expected = index + (int32_t)(run.end - run.from);
    }
}

/* How much of a cell's count the histogram's has room for. */
static int64_t taken(uint64_t *total, uint64_t count)
{
    uint64_t before = *total;

    *total = sum_of(before, count, COUNT_MOST);
    return (int64_t)(*total - before);
}

static void add_deltas(struct buffer *out, const struct histogram_shape *shape,
                       const union word *cell, uint64_t total)
{
    size_t deltas = wire_begin(out, HISTOGRAM_POSITIVE_DELTA);
    int64_t last = 0;

    for (uint32_t i = 1; i < shape->cells - 1; i++) {
        if (cell[i].count == 0)
            continue;
        int64_t count = taken(&total, cell[i].count);
        wire_packed_signed(out, count - last);
        last = count;
    }
    wire_end(out, deltas);
}

static void add_native(struct buffer *out, const struct histogram_shape *shape,
                       const union word *cell)
{
    uint64_t total = 0;

    wire_signed(out, HISTOGRAM_SCHEMA, __builtin_ctz((unsigned)shape->per_octave));
    wire_double(out, HISTOGRAM_ZERO_THRESHOLD, bucket_upper(shape, 0));
    wire_unsigned(out, HISTOGRAM_ZERO_COUNT, (uint64_t)taken(&total, cell[0].count));
    add_spans(out, shape, cell);
    add_deltas(out, shape, cell, total);
}

static void add_histogram(const struct block *block, const struct series *series, int node,
                          const union word *cell)
{
    struct buffer *out = block->out;
    const struct histogram_shape *shape = series->shape;
    size_t metric = begin_metric(block, series, node);
    size_t histogram = wire_begin(out, METRIC_HISTOGRAM);
    uint64_t total = 0;

    for (uint32_t i = 0; i < shape->cells - 1; i++)
        total = sum_of(total, cell[i].count, COUNT_MOST);
    wire_unsigned(out, HISTOGRAM_COUNT, total);
    wire_double(out, HISTOGRAM_SUM, cell[shape->cells].number);
    add_buckets(out, shape, cell);
    if (is_native(shape))
        add_native(out, shape, cell);
    wire_end(out, histogram);
    wire_end(out, metric);
}

static uint64_t type_of(enum series_type type)
{
    switch (type) {
    case SERIES_COUNTER:
        return TYPE_COUNTER;
    case SERIES_HISTOGRAM:
        return TYPE_HISTOGRAM;
    case SERIES_GAUGE:
    case SERIES_INFO: /* there is no such type */
        break;
    }
    return TYPE_GAUGE;
}

static void begin(const struct block *block)
{
    const struct family *family = block->family;

    wire_begin(block->out, 0);
    wire_string(block->out, FAMILY_NAME, family->name, block->name_length);
    wire_string(block->out, FAMILY_HELP, family->help, strlen(family->help));
    wire_unsigned(block->out, FAMILY_TYPE, type_of(family->type));
}

static void end(const struct block *block)
{
    wire_end(block->out, block->start + 1);
}

const struct form protobuf_form = {begin, end, add_value, add_histogram, ""};
