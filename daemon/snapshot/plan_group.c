/* SPDX-License-Identifier: MIT */
#include "daemon/snapshot/plan_group.h"

#include <engram/bucket.h>
#include <stdlib.h>
#include <string.h>

/* The catalogue knows the kinds of a region; by Prometheus' convention an info says so in its name.
 */
static enum series_type type_of_kind(int kind, const char *name)
{
    size_t length = strlen(name);
    if (kind == ENGRAM_HISTOGRAM)
        return SERIES_HISTOGRAM;
    if (kind == ENGRAM_COUNTER || kind == ENGRAM_COUNTER_SET)
        return SERIES_COUNTER;
    return length > 5 && strcmp(name + length - 5, "_info") == 0 ? SERIES_INFO : SERIES_GAUGE;
}

enum series_type entry_type(const struct entry *entry)
{
    if (entry->computed)
        return type_of_kind(entry->computed->about->kind, entry->name);
    enum series_type type = type_of_kind(entry->record->descriptor->kind, entry->name);
    return type == SERIES_INFO ? SERIES_GAUGE : type; /* its value need not be 1 */
}

static const struct engram_family_entry *find_about(const char *name)
{
    if (strncmp(name, "engram", 6) != 0 && strncmp(name, "process_", 8) != 0)
        return NULL;
    for (int i = 0; i < ENGRAM_FAMILIES; i++)
        if (strcmp(engram_catalogue[i].name, name) == 0)
            return &engram_catalogue[i];
    return NULL;
}

/* Whether a histogram has the buckets of its family in the catalogue. */
static bool has_its_buckets(const struct engram_family_entry *about, const struct record *record)
{
    const char *none[ENGRAM_LABELS_MAX];
    struct engram_label room[ENGRAM_LABELS_MAX];
    for (size_t i = 0; i < ENGRAM_LABELS_MAX; i++)
        none[i] = "";
    struct engram_spec spec =
        engram_family_spec((enum engram_family)(about - engram_catalogue), none, room);
    const struct engram_descriptor *d = record->descriptor;
    if (spec.bound_count)
        return d->bounds == spec.bound_count &&
               memcmp(record_bounds(record), spec.bounds, d->bounds * sizeof(double)) == 0;
    int first = engram_exponential_index(spec.least, ENGRAM_PER_OCTAVE);
    int last = engram_exponential_index(spec.most, ENGRAM_PER_OCTAVE);
    return d->per_octave == ENGRAM_PER_OCTAVE && d->first == first &&
           d->cells == (uint32_t)(last - first) + 3;
}

/* Of a family of ours nobody else says what it is. */
static bool may_define(const struct group *group, const struct entry *entry)
{
    if (!group->about || entry->computed)
        return true;
    return entry_type(entry) == type_of_kind(group->about->kind, "") &&
           (group->about->kind != ENGRAM_HISTOGRAM || has_its_buckets(group->about, entry->record));
}

static void choose_definer(struct group *group, const struct entry *list)
{
    for (uint32_t i = group->from; i < group->to; i++)
        if (may_define(group, &list[i]) &&
            (!group->definer || entry_is_older(&list[i], group->definer)))
            group->definer = &list[i];
}

static struct group *find(const struct groups *groups, const struct entry *list, const char *name,
                          size_t length)
{
    for (uint32_t low = 0, high = groups->count; low < high;) {
        uint32_t middle = low + (high - low) / 2;
        const char *here = list[groups->list[middle].from].name;
        int order = strncmp(here, name, length);
        if (order == 0 && here[length] == 0)
            return &groups->list[middle];
        if (order >= 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

/* Suffixes of samples: of a family of a type, in OpenMetrics or in text. */
static const struct {
    const char *suffix;
    bool of_histogram; /* those of the shorter name, else of the longer one's own type */
    enum series_type own;
} suffixes[] = {
    {"_total", false, SERIES_COUNTER},
    {"_info", false, SERIES_INFO},
    {"_bucket", true, 0},
    {"_count", true, 0},
    {"_sum", true, 0},
};

static bool clash(const struct group *longer, const struct group *shorter, size_t which)
{
    return suffixes[which].of_histogram ? entry_type(shorter->definer) == SERIES_HISTOGRAM
                                        : entry_type(longer->definer) == suffixes[which].own;
}

/* A family of ours, whoever came first with the other; else the older one. */
static bool stands_against(const struct group *a, const struct group *b)
{
    return !a->about == !b->about ? entry_is_older(a->definer, b->definer) : a->about != NULL;
}

static void settle(const struct groups *groups, struct group *longer, const struct entry *list)
{
    const char *name = list[longer->from].name;
    size_t length = strlen(name);
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0] && longer->definer; i++) {
        size_t end = strlen(suffixes[i].suffix);
        if (length <= end || strcmp(name + length - end, suffixes[i].suffix) != 0)
            continue;
        struct group *shorter = find(groups, list, name, length - end);
        if (!shorter || !shorter->definer || !clash(longer, shorter, i))
            continue;
        if (stands_against(longer, shorter))
            shorter->definer = NULL;
        else
            longer->definer = NULL;
    }
}

bool groups_make(struct groups *groups, const struct entries *entries)
{
    const struct entry *list = entries->list;
    groups->count = 0;
    groups->list = calloc((size_t)entries->count + 1, sizeof *groups->list);
    for (uint32_t from = 0, to; groups->list && from < entries->count; from = to) {
        for (to = from + 1; to < entries->count && strcmp(list[to].name, list[from].name) == 0;)
            to++;
        struct group *group = &groups->list[groups->count++];
        *group = (struct group){.from = from, .to = to, .about = find_about(list[from].name)};
        choose_definer(group, list);
    }
    for (uint32_t i = 0; i < groups->count; i++)
        settle(groups, &groups->list[i], list);
    return groups->list != NULL;
}
