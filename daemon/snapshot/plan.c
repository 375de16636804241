/* SPDX-License-Identifier: MIT */
#include "daemon/snapshot/plan.h"
#include "daemon/snapshot/plan_group.h"
#include "shmlib/record.h"

#include <stdlib.h>
#include <string.h>

#define WORDS_MOST (1u << 25) /* of a row: 256 MiB for each memory node */
#define NOWHERE UINT32_MAX

struct building {
    struct plan *plan;
    const struct plan_input *input;
    struct arena scratch; /* of the entries' strings */
    struct entries entries;
    struct groups groups;
    struct series **series; /* by number, which stands where its word will be: see place_all() */
    uint32_t *words;        /* by number: NOWHERE until it has its place */
    bool exhausted;         /* there was no memory for a series */
};

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
    if (entry_type(entry) != entry_type(definer) || !entry->computed != !definer->computed ||
        (entry->record && definer->record &&
         !descriptor_same_unit(entry->record->descriptor, definer->record->descriptor)))
        return false;
    /* Histograms of one family have the same cells and bounds, or their sum would mean nothing. */
    return entry_type(entry) != SERIES_HISTOGRAM ||
           (entry->record && definer->record &&
            descriptor_same_shape(entry->record->descriptor, definer->record->descriptor));
}

static char *copy_string(struct arena *arena, const char *text)
{
    return arena_string(arena, text, strlen(text));
}

static bool define_family(struct building *b, struct family *family, const struct group *group)
{
    struct arena *arena = &b->plan->arena;
    const struct computed_family *computed = group->definer->computed;
    const struct engram_family_entry *about = computed ? computed->about : group->about;
    const struct record *record = group->definer->record;
    family->name = copy_string(arena, group->definer->name);
    family->type = entry_type(group->definer);
    if (about) {
        family->help = copy_string(arena, about->help);
        family->unit = copy_string(arena, about->unit);
    } else {
        family->help = arena_string(arena, record_help(record), record->descriptor->help_length);
        family->unit = arena_string(arena, record_unit(record), record->descriptor->unit_length);
    }
    return family->name && family->help && family->unit;
}

static uint32_t shape_words(const struct histogram_shape *shape)
{
    return shape ? shape->cells + SUM_WORDS : 1;
}

/* False when the rows would get too long: positions in them have 32 bits, and memory has an end.
 * Labels are copied in the order in which they will be read: from places all over the memory that
 * would take longer than to write them to a scrape. */
