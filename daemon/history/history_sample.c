/* SPDX-License-Identifier: MIT */
/* From a snapshot to what changed since the one before. */
#include "daemon/history/history.h"

struct sampling {
    struct stretch_writer *writer;
    const struct snapshot *snapshot;
    uint64_t now;
    uint32_t index; /* in its group, of the series that is looked at */
};

/* A count of a series that has one for each node, or one alone. */
static uint64_t read_count(const struct snapshot *snapshot, const struct tracked *series,
                           uint32_t word)
{
    uint64_t sum = 0;
    if (series->rows == ROWS_HOST)
        return snapshot->host[series->at + word].count;
    for (uint32_t i = 0; i < snapshot->node_count; i++)
        if (snapshot->nodes[i])
            sum += snapshot->nodes[i][series->at + word].count;
    return sum;
}

static struct count_change change_of(uint64_t before, uint64_t now)
{
    return (struct count_change){(int64_t)(now - before), now < before ? before - now : 0};
}

static void sample_count(const struct sampling *s, struct tracked *series)
{
    uint64_t now = read_count(s->snapshot, series, 0);
    if (now == series->values[0].count)
        return;
    stretch_put_count(s->writer, s->index, change_of(series->values[0].count, now));
    series->values[0].count = now;
}

/* A sum over nodes is signed; everything else of this kind is a double already. */
static union word read_number(const struct snapshot *snapshot, const struct tracked *series)
{
    switch ((enum series_rows)series->rows) {
    case ROWS_COMPUTED:
        return snapshot->computed[series->at];
    case ROWS_HOST:
        return snapshot->host[series->at];
    case ROWS_SUMMED:
    case ROWS_NODES:
        break;
    }
    return (union word){.number = (double)(int64_t)read_count(snapshot, series, 0)};
}

static void sample_number(const struct sampling *s, struct tracked *series)
{
    union word now = {.count = ENGRAM_GAUGE_UNSET};
    if (series->at != TRACKED_NOWHERE)
        now = read_number(s->snapshot, series);
    if (now.count == series->values[0].count)
        return;
    struct number_change change = {.bits = now.count ^ series->values[0].count};
    stretch_put_number(s->writer, s->index, &change);
    series->values[0] = now;
}

/* The two words of a histogram's sum, over the nodes. */
static double read_sum(const struct snapshot *snapshot, const struct tracked *series,
                       union word to[SUM_WORDS])
{
    uint32_t at = series->at + series->family->shape.cells;
    union word before[SUM_WORDS] = {to[0], to[1]};
    to[0].number = to[1].number = 0;
    for (uint32_t i = 0; i < snapshot->node_count; i++) {
        if (!snapshot->nodes[i])
            continue;
        sum_exactly(to, snapshot->nodes[i][at].number);
        to[1].number += snapshot->nodes[i][at + 1].number;
    }
    return (to[0].number - before[0].number) + (to[1].number - before[1].number);
}

static uint32_t count_changed(const struct sampling *s, const struct tracked *series)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < series->family->shape.cells; i++)
        count += read_count(s->snapshot, series, i) != series->values[i].count;
    return count;
}

static void sample_cells(const struct sampling *s, struct tracked *series)
{
    uint32_t cells = series->family->shape.cells, changed = count_changed(s, series);
    double sum = read_sum(s->snapshot, series, &series->values[cells]);
    if (!changed && sum == 0)
        return;
    stretch_put_cells(s->writer, s->index, changed, sum);
    for (uint32_t i = 0, next = 0; i < cells && changed; i++) {
        uint64_t now = read_count(s->snapshot, series, i);
        if (now == series->values[i].count)
            continue;
        stretch_put_cell(s->writer, i - next, change_of(series->values[i].count, now));
        series->values[i].count = now;
        next = i + 1;
    }
}

/* Takes over what it stands at, as if it had been so before. */
static void adopt(const struct sampling *s, struct tracked *series)
{
    uint32_t counts = series->family->kind == CHANGE_CELLS ? series->family->shape.cells : 1;
    for (uint32_t i = 0; i < counts; i++)
        series->values[i].count = read_count(s->snapshot, series, i);
    if (series->family->kind == CHANGE_CELLS)
        read_sum(s->snapshot, series, &series->values[counts]);
    series->adopts = false;
}

static void sample_one(const struct sampling *s, struct tracked *series)
{
    if (series->at != TRACKED_NOWHERE) {
        series->last = s->now;
        series->first = series->first ? series->first : s->now;
    }
    if (series->family->kind == CHANGE_NUMBER)
        sample_number(s, series);
    else if (series->at == TRACKED_NOWHERE)
        return; /* what it counted stays */
    else if (series->adopts)
        adopt(s, series);
    else if (series->family->kind == CHANGE_COUNT)
        sample_count(s, series);
    else
        sample_cells(s, series);
}

bool history_sample(struct history *history, const struct snapshot *snapshot, uint64_t now)
{
    const struct tracking *tracking = &history->tracking;
    struct sampling s = {&history->writer, snapshot, now, 0};
    stretch_begin(s.writer, false);
    for (uint32_t from = 0; from < tracking->slot_count; from += STRETCH_GROUP) {
        stretch_group_begin(s.writer);
        for (s.index = 0; s.index < STRETCH_GROUP && from + s.index < tracking->slot_count;
             s.index++)
            if (tracking->slots[from + s.index].series)
                sample_one(&s, tracking->slots[from + s.index].series);
        stretch_group_end(s.writer);
    }
    return !s.writer->bytes.failed && !s.writer->starts.failed;
}
