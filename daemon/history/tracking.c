/* SPDX-License-Identifier: MIT */
#include "daemon/history/tracking.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS_SHARE 4 /* of the limit: no more than one part in so many is for numbers */

static enum change_kind kind_of(const struct family *family, const struct series *series)
{
    if (series->shape)
        return CHANGE_CELLS;
    if (series->rows == ROWS_SUMMED || series->rows == ROWS_COMPUTED)
        return CHANGE_NUMBER;
    return family->type == SERIES_COUNTER ? CHANGE_COUNT : CHANGE_NUMBER;
}

static bool same_shape(const struct histogram_shape *a, const struct histogram_shape *b)
{
    return a->cells == b->cells && a->first == b->first && a->per_octave == b->per_octave &&
           !a->bounds == !b->bounds &&
           (!a->bounds || memcmp(a->bounds, b->bounds, (a->cells - 2) * sizeof *a->bounds) == 0);
}

static bool is_of(const struct tracked_family *tracked, const struct family *family,
                  const struct series *series)
{
    return tracked->type == family->type && tracked->kind == kind_of(family, series) &&
           strcmp(tracked->name, family->name) == 0 &&
           (!series->shape || same_shape(&tracked->shape, series->shape));
}

static size_t family_size(const struct tracked_family *family)
{
    size_t bounds = family->shape.bounds ? family->shape.cells - 2 : 0;
    return sizeof *family + strlen(family->name) + 1 + bounds * sizeof *family->shape.bounds;
}

static void release_family(struct tracking *tracking, struct tracked_family *family)
{
    if (--family->references)
        return;
    tracking->bytes -= family_size(family);
    free(family->shape.bounds);
    free(family);
}

static struct tracked_family *hold_family(struct tracked_family *family)
{
    family->references++;
    return family;
}

static struct tracked_family *make_family(struct tracking *tracking, const struct family *of,
                                          const struct series *series)
{
    size_t name = strlen(of->name) + 1;
    struct tracked_family *family = calloc(1, sizeof *family + name);
    if (!family)
        return NULL;
    family->references = 1;
    family->type = of->type;
    family->kind = kind_of(of, series);
    memcpy(family->name, of->name, name);
    if (series->shape) {
        family->shape.cells = series->shape->cells;
        family->shape.first = series->shape->first;
        family->shape.per_octave = series->shape->per_octave;
    }
    if (series->shape && series->shape->bounds) {
        size_t size = (series->shape->cells - 2) * sizeof *family->shape.bounds;
        family->shape.bounds = malloc(size + 1);
        if (!family->shape.bounds) {
            free(family);
            return NULL;
        }
        memcpy(family->shape.bounds, series->shape->bounds, size);
    }
    tracking->bytes += family_size(family);
    return family;
}

/* Its number stays in use: stretches may speak of it. */
static void drop(struct tracking *tracking, struct tracked *series)
{
    struct tracked_slot *slot = &tracking->slots[series->id];
    slot->series = NULL;
    slot->last = series->last;
    tracking->bytes -= series->size + sizeof series;
    release_family(tracking, series->family);
    free(series);
}

static bool grow_slots(struct tracking *tracking)
{
    uint32_t capacity = tracking->slot_capacity ? 2 * tracking->slot_capacity : 64;
    size_t each = sizeof *tracking->slots + sizeof *tracking->unused;
    tracking->no_numbers = capacity > tracking->limit / SLOTS_SHARE / each;
    if (tracking->no_numbers)
        return false;
    struct tracked_slot *slots = realloc(tracking->slots, capacity * sizeof *slots);
    if (slots)
        tracking->slots = slots;
    uint32_t *unused = realloc(tracking->unused, capacity * sizeof *unused);
    if (unused)
        tracking->unused = unused;
    if (!slots || !unused)
        return false;
    tracking->bytes += (capacity - tracking->slot_capacity) * each;
    tracking->slot_capacity = capacity;
    return true;
}

static bool take_number(struct tracking *tracking, uint32_t *id)
{
    if (tracking->unused_count) {
        *id = tracking->unused[--tracking->unused_count];
        return true;
    }
    if (tracking->slot_count == tracking->slot_capacity && !grow_slots(tracking))
        return false;
    *id = tracking->slot_count++;
    return true;
}

