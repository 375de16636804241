/* SPDX-License-Identifier: MIT */
#include "daemon/exposition/exposition.h"
#include "daemon/exposition/form.h"

static const struct {
    const struct form *form;
    const char *type;
} formats[EXPOSITION_FORMATS] = {
    [EXPOSITION_TEXT] = {&text_form, EXPOSITION_TEXT_TYPE},
    [EXPOSITION_OPENMETRICS] = {&openmetrics_form, EXPOSITION_OPENMETRICS_TYPE},
    [EXPOSITION_PROTOBUF] = {&protobuf_form, EXPOSITION_PROTOBUF_TYPE},
};

/* What is written, of what, and how. */
struct walk {
    const struct form *form;
    const struct snapshot *snapshot;
    struct block block;
};

static void write_value(const struct walk *walk, const struct series *series, int node,
                        union word value)
{
    bool whole = walk->block.family->type == SERIES_COUNTER && series->rows != ROWS_COMPUTED;

    if (whole || value.count != ENGRAM_GAUGE_UNSET)
        walk->form->value(&walk->block, series, node, whole ? READ_COUNT : READ_NUMBER, value);
}

static void write_nodes(const struct walk *walk, const struct series *series)
{
    for (uint32_t i = 0; i < walk->snapshot->node_count; i++) {
        const union word *row = walk->snapshot->nodes[i];

        if (!row)
            continue;
        if (walk->block.family->type == SERIES_HISTOGRAM)
            walk->form->histogram(&walk->block, series, (int)i, row + series->at);
        else
            write_value(walk, series, (int)i, row[series->at]);
    }
}

/* A delta may have been added on one node and taken back on another: single rows mean nothing.
 * Added unsigned, because a sum that wraps on the way still ends where it should. */
static void write_summed(const struct walk *walk, const struct series *series)
{
    union word sum = {.count = 0};
    bool any = false;

    if (walk->snapshot->incomplete)
        return;
    for (uint32_t i = 0; i < walk->snapshot->node_count; i++) {
        const union word *row = walk->snapshot->nodes[i];

        if (!row)
            continue;
        sum.count += row[series->at].count;
        any = true;
    }
    if (any)
        walk->form->value(&walk->block, series, NO_NODE, READ_SIGNED, sum);
}

static void write_series(const struct walk *walk, const struct series *series)
{
    switch ((enum series_rows)series->rows) {
    case ROWS_NODES:
        write_nodes(walk, series);
        break;
    case ROWS_SUMMED:
        write_summed(walk, series);
        break;
    case ROWS_HOST:
        if (walk->snapshot->host)
            write_value(walk, series, NO_NODE, walk->snapshot->host[series->at]);
        break;
    case ROWS_COMPUTED:
        write_value(walk, series, NO_NODE, walk->snapshot->computed[series->at]);
        break;
    }
}

static void write_family(const struct walk *walk)
{
    const struct block *block = &walk->block;

    walk->form->begin(block);
    size_t samples = block->out->length;
    for (uint32_t i = 0; i < block->family->count; i++)
        write_series(walk, &block->family->series[i]);
    if (block->out->length == samples)
        buffer_truncate(block->out, block->start);
    else
        walk->form->end(block);
}

const char *exposition_type(enum exposition_format format)
{
    return formats[format].type;
}

bool exposition_render(struct buffer *out, const struct snapshot *snapshot,
                       enum exposition_format format)
{
    struct walk walk = {.form = formats[format].form, .snapshot = snapshot};

    for (uint32_t i = 0; i < snapshot->set->count; i++) {
        const struct family *family = &snapshot->set->families[i];

        walk.block = (struct block){out, family, strlen(family->name), out->length};
        write_family(&walk);
    }
    buffer_append_string(out, walk.form->last);
    return !out->failed;
}
