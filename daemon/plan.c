/* SPDX-License-Identifier: MIT */
#include "daemon/plan.h"
#include "daemon/plan_entry.h"
#include "shmlib/record.h"

#include <stdlib.h>
#include <string.h>

#define WORDS_MOST (1u << 25) /* of a row: 256 MiB for each memory node */

struct building {
    struct plan *plan;
    const struct plan_input *input;
    struct entries entries;
};

/* The catalogue knows the kinds of a region; by Prometheus' convention an info says so in its name.
 */
static enum series_type computed_type(const struct engram_family_entry *about)
{
    size_t length = strlen(about->name);
    if (about->kind == ENGRAM_COUNTER)
        return SERIES_COUNTER;
    return length > 5 && strcmp(about->name + length - 5, "_info") == 0 ? SERIES_INFO
                                                                        : SERIES_GAUGE;
}

static enum series_type type_of(const struct entry *entry)
{
    if (entry->computed)
        return computed_type(entry->computed->about);
    switch (entry->record->descriptor->kind) {
    case ENGRAM_HISTOGRAM:
        return SERIES_HISTOGRAM;
    case ENGRAM_GAUGE:
    case ENGRAM_UPDOWN:
        return SERIES_GAUGE;
    default:
        return SERIES_COUNTER;
    }
}

static enum series_rows rows_of(const struct entry *entry)
{
    if (entry->computed)
        return ROWS_COMPUTED;
    if (entry->record->descriptor->placement == ENGRAM_SINGLE)
        return ROWS_HOST;
    return entry->record->descriptor->kind == ENGRAM_UPDOWN ? ROWS_SUMMED : ROWS_NODES;
}

static bool agrees(const struct entry *entry, const struct entry *definer)
{
    if (type_of(entry) != type_of(definer) || !entry->computed != !definer->computed)
        return false;
    /* Histograms of one family have the same cells and bounds, or their sum would mean nothing. */
    return type_of(entry) != SERIES_HISTOGRAM ||
           (entry->record && definer->record &&
            descriptor_same_shape(entry->record->descriptor, definer->record->descriptor));
}

static bool define_family(struct building *b, struct family *family, const struct entry *definer)
{
    struct arena *arena = &b->plan->arena;
    const struct record *record = definer->record;
    family->name = (char *)(uintptr_t)definer->name;
    family->type = type_of(definer);
    if (definer->computed) {
        const struct engram_family_entry *about = definer->computed->about;
        family->help = arena_string(arena, about->help, strlen(about->help));
        family->unit = arena_string(arena, about->unit, strlen(about->unit));
    } else {
        family->help = arena_string(arena, record_help(record), record->descriptor->help_length);
        family->unit = arena_string(arena, record_unit(record), record->descriptor->unit_length);
    }
    return family->help && family->unit;
}

/* False when the rows would get too long: positions in them have 32 bits, and memory has an end. */
static bool start_series(struct building *b, struct series *series, const struct entry *entry,
                         struct histogram_shape *shape)
{
    struct plan *plan = b->plan;
    uint32_t words = shape ? shape->cells + SUM_WORDS : 1;
    if (plan->set.words > WORDS_MOST - words)
        return false;
    series->labels = (char *)(uintptr_t)entry->labels;
    series->rows = (uint8_t)rows_of(entry);
    series->shape = shape;
    series->at = plan->set.words;
    plan->set.words += words;
    plan->series_count++;
    if (series->rows == ROWS_HOST && type_of(entry) == SERIES_GAUGE)
        plan->gauges[plan->gauge_count++] = series->at;
    return true;
}

static void add_source(struct building *b, const struct entry *entry, const struct series *series)
{
    const struct engram_descriptor *d = entry->record->descriptor;
    struct sources *sources = &b->plan->regions[entry->region].of[d->placement];
    sources->all[sources->count++] = source_of(d, series->at);
}

static void add_base(struct building *b, const struct total *total, const struct series *series)
{
    b->plan->bases[b->plan->base_count++] = (struct plan_base){total, series->at};
}

static void note_conflict(struct plan *plan, const struct entry *entry)
{
    plan->conflicts++;
    plan->conflict_name = entry->name;
    plan->conflict_labels = entry->labels;
}