static bool start_series(struct building *b, struct series *series, const struct entry *entry,
                         struct histogram_shape *shape)
{
    struct plan *plan = b->plan;
    uint32_t words = shape_words(shape);
    if (plan->set.words > WORDS_MOST - words)
        return false;
    series->labels = copy_string(&plan->arena, entry->labels);
    b->exhausted |= !series->labels;
    series->rows = (uint8_t)rows_of(entry);
    series->shape = shape;
    series->at = plan->series_count;
    b->words[series->at] = NOWHERE;
    b->series[plan->series_count++] = series;
    plan->set.words += words;
    if (series->rows == ROWS_HOST && entry_type(entry) == SERIES_GAUGE)
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

/* Out of the strings that do not outlast the building. */
static bool keep_conflict(struct plan *plan)
{
    if (plan->conflicts == 0)
        return true;
    plan->conflict_name = copy_string(&plan->arena, plan->conflict_name);
    plan->conflict_labels = copy_string(&plan->arena, plan->conflict_labels);
    return plan->conflict_name && plan->conflict_labels;
}

/* One entry of a family; false when it is not served. */
static bool add_entry(struct building *b, struct family *family, const struct entry *entry,
                      const struct entry *last, struct histogram_shape *shape)
{
    bool same = last && strcmp(last->labels, entry->labels) == 0;
    if (same && rows_of(last) != rows_of(entry))
        return false;
    if (!same && !start_series(b, &family->series[family->count], entry, shape))
        return false;
    family->count += !same;
    if (entry->total)
        add_base(b, entry->total, &family->series[family->count - 1]);
    else if (entry->record)
        add_source(b, entry, &family->series[family->count - 1]);
    return true;
}

static bool build_family(struct building *b, const struct group *group)
{
    struct family *family = &b->plan->set.families[b->plan->set.count++];
    const struct entry *list = b->entries.list, *last = NULL;
    struct histogram_shape *shape = NULL;
    family->series = arena_take(&b->plan->arena, group->to - group->from, sizeof *family->series);
    if (!family->series || !define_family(b, family, group))
        return false;
    if (family->type == SERIES_HISTOGRAM &&
        !(shape = shape_of(group->definer->record, &b->plan->arena)))
        return false;
    for (uint32_t i = group->from; i < group->to; i++) {
        if (agrees(&list[i], group->definer) && add_entry(b, family, &list[i], last, shape))
            last = &list[i];
        else
            note_conflict(b->plan, &list[i]);
    }
    return !b->exhausted;
}

static bool build_families(struct building *b)
{
    struct plan *plan = b->plan;
    if (!groups_make(&b->groups, &b->entries))
        return false;
    plan->set.families = arena_take(&plan->arena, b->groups.count, sizeof *plan->set.families);
    plan->gauges = arena_take(&plan->arena, b->entries.count, sizeof *plan->gauges);
    if (!plan->set.families || !plan->gauges)
        return false;
    for (uint32_t i = 0; i < b->groups.count; i++) {
        const struct group *group = &b->groups.list[i];
        for (uint32_t j = group->from; !group->definer && j < group->to; j++)
            note_conflict(b->plan, &b->entries.list[j]);
        if (group->definer && !build_family(b, group))
            return false;
    }
    return true;
}

static int source_compare(const void *left, const void *right)
{
    const struct source *a = left, *b = right;
    return (a->slot > b->slot) - (a->slot < b->slot);
}

/* The word of a series, the next that is free if it has none. */
static uint32_t place(struct building *b, uint32_t number, uint32_t *next)
{
    if (b->words[number] == NOWHERE) {
        b->words[number] = *next;
        *next += shape_words(b->series[number]->shape);
    }
    return b->words[number];
}

/* In the order of memory, and what follows each other there follows in the rows, so that summing
 * streams.  Gauges stay in order of birth per region. */
static void place_sources(struct building *b, struct sources *sources, uint32_t *next)
{
    qsort(sources->all, sources->count, sizeof *sources->all, source_compare);
    for (uint32_t i = 0; i < sources->count; i++)
        sources->all[i].at = place(b, sources->all[i].at, next);
    sources->count = sources_join(sources->all, sources->count);
}

/* The series of some rows that have no source in a region. */
static void place_rest(struct building *b, enum series_rows rows, uint32_t *next)
{
    for (uint32_t i = 0; i < b->plan->series_count; i++)
        if (b->series[i]->rows == rows)
            place(b, i, next);
}

/* Gives each series its words, and puts them where its number stood so far. */
static void place_all(struct building *b)
{
    struct plan *plan = b->plan;
    uint32_t next = 0;
    place_rest(b, ROWS_COMPUTED, &next);
    plan->set.computed_words = next;
    for (uint32_t i = 0; i < plan->region_count; i++)
        place_sources(b, &plan->regions[i].of[ENGRAM_SINGLE], &next);
    place_rest(b, ROWS_HOST, &next);
    plan->set.host_words = next;
    for (uint32_t i = 0; i < plan->region_count; i++) {
        place_sources(b, &plan->regions[i].of[ENGRAM_SHARED], &next);
        place_sources(b, &plan->regions[i].of[ENGRAM_PER_CPU], &next);
    }
    for (uint32_t i = 0; i < plan->series_count; i++)
        b->series[i]->at = place(b, i, &next);
    for (uint32_t i = 0; i < plan->base_count; i++)
        plan->bases[i].at = b->words[plan->bases[i].at];
    for (uint32_t i = 0; i < plan->gauge_count; i++)
        plan->gauges[i] = b->words[plan->gauges[i]];
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
    struct event_source *events = region_events(region);
    if (!events)
        return false;
    to->events = event_source_hold(events);
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
    if (!entries_gather(&b->entries, b->input, &b->scratch))
        return false;
    b->series = calloc((size_t)b->entries.count + 1, sizeof(struct series *));
    b->words = calloc((size_t)b->entries.count + 1, sizeof *b->words);
    if (!b->series || !b->words || !build_families(b))
        return false;
    place_all(b);
    for (int i = 0; i < ENGRAM_FAMILIES; i++)
        plan->catalogued[i] = plan_family(plan, engram_catalogue[i].name);
    return true;
}

struct plan *plan_build(const struct plan_input *input)
{
    static _Atomic uint64_t versions;
    struct building b = {.plan = calloc(1, sizeof *b.plan), .input = input};
    if (!b.plan)
        return NULL;
    atomic_init(&b.plan->references, 1);
    b.plan->set.version = atomic_fetch_add(&versions, 1) + 1;
    bool built = build(&b);
    built = built && keep_conflict(b.plan);
    free(b.series);
    free(b.words);
    free(b.groups.list);
    free(b.entries.list);
    arena_free(&b.scratch);
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
    for (uint32_t i = 0; i < plan->region_count; i++) {
        event_source_release(plan->regions[i].events);
        region_release(plan->regions[i].region);
    }
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

const struct family *plan_catalogued(const struct plan *plan, enum engram_family which)
{
    return plan->catalogued[which];
}

static int series_compare(const void *labels, const void *series)
{
    return strcmp(labels, ((const struct series *)series)->labels);
}

const struct series *family_series(const struct family *family, const char *labels)
{
    return bsearch(labels, family->series, family->count, sizeof *family->series, series_compare);
}
