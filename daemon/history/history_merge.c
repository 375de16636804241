/* SPDX-License-Identifier: MIT */
/* Several stretches as one, in which what happened in between is not seen any more. */
#include "daemon/history/history.h"

#include <stdlib.h>

#define MERGED_MOST HISTORY_RING_MOST

struct merging {
    struct stretch_writer *writer;
    struct stretch_reader readers[MERGED_MOST]; /* the newest first */
    uint32_t count;
    uint32_t index; /* in its group, of the series that is looked at */
    struct count_change *cells;
};

static bool has_entry(const struct merging *m, uint32_t stretch)
{
    return m->readers[stretch].changed >> m->index & 1;
}

static void merge_count(struct merging *m)
{
    struct count_change all = {0};
    for (uint32_t i = 0; i < m->count; i++) {
        if (!has_entry(m, i))
            continue;
        struct count_change one = stretch_take_count(&m->readers[i]);
        all.net += one.net;
        all.fall += one.fall;
    }
    if (all.net || all.fall)
        stretch_put_count(m->writer, m->index, all);
}

/* What the number was at each sample, from the newest back. */
static void merge_number(struct merging *m, union word now)
{
    struct number_change all = {0};
    bool changed = false;
    for (uint32_t i = 0; i < m->count; i++) {
        if (now.count != ENGRAM_GAUGE_UNSET) {
            all.least = all.count && all.least < now.number ? all.least : now.number;
            all.most = all.count && all.most > now.number ? all.most : now.number;
            all.sum += now.number;
            all.count++;
        }
        if (!has_entry(m, i))
            continue;
        uint64_t bits = stretch_take_number(&m->readers[i]).bits;
        now.count ^= bits;
        all.bits ^= bits;
        changed = true;
    }
    if (changed)
        stretch_put_number(m->writer, m->index, &all);
}

static void take_cells(struct merging *m, struct stretch_reader *reader, double *sum)
{
    double part;
    uint32_t at = 0, gap;
    for (uint32_t i = stretch_take_cells(reader, &part); i > 0; i--, at++) {
        struct count_change one = stretch_take_cell(reader, &gap);
        at += gap;
        m->cells[at].net += one.net;
        m->cells[at].fall += one.fall;
    }
    *sum += part;
}

static void merge_cells(struct merging *m, uint32_t cells)
{
    double sum = 0;
    uint32_t changed = 0, next = 0;
    memset(m->cells, 0, cells * sizeof *m->cells);
    for (uint32_t i = 0; i < m->count; i++)
        if (has_entry(m, i))
            take_cells(m, &m->readers[i], &sum);
    for (uint32_t i = 0; i < cells; i++)
        changed += m->cells[i].net || m->cells[i].fall;
    if (!changed && sum == 0)
        return;
    stretch_put_cells(m->writer, m->index, changed, sum);
    for (uint32_t i = 0; i < cells; i++) {
        if (!m->cells[i].net && !m->cells[i].fall)
            continue;
        stretch_put_cell(m->writer, i - next, m->cells[i]);
        next = i + 1;
    }
}

static void merge_one(struct merging *m, const struct tracked_slot *slot)
{
    enum change_kind kind = slot->kind;
    if (!slot->series) { /* nobody will ask for it any more */
        for (uint32_t i = 0; i < m->count; i++)
            if (has_entry(m, i))
                stretch_skip(&m->readers[i], kind);
    } else if (kind == CHANGE_COUNT) {
        merge_count(m);
    } else if (kind == CHANGE_NUMBER) {
        merge_number(m, slot->series->values[0]);
    } else {
        merge_cells(m, slot->series->family->shape.cells);
    }
}

static void merge_group(struct merging *m, const struct history *history, uint32_t group)
{
    const struct tracking *tracking = &history->tracking;
    for (uint32_t i = 0; i < m->count; i++)
        m->readers[i] = stretch_read(ring_at(&history->fine, history->fine.count - 1 - i), group);
    stretch_group_begin(m->writer);
    for (m->index = 0; m->index < STRETCH_GROUP; m->index++) {
        uint32_t id = group * STRETCH_GROUP + m->index;
        if (id < tracking->slot_count && tracking->slots[id].used)
            merge_one(m, &tracking->slots[id]);
    }
    stretch_group_end(m->writer);
}

static uint32_t most_cells(const struct tracking *tracking)
{
    uint32_t most = 0;
    for (uint32_t i = 0; i < tracking->count; i++)
        if (tracking->order[i]->family->shape.cells > most)
            most = tracking->order[i]->family->shape.cells;
    return most;
}

static void merge_groups(struct history *history, struct merging *m)
{
    uint32_t groups = (history->tracking.slot_count + STRETCH_GROUP - 1) / STRETCH_GROUP;
    stretch_begin(m->writer, true);
    for (uint32_t group = 0; group < groups; group++)
        merge_group(m, history, group);
}

struct stretch *history_merge(struct history *history)
{
    struct merging *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->writer = &history->writer;
    m->count = history->pending;
    m->cells = calloc(most_cells(&history->tracking) + 1, sizeof *m->cells);
    if (m->cells)
        merge_groups(history, m);
    struct stretch *merged = m->cells ? stretch_end(m->writer) : NULL;
    if (merged) {
        const struct stretch *oldest =
            ring_at(&history->fine, history->fine.count - history->pending);
        merged->from = oldest->from;
        merged->to = history->to;
        merged->wall = history->wall;
        merged->samples = history->pending;
    }
    free(m->cells);
    free(m);
    return merged;
}