/* The family of entries[from..to), which share a name. */
static bool build_family(struct building *b, uint32_t from, uint32_t to)
{
    struct family *family = &b->plan->set.families[b->plan->set.count];
    const struct entry *list = b->entries.list, *definer = &list[from], *last = NULL;
    struct histogram_shape *shape = NULL;
    for (uint32_t i = from; i < to; i++)
        if (list[i].order < definer->order)
            definer = &list[i];
    family->series = arena_take(&b->plan->arena, to - from, sizeof *family->series);
    if (!family->series || !define_family(b, family, definer))
        return false;
    if (family->type == SERIES_HISTOGRAM && !(shape = shape_of(definer->record, &b->plan->arena)))
        return false;
    for (uint32_t i = from; i < to; i++) {
        bool same = last && strcmp(last->labels, list[i].labels) == 0;
        if (!agrees(&list[i], definer) || (same && rows_of(last) != rows_of(&list[i]))) {
            note_conflict(b->plan, &list[i]);
            continue;
        }
        if (!same && !start_series(b, &family->series[family->count], &list[i], shape)) {
            note_conflict(b->plan, &list[i]);
            continue;
        }
        family->count += !same;
        if (list[i].total)
            add_base(b, list[i].total, &family->series[family->count - 1]);
        else if (list[i].record)
            add_source(b, &list[i], &family->series[family->count - 1]);
        last = &list[i];
    }
    b->plan->set.count++;
    return true;
}

static bool build_families(struct building *b)
{
    const struct entry *list = b->entries.list;
    for (uint32_t from = 0, to; from < b->entries.count; from = to) {
        for (to = from + 1; to < b->entries.count && strcmp(list[to].name, list[from].name) == 0;)
            to++;
        if (!build_family(b, from, to))
            return false;
    }
    return true;
}

static int source_compare(const void *left, const void *right)
{
    const struct source *a = left, *b = right;
    return (a->slot > b->slot) - (a->slot < b->slot);
}

/* Room for all sources of a region; where its event rings are. */
static bool start_region(struct building *b, uint32_t index)
{
    struct plan_region *to = &b->plan->regions[index];
    struct region *region = b->input->regions[index];
    uint32_t count[ENGRAM_PER_CPU + 1] = {0};
    to->ring = UINT32_MAX;
    to->alive = b->input->alive[index];
    for (uint32_t i = 0; i < region->reader->count; i++) {
        const struct engram_descriptor *d = region->reader->records[i].descriptor;
        count[d->placement]++;
        if (d->kind == ENGRAM_EVENT)
            to->ring = d->slot;
    }
    for (int i = 0; i <= ENGRAM_PER_CPU; i++)
        if (!(to->of[i].all = arena_take(&b->plan->arena, count[i], sizeof *to->of[i].all)))
            return false;
    to->region = region_hold(region);
    b->plan->region_count++;
    return true;
}

static bool build(struct building *b)
{
    struct plan *plan = b->plan;
    plan->totals = totals_hold(b->input->totals);
    plan->bases = arena_take(&plan->arena, plan->totals->count, sizeof *plan->bases);
    plan->regions = arena_take(&plan->arena, b->input->region_count, sizeof *plan->regions);
    if (!plan->bases || !plan->regions)
        return false;
    for (uint32_t i = 0; i < b->input->region_count; i++)
        if (!start_region(b, i))
            return false;
    if (!entries_gather(&b->entries, b->input, &plan->arena))
        return false;
    plan->set.families = arena_take(&plan->arena, b->entries.count, sizeof *plan->set.families);
    plan->gauges = arena_take(&plan->arena, b->entries.count, sizeof *plan->gauges);
    if (!plan->set.families || !plan->gauges || !build_families(b))
        return false;
    /* In the order of memory, so that summing streams; gauges stay in order of birth per region. */
    for (uint32_t i = 0; i < plan->region_count; i++)
        for (int j = 0; j <= ENGRAM_PER_CPU; j++)
            qsort(plan->regions[i].of[j].all, plan->regions[i].of[j].count, sizeof(struct source),
                  source_compare);
    return true;
}

struct plan *plan_build(const struct plan_input *input)
{
    struct building b = {.plan = calloc(1, sizeof *b.plan), .input = input};
    if (!b.plan)
        return NULL;
    atomic_init(&b.plan->references, 1);
    bool built = build(&b);
    free(b.entries.list);
    if (built)
        return b.plan;
    plan_release(b.plan);
    return NULL;
}

struct plan *plan_hold(struct plan *plan)
{
    atomic_fetch_add_explicit(&plan->references, 1, memory_order_relaxed);
    return plan;
}

void plan_release(struct plan *plan)
{
    if (atomic_fetch_sub_explicit(&plan->references, 1, memory_order_acq_rel) != 1)
        return;
    for (uint32_t i = 0; i < plan->region_count; i++)
        region_release(plan->regions[i].region);
    if (plan->totals)
        totals_release(plan->totals);
    arena_free(&plan->arena);
    free(plan);
}

static int family_compare(const void *name, const void *family)
{
    return strcmp(name, ((const struct family *)family)->name);
}

const struct family *plan_family(const struct plan *plan, const char *name)
{
    return bsearch(name, plan->set.families, plan->set.count, sizeof *plan->set.families,
                   family_compare);
}

static int series_compare(const void *labels, const void *series)
{
    return strcmp(labels, ((const struct series *)series)->labels);
}

const struct series *family_series(const struct family *family, const char *labels)
{
    return bsearch(labels, family->series, family->count, sizeof *family->series, series_compare);
}
