/* SPDX-License-Identifier: MIT */
#include "daemon/history/window.h"
#include "daemon/history/history_path.h"
#include "daemon/history/quantile.h"

#include <math.h>
#include <stdlib.h>

const char *const window_names[WINDOWS] = {"one_second", "ten_seconds", "one_minute",
                                           "five_minutes"};
const double window_quantiles[WINDOW_QUANTILES] = {0.5, 0.9, 0.99};
static const uint64_t window_ms[WINDOWS] = {1000, 10000, 60000, 300000};

/* What has come together of a series on the way back from the newest sample. */
struct running {
    struct window_series *to; /* NULL: it was not asked for */
    uint64_t *cells;
    uint64_t count;
    double sum, least, most;
    union word now; /* of a number: what it was at the time that the way has come to */
    double earliest;
};

struct walk {
    const struct history *history;
    struct history_path path;
    uint32_t ends[WINDOWS]; /* how many stretches of the path each window takes */
    struct window_series **by_number;
    uint64_t *cells; /* for the histograms of a group */
    uint32_t most_cells;
    struct running running[STRETCH_GROUP];
};

static void walk_path(struct walk *walk, struct window_table *table)
{
    uint64_t now = walk->history->to;
    history_path_begin(walk->history, &walk->path);
    for (uint32_t i = 0; i < WINDOWS; i++) {
        history_path_extend(walk->history, &walk->path, now > window_ms[i] ? now - window_ms[i] : 0,
                            true);
        walk->ends[i] = walk->path.count;
        table->seconds[i] = (double)(now - walk->path.from) / 1000;
    }
}

static void take_sample(struct running *r, double least, double most, double sum, uint64_t count)
{
    r->least = r->count && r->least < least ? r->least : least;
    r->most = r->count && r->most > most ? r->most : most;
    r->sum += sum;
    r->count += count;
}

/* A number's samples in a stretch, and then what it was before. */
static void walk_number(struct running *r, const struct stretch *stretch,
                        struct stretch_reader *reader, bool changed)
{
    struct number_change change = {0};
    bool summary = changed && stretch->merged;
    if (changed)
        change = stretch_take_number(reader);
    if (summary && change.count)
        take_sample(r, change.least, change.most, change.sum, change.count);
    else if (!summary && r->now.count != ENGRAM_GAUGE_UNSET)
        take_sample(r, r->now.number, r->now.number, r->now.number * stretch->samples,
                    stretch->samples);
    r->now.count ^= change.bits;
    if (r->now.count != ENGRAM_GAUGE_UNSET)
        r->earliest = r->now.number;
}

static void walk_cells(struct running *r, struct stretch_reader *reader)
{
    double sum;
    uint32_t gap, at = 0;
    for (uint32_t i = stretch_take_cells(reader, &sum); i > 0; i--, at++) {
        struct count_change change = stretch_take_cell(reader, &gap);
        at += gap;
        r->cells[at] += count_increase(change);
        if (change.fall) /* a process is not counted any more: what it had added is not known */
            sum = NAN;
    }
    r->sum += sum;
}

static void walk_one(struct running *r, enum change_kind kind, const struct stretch *stretch,
                     struct stretch_reader *reader, bool changed)
{
    if (!r->to) {
        if (changed)
            stretch_skip(reader, kind);
    } else if (kind == CHANGE_NUMBER) {
        walk_number(r, stretch, reader, changed);
    } else if (changed && kind == CHANGE_COUNT) {
        r->count += count_increase(stretch_take_count(reader));
    } else if (changed) {
        walk_cells(r, reader);
    }
}

static void walk_stretch(struct walk *walk, uint32_t group, const struct stretch *stretch)
{
    struct stretch_reader reader = stretch_read(stretch, group);
    const struct tracking *tracking = &walk->history->tracking;
    for (uint32_t i = 0; i < STRETCH_GROUP; i++) {
        uint32_t id = group * STRETCH_GROUP + i;
        if (id < tracking->slot_count)
            walk_one(&walk->running[i], tracking->slots[id].kind, stretch, &reader,
                     reader.changed >> i & 1);
    }
}

static void describe_cells(const struct tracked_family *family, const uint64_t *cells, double sum,
                           struct window_stats *stats)
{
    stats->count = cells_count(&family->shape, cells);
    stats->sum = sum;
    stats->least = cells_least(&family->shape, cells);
    stats->most = cells_most(&family->shape, cells);
    for (uint32_t i = 0; i < WINDOW_QUANTILES; i++)
        stats->quantiles[i] = cells_quantile(&family->shape, cells, window_quantiles[i]);
}

static void describe_number(const struct running *r, struct window_stats *stats)
{
    union word last = r->to->series->values[0];
    stats->count = r->count;
    stats->sum = r->sum;
    stats->last = last.count == ENGRAM_GAUGE_UNSET ? NAN : last.number;
    stats->least = r->count ? r->least : NAN;
    stats->most = r->count ? r->most : NAN;
    stats->increase = stats->last - r->earliest;
}

static void add_number(struct window_stats *all, const struct window_stats *one)
{
    if (one->count) {
        all->least = all->count && all->least < one->least ? all->least : one->least;
        all->most = all->count && all->most > one->most ? all->most : one->most;
        all->sum += one->sum;
        all->count += one->count;
    }
    if (!isnan(one->increase))
        all->increase += one->increase;
}