/* Nothing of a number is known before, and counts start at 0. */
static void start_values(struct tracked *series)
{
    if (series->family->kind == CHANGE_NUMBER)
        series->values[0].count = ENGRAM_GAUGE_UNSET;
}

/* `like` may have the family already; NULL when there is no room or no memory. */
static struct tracked *admit(struct tracking *tracking, const struct family *of,
                             const struct series *series, const struct tracked *like)
{
    size_t words = series->shape ? series->shape->cells + SUM_WORDS : 1;
    size_t labels = strlen(series->labels) + 1;
    size_t size = sizeof(struct tracked) + words * sizeof(union word) + labels;
    uint32_t id;
    if (size > tracking->limit || tracking->bytes > tracking->limit - size ||
        !take_number(tracking, &id))
        return NULL;
    struct tracked *one = calloc(1, size);
    struct tracked_family *family = like && is_of(like->family, of, series)
                                        ? hold_family(like->family)
                                        : make_family(tracking, of, series);
    tracking->slots[id] = (struct tracked_slot){.used = one && family};
    if (!one || !family) {
        if (family)
            release_family(tracking, family);
        free(one);
        tracking->unused[tracking->unused_count++] = id;
        return NULL;
    }
    char *text = (char *)&one->values[words];
    memcpy(text, series->labels, labels);
    *one = (struct tracked){
        .family = family, .labels = text, .id = id, .size = (uint32_t)size, .rows = series->rows};
    start_values(one);
    tracking->slots[id].series = one;
    tracking->slots[id].kind = (uint8_t)family->kind;
    tracking->bytes += size + sizeof one;
    return one;
}

static int last_compare(const void *left, const void *right)
{
    const struct tracked *a = *(struct tracked *const *)left, *b = *(struct tracked *const *)right;
    return (a->last > b->last) - (a->last < b->last);
}

/* Takes what is not kept any more out of the order. */
static void close_gaps(struct tracking *tracking)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < tracking->count; i++)
        if (tracking->order[i])
            tracking->order[count++] = tracking->order[i];
    tracking->count = count;
}

static int order_compare(const void *left, const void *right)
{
    const struct tracked *a = *(struct tracked *const *)left, *b = *(struct tracked *const *)right;
    int order = strcmp(a->family->name, b->family->name);
    return order ? order : strcmp(a->labels, b->labels);
}

/* What ended first goes first, so that what is new has room. */
static void drop_ended(struct tracking *tracking)
{
    qsort(tracking->order, tracking->count, sizeof *tracking->order, last_compare);
    for (uint32_t i = 0; i < tracking->count && tracking->bytes > tracking->limit / 2; i++) {
        if (tracking->order[i]->at != TRACKED_NOWHERE)
            continue;
        drop(tracking, tracking->order[i]);
        tracking->order[i] = NULL;
    }
    close_gaps(tracking);
    qsort(tracking->order, tracking->count, sizeof *tracking->order, order_compare);
}

/* The order so far, and the one that is made from it and from a set. */
struct merging {
    struct tracking *tracking;
    struct tracked **to;
    uint32_t count;
    uint32_t next; /* of the order so far */
    bool from_zero;
};

static int compare_next(const struct merging *m, const char *name, const char *labels)
{
    const struct tracked *next = m->tracking->order[m->next];
    int order = strcmp(next->family->name, name);
    return order ? order : strcmp(next->labels, labels);
}

static void keep_ended(struct merging *m)
{
    struct tracked *ended = m->tracking->order[m->next++];
    ended->at = TRACKED_NOWHERE;
    m->to[m->count++] = ended;
}

/* What is followed under that name and labels; NULL when it is nothing, or something else. */
static struct tracked *take_known(struct merging *m, const struct family *family,
                                  const struct series *series)
{
    int order = -1;
    while (m->next < m->tracking->count &&
           (order = compare_next(m, family->name, series->labels)) < 0)
        keep_ended(m);
    if (m->next == m->tracking->count || order)
        return NULL;
    struct tracked *known = m->tracking->order[m->next++];
    if (is_of(known->family, family, series))
        return known;
    drop(m->tracking, known);
    return NULL;
}

