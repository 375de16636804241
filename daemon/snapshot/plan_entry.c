/* SPDX-License-Identifier: MIT */
#include "daemon/snapshot/plan_entry.h"
#include "daemon/regions/record_labels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *labels_of(const struct record *record, const char *process, struct buffer *room,
                             struct arena *arena)
{
    buffer_reset(room);
    append_record_labels(room, record, process);
    return room->failed ? NULL : arena_string(arena, room->data, room->length);
}

static uint32_t recorded_count(const struct plan_input *input)
{
    uint32_t count = input->totals->count;
    for (uint32_t i = 0; i < input->region_count; i++)
        count += input->regions[i]->reader->count;
    return count;
}

/* A gauge, and what is shown as one, ends with its process. */
static bool served(const struct record *record, bool alive)
{
    uint8_t kind = record->descriptor->kind;
    return kind != ENGRAM_EVENT && (alive || (kind != ENGRAM_GAUGE && kind != ENGRAM_UPDOWN));
}

static bool add_recorded(struct entries *entries, const struct entry *like, const char *process,
                         struct arena *arena, struct buffer *room)
{
    struct entry *entry = &entries->list[entries->count];
    const struct record *record = like->record;
    *entry = *like;
    entry->order = entries->count + 1;
    entry->name = arena_string(arena, record_name(record), record->descriptor->name_length);
    entry->labels = labels_of(record, process, room, arena);
    if (!entry->name || !entry->labels)
        return false;
    entries->count++;
    return true;
}

static bool gather_totals(struct entries *entries, const struct plan_input *input,
                          struct arena *arena, struct buffer *room)
{
    for (uint32_t i = 0; i < input->totals->count; i++) {
        const struct total *total = &input->totals->list[i];
        struct entry like = {.record = &total->record,
                             .total = total,
                             .since = totals_known(input->totals, total->process)->since};
        if (!add_recorded(entries, &like, total->process, arena, room))
            return false;
    }
    return true;
}

static bool gather_recorded(struct entries *entries, const struct plan_input *input,
                            struct arena *arena, struct buffer *room)
{
    for (uint32_t i = 0; i < input->region_count; i++) {
        const struct reader *reader = input->regions[i]->reader;
        for (uint32_t j = 0; j < reader->count; j++) {
            struct entry like = {
                .record = &reader->records[j], .region = i, .since = input->regions[i]->since};
            if (served(like.record, input->alive[i]) &&
                !add_recorded(entries, &like, input->regions[i]->process, arena, room))
                return false;
        }
    }
    return true;
}

static uint32_t count_labels(const struct computed_family *family)
{
    uint32_t count = 0;
    while (family->labels && family->labels[count])
        count++;
    return count;
}

static void add_computed(struct entries *entries, const struct computed_family *family,
                         const char *labels)
{
    entries->list[entries->count++] =
        (struct entry){.name = family->about->name, .labels = labels, .computed = family};
}

/* One computed series for a recorded one, or one for each node. */
static bool derive_entry(struct entries *entries, const struct computed_family *family,
                         const struct entry *from, uint32_t nodes, struct arena *arena)
{
    if (!family->by_node) {
        add_computed(entries, family, from->labels);
        return true;
    }
    for (uint32_t node = 0; node < nodes; node++) {
        size_t size = strlen(from->labels) + sizeof ",numa_node=\"\"" + 10;
        char *labels = arena_take(arena, size, 1);
        if (!labels)
            return false;
        snprintf(labels, size, "%s,numa_node=\"%u\"", from->labels, node);
        add_computed(entries, family, labels);
    }
    return true;
}

void process_labels(char to[PROCESS_LABELS_SIZE], const char *process, uint32_t owner,
                    const char *more)
{
    bool first = *more && strcmp(more, "owner") < 0;
    bool last = *more && !first;
    snprintf(to, PROCESS_LABELS_SIZE, "%s%sowner=\"%u\",process=\"%s\"%s%s", first ? more : "",
             first ? "," : "", owner, process, last ? "," : "", last ? more : "");
}

static bool add_process(struct entries *entries, const struct computed_family *family,
                        const char *process, uint32_t owner, struct arena *arena)
{
    static const char *const none[] = {"", NULL};
    for (const char *const *more = family->labels ? family->labels : none; *more; more++) {
        char *labels = arena_take(arena, PROCESS_LABELS_SIZE, 1);
        if (!labels)
            return false;
        process_labels(labels, process, owner, *more);
        add_computed(entries, family, labels);
    }
    return true;
}

static bool add_processes(struct entries *entries, const struct computed_family *family,
                          const struct plan_input *input, struct arena *arena)
{
    bool added = true;
    for (uint32_t i = 0; added && i < input->region_count; i++)
        added = add_process(entries, family, input->regions[i]->process,
                            input->regions[i]->reader->owner, arena);
    for (uint32_t i = 0; added && i < input->totals->known_count; i++)
        added = add_process(entries, family, input->totals->known[i].process,
                            input->totals->known[i].owner, arena);
    return added;
}

static bool gather_computed(struct entries *entries, const struct plan_input *input,
                            struct arena *arena, uint32_t recorded)
{
    for (const struct computed_family *const *at = input->computed; *at; at++) {
        const struct computed_family *family = *at;
        for (uint32_t i = 0; !family->by_process && i < count_labels(family); i++)
            add_computed(entries, family, family->labels[i]);
        if (family->by_process && !add_processes(entries, family, input, arena))
            return false;
        for (uint32_t i = 0; family->from && i < recorded; i++)
            if (strcmp(entries->list[i].name, family->from->name) == 0 &&
                !derive_entry(entries, family, &entries->list[i], input->nodes, arena))
                return false;
    }
    return true;
}

bool entry_is_older(const struct entry *a, const struct entry *b)
{
    return a->since != b->since ? a->since < b->since : a->order < b->order;
}

static int entry_compare(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    int order = strcmp(a->name, b->name);
    if (order == 0)
        order = strcmp(a->labels, b->labels);
    return order ? order : entry_is_older(b, a) - entry_is_older(a, b);
}

/* Room for every computed series: no family has more than one for each series and node, or name. */
static size_t computed_most(const struct plan_input *input, size_t recorded)
{
    size_t most = 0;
    for (const struct computed_family *const *at = input->computed; *at; at++) {
        size_t labels = count_labels(*at);
        size_t processes = input->region_count + input->totals->known_count;
        most += (*at)->by_process ? processes * (labels ? labels : 1) : labels;
        if ((*at)->from)
            most += recorded * ((*at)->by_node ? input->nodes : 1);
    }
    return most;
}

bool entries_gather(struct entries *entries, const struct plan_input *input, struct arena *arena)
{
    size_t recorded = recorded_count(input);
    struct buffer room = {0};
    entries->count = 0;
    entries->list = calloc(recorded + computed_most(input, recorded) + 1, sizeof *entries->list);
    bool gathered = entries->list && gather_recorded(entries, input, arena, &room) &&
                    gather_totals(entries, input, arena, &room) &&
                    gather_computed(entries, input, arena, entries->count);
    buffer_free(&room);
    if (gathered)
        qsort(entries->list, entries->count, sizeof *entries->list, entry_compare);
    return gathered;
}
