/* SPDX-License-Identifier: MIT */
#include "tally.h"

#include <inttypes.h>
#include <stdbool.h>

static struct tally_entry *entry_of(struct tally *tally, const char *slot)
{
    uint32_t at = (uint32_t)(uintptr_t)slot * 2654435761u % TALLY_SIZE;
    while (tally->entries[at].slot && tally->entries[at].slot != slot)
        at = (at + 1) % TALLY_SIZE;
    tally->entries[at].slot = slot;
    return &tally->entries[at];
}

#if DEMO_TALLY

void tally_add(struct tally *tally, engram_counter counter, uint64_t amount)
{
    engram_counter_add(counter, amount);
    if (counter.at.slot)
        entry_of(tally, counter.at.slot)->count += amount;
}

void tally_record(struct tally *tally, engram_histogram histogram, double value)
{
    engram_histogram_record(histogram, value);
    if (!histogram.at.slot)
        return;
    struct tally_entry *entry = entry_of(tally, histogram.at.slot);
    entry->count++;
    entry->sum += value;
}

#endif

void tally_merge(struct tally *into, const struct tally *from)
{
    for (uint32_t i = 0; i < TALLY_SIZE; i++) {
        if (!from->entries[i].slot)
            continue;
        struct tally_entry *entry = entry_of(into, from->entries[i].slot);
        entry->count += from->entries[i].count;
        entry->sum += from->entries[i].sum;
    }
}

#if ENGRAM_METRICS

/* A label value inside a series' name inside a JSON string: escaped twice. */
static void print_value(const char *text, size_t length, FILE *to)
{
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '"' || text[i] == '\\')
            fputs("\\\\\\", to);
        fputc(text[i], to);
    }
}

static void print_series(const struct engram_descriptor *d, FILE *to)
{
    const char *labels = engram_descriptor_labels(d);
    fprintf(to, "\"%.*s", (int)d->name_length, engram_descriptor_text(d));
    for (size_t at = 0; at < d->labels_length;) {
        uint16_t lengths[2];
        memcpy(lengths, labels + at, sizeof lengths);
        const char *name = labels + at + sizeof lengths;
        fprintf(to, "%s%.*s=\\\"", at ? "," : "{", (int)lengths[0], name);
        print_value(name + lengths[0], lengths[1], to);
        fputs("\\\"", to);
        at += sizeof lengths + lengths[0] + lengths[1];
    }
    fputs(d->labels_length ? "}\": " : "\": ", to);
}

static bool is_own(const char *slot)
{
    for (int i = 0; i < ENGRAM_OWN_COUNT; i++)
        if (engram_process_state.own[i].slot == slot)
            return true;
    return false;
}

static void print_kind(const struct tally *tally, enum engram_kind kind, FILE *to)
{
    struct engram_region *region = engram_region_now();
    const uint32_t *heads = region ? engram_at(region, region->heads_offset) : NULL;
    const char *separator = "";
    for (uint32_t i = 0; region && i < region->heads; i++)
        for (uint32_t at = heads[i]; at;) {
            const struct engram_descriptor *d = engram_descriptor_at(region, at);
            at = d->next;
            const char *slot = engram_slot_of(region, d->slot).slot;
            if (d->kind != kind || is_own(slot))
                continue;
            const struct tally_entry *entry = entry_of((struct tally *)(uintptr_t)tally, slot);
            fputs(separator, to);
            print_series(d, to);
            if (kind == ENGRAM_HISTOGRAM)
                fprintf(to, "{\"count\": %" PRIu64 ", \"sum\": %.17g}", entry->count, entry->sum);
            else
                fprintf(to, "%" PRIu64, entry->count);
            separator = ",\n  ";
        }
}

#else

static void print_kind(const struct tally *tally, enum engram_kind kind, FILE *to)
{
    (void)tally, (void)kind, (void)to;
}

#endif

void tally_print(const struct tally *tally, FILE *to)
{
    fputs("{\"counters\": {\n  ", to);
    print_kind(tally, ENGRAM_COUNTER, to);
    fputs("},\n \"histograms\": {\n  ", to);
    print_kind(tally, ENGRAM_HISTOGRAM, to);
    fputs("}}\n", to);
}