/* A neighbour of the same family, if there is one. */
static const struct tracked *relative(const struct merging *m, const struct family *family,
                                      const struct series *series)
{
    const struct tracked *before = m->count ? m->to[m->count - 1] : NULL;
    if (before && is_of(before->family, family, series))
        return before;
    return m->next < m->tracking->count ? m->tracking->order[m->next] : NULL;
}

static void merge_series(struct merging *m, const struct family *family,
                         const struct series *series)
{
    struct tracked *one = take_known(m, family, series);
    if (!one && (one = admit(m->tracking, family, series, relative(m, family, series))))
        one->adopts = !m->from_zero;
    if (!one) {
        m->tracking->left_out++;
        return;
    }
    one->at = series->at;
    one->rows = series->rows;
    m->to[m->count++] = one;
}

/* Of a family that is another one now, as other processes have come, what ended goes: one name
 * would stand for both. */
static void drop_strangers(struct tracking *tracking)
{
    for (uint32_t from = 0, to; from < tracking->count; from = to) {
        const struct tracked_family *now = NULL;
        bool differ = false;
        for (to = from; to < tracking->count; to++) {
            const struct tracked *one = tracking->order[to], *first = tracking->order[from];
            if (one->family != first->family && strcmp(one->family->name, first->family->name) != 0)
                break;
            differ |= one->family != first->family;
            now = one->at == TRACKED_NOWHERE ? now : one->family;
        }
        for (uint32_t i = from; differ && now && i < to; i++) {
            if (tracking->order[i]->family == now)
                continue;
            drop(tracking, tracking->order[i]);
            tracking->order[i] = NULL;
        }
    }
    close_gaps(tracking);
}

static uint32_t count_series(const struct series_set *set)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < set->count; i++)
        count += set->families[i].count;
    return count;
}

bool tracking_follow(struct tracking *tracking, const struct series_set *set, bool from_zero)
{
    if (tracking->left_out || tracking->bytes > tracking->limit / 4 * 3)
        drop_ended(tracking);
    /* What was left out before may be as old as anything. */
    struct merging m = {.tracking = tracking, .from_zero = from_zero && !tracking->left_out};
    uint32_t most = tracking->count + count_series(set);
    m.to = malloc((most + 1) * sizeof(struct tracked *));
    if (!m.to)
        return false;
    tracking->left_out = 0;
    tracking->no_numbers = false;
    for (uint32_t i = 0; i < set->count; i++)
        for (uint32_t j = 0; j < set->families[i].count; j++)
            merge_series(&m, &set->families[i], &set->families[i].series[j]);
    while (m.next < tracking->count)
        keep_ended(&m);
    free(tracking->order);
    struct tracked **fit = realloc(m.to, (m.count + 1) * sizeof(struct tracked *));
    tracking->order = fit ? fit : m.to;
    tracking->count = m.count;
    drop_strangers(tracking);
    return true;
}

/* Numbers of which no stretch speaks any more can be given to others. */
void tracking_forget_before(struct tracking *tracking, uint64_t oldest_ms)
{
    for (uint32_t i = 0; i < tracking->count; i++) {
        struct tracked *one = tracking->order[i];
        if (one->at != TRACKED_NOWHERE || one->last >= oldest_ms)
            continue;
        drop(tracking, one);
        tracking->order[i] = NULL;
    }
    close_gaps(tracking);
    for (uint32_t id = 0; id < tracking->slot_count; id++) {
        struct tracked_slot *slot = &tracking->slots[id];
        if (!slot->used || slot->series || slot->last >= oldest_ms)
            continue;
        slot->used = false;
        tracking->unused[tracking->unused_count++] = id;
    }
}

bool tracked_matches(const struct tracked *series, const struct match *match)
{
    return match_family(match, series->family->name) &&
           match_series(match, &(struct series){.labels = (char *)(uintptr_t)series->labels,
                                                .rows = ROWS_HOST});
}

void tracking_free(struct tracking *tracking)
{
    for (uint32_t i = 0; i < tracking->count; i++)
        drop(tracking, tracking->order[i]);
    free(tracking->order);
    free(tracking->slots);
    free(tracking->unused);
    *tracking = (struct tracking){0};
}