/* What a series has at the end of a window, and its part of the family's. */
static void end_window(const struct running *r, uint32_t window)
{
    struct window_stats *one = &r->to->windows[window], *all = &r->to->family->windows[window];
    const struct tracked_family *family = r->to->series->family;
    switch (family->kind) {
    case CHANGE_COUNT:
        one->count = r->count;
        all->count += r->count;
        break;
    case CHANGE_NUMBER:
        describe_number(r, one);
        add_number(all, one);
        break;
    case CHANGE_CELLS:
        describe_cells(family, r->cells, r->sum, one);
        all->sum += r->sum;
        for (uint32_t i = 0; i < family->shape.cells; i++)
            r->to->family->cells[window][i] += r->cells[i];
        break;
    }
}

/* False when nothing of the group was asked for. */
static bool begin_group(struct walk *walk, uint32_t group)
{
    bool any = false;
    memset(walk->cells, 0, STRETCH_GROUP * walk->most_cells * sizeof *walk->cells);
    for (uint32_t i = 0; i < STRETCH_GROUP; i++) {
        uint32_t id = group * STRETCH_GROUP + i;
        struct running *r = &walk->running[i];
        *r = (struct running){.cells = walk->cells + i * walk->most_cells, .earliest = NAN};
        r->to = id < walk->history->tracking.slot_count ? walk->by_number[id] : NULL;
        if (r->to && r->to->series->family->kind == CHANGE_NUMBER)
            r->now = r->to->series->values[0];
        any |= r->to != NULL;
    }
    return any;
}

static void walk_group(struct walk *walk, uint32_t group)
{
    uint32_t at = 0;
    for (uint32_t window = 0; window < WINDOWS; window++) {
        for (; at < walk->ends[window]; at++)
            walk_stretch(walk, group, walk->path.at[at]);
        for (uint32_t i = 0; i < STRETCH_GROUP; i++)
            if (walk->running[i].to)
                end_window(&walk->running[i], window);
    }
}

static void walk_groups(struct walk *walk)
{
    for (uint32_t group = 0; group * STRETCH_GROUP < walk->history->tracking.slot_count; group++)
        if (begin_group(walk, group))
            walk_group(walk, group);
}

static bool same_family(const struct window_family *family, const struct tracked *series)
{
    return family && family->family == series->family;
}

static void start_family(struct window_table *table, const struct tracked_family *family)
{
    struct window_family *to = &table->families[table->family_count++];
    *to = (struct window_family){.family = family, .from = table->count};
    for (uint32_t i = 0; i < WINDOWS; i++)
        to->windows[i].last = NAN;
}

/* Series that were there in one of the windows, and their families. */
static void list_series(struct window_table *table, const struct history *history,
                        const struct match *match, uint64_t since)
{
    struct window_family *family = NULL;
    for (uint32_t i = 0; i < history->tracking.count; i++) {
        const struct tracked *series = history->tracking.order[i];
        bool over = series->at == TRACKED_NOWHERE && series->last <= since;
        if (over || !tracked_matches(series, match))
            continue;
        if (!same_family(family, series)) {
            start_family(table, series->family);
            family = &table->families[table->family_count - 1];
        }
        table->series[table->count] = (struct window_series){.series = series, .family = family};
        family->to = ++table->count;
    }
}

static bool give_cells(struct window_table *table, uint32_t *most)
{
    for (uint32_t i = 0; i < table->family_count; i++) {
        struct window_family *family = &table->families[i];
        uint32_t cells = family->family->shape.cells;
        *most = cells > *most ? cells : *most;
        for (uint32_t j = 0; j < WINDOWS && cells; j++)
            if (!(family->cells[j] = calloc(cells, sizeof *family->cells[j])))
                return false;
    }
    return true;
}

static void describe_families(struct window_table *table)
{
    for (uint32_t i = 0; i < table->family_count; i++)
        for (uint32_t j = 0; j < WINDOWS && table->families[i].family->shape.cells; j++)
            describe_cells(table->families[i].family, table->families[i].cells[j],
                           table->families[i].windows[j].sum, &table->families[i].windows[j]);
}

static bool fill(struct window_table *table, struct walk *walk)
{
    const struct tracking *tracking = &walk->history->tracking;
    if (!give_cells(table, &walk->most_cells))
        return false;
    walk->by_number = calloc(tracking->slot_count + 1, sizeof(struct window_series *));
    walk->cells = calloc(STRETCH_GROUP * (size_t)walk->most_cells + 1, sizeof *walk->cells);
    bool room = walk->by_number && walk->cells;
    for (uint32_t i = 0; room && i < table->count; i++)
        walk->by_number[table->series[i].series->id] = &table->series[i];
    if (room)
        walk_groups(walk);
    free(walk->by_number);
    free(walk->cells);
    return room;
}

bool window_table_make(struct window_table *table, const struct history *history,
                       const struct match *match)
{
    uint32_t most = history->tracking.count + 1;
    struct walk *walk = calloc(1, sizeof *walk);
    *table = (struct window_table){0};
    table->series = calloc(most, sizeof *table->series);
    table->families = calloc(most, sizeof *table->families);
    bool made = walk && table->series && table->families;
    if (made) {
        walk->history = history;
        walk_path(walk, table);
        list_series(table, history, match, walk->path.from);
        made = fill(table, walk);
    }
    if (made)
        describe_families(table);
    free(walk);
    return made;
}

void window_table_free(struct window_table *table)
{
    for (uint32_t i = 0; i < table->family_count; i++)
        for (uint32_t j = 0; j < WINDOWS; j++)
            free(table->families[i].cells[j]);
    free(table->families);
    free(table->series);
}
