/* SPDX-License-Identifier: MIT */
#include "shmlib/sum.h"

#include <math.h>
#include <string.h>

/* Two reports of one total that outlives those who report it are no sum. */
static enum engram_merge merge_of(const struct engram_descriptor *d)
{
    if (d->kind == ENGRAM_GAUGE)
        return (enum engram_merge)d->merge;
    return d->kind == ENGRAM_COUNTER_SET && d->flags & ENGRAM_ABSOLUTE ? ENGRAM_MAX : ENGRAM_SUM;
}

struct source source_of(const struct engram_descriptor *d, uint32_t at)
{
    return (struct source){.slot = d->slot,
                           .at = at,
                           .cells = d->cells,
                           .kind = d->kind,
                           .merge = (uint8_t)merge_of(d)};
}

uint32_t sum_words(const struct engram_descriptor *d)
{
    return d->kind == ENGRAM_HISTOGRAM ? d->cells + SUM_WORDS : 1;
}

static uint64_t load(const char *at)
{
    return __atomic_load_n((const uint64_t *)(const void *)at, __ATOMIC_RELAXED);
}

static double load_double(const char *at)
{
    uint64_t bits = load(at);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

void sum_exactly(union word *pair, double value)
{
    double high = pair[0].number, sum = high + value;
    if (!isfinite(sum)) { /* the remainder would be NaN, and is of no interest */
        pair[0].number = sum;
        pair[1].number = 0;
        return;
    }
    double back = sum - high;
    double low = pair[1].number + ((high - (sum - back)) + (value - back));
    pair[0].number = sum + low;
    pair[1].number = low - (pair[0].number - sum);
}

static void add_series(const char *copy, const struct source *source, union word *row)
{
    const char *slot = copy + source->slot;
    union word *to = row + source->at;
    if (source->kind != ENGRAM_HISTOGRAM) {
        to->count += load(slot);
        return;
    }
    double sum = 0;
    for (uint32_t i = 0; i < source->cells; i++) {
        to[i].count += load(slot + i * sizeof(struct engram_cell));
        sum += load_double(slot + i * sizeof(struct engram_cell) + sizeof(uint64_t));
    }
    sum_exactly(&to[source->cells], sum);
}

void sum_cpu(const struct reader *reader, uint32_t cpu, const struct source *sources, size_t count,
             union word *row)
{
    const struct engram_region *h = &reader->header;
    const char *copy = reader->map + h->cpus_offset + cpu * h->copy_size;
    uint32_t chunk = UINT32_MAX;
    bool there = false;
    for (size_t i = 0; i < count; i++) {
        if (sources[i].slot >> ENGRAM_CHUNK_SHIFT != chunk) {
            chunk = sources[i].slot >> ENGRAM_CHUNK_SHIFT;
            there = reader_has_block(reader, chunk, cpu);
        }
        if (there)
            add_series(copy, &sources[i], row);
    }
}

void sum_node(const struct reader *reader, uint32_t node, const struct source *sources,
              size_t count, union word *row)
{
    const struct engram_region *h = &reader->header;
    const char *copy = reader->map + h->nodes_offset + node * h->copy_size;
    for (size_t i = 0; i < count; i++)
        add_series(copy, &sources[i], row);
}

static void merge_total(uint64_t *to, uint64_t value, enum engram_merge merge)
{
    if (merge == ENGRAM_SUM)
        *to += value;
    else if (value > *to)
        *to = value;
}

void sum_add(const struct engram_descriptor *d, union word *to, const union word *from)
{
    if (d->kind != ENGRAM_HISTOGRAM) {
        merge_total(&to->count, from->count, merge_of(d));
        return;
    }
    for (uint32_t i = 0; i < d->cells; i++)
        to[i].count += from[i].count;
    for (uint32_t i = 0; i < SUM_WORDS; i++)
        sum_exactly(&to[d->cells], from[d->cells + i].number);
}

static void merge_gauge(union word *to, double value, enum engram_merge merge)
{
    if (to->count == ENGRAM_GAUGE_UNSET || merge == ENGRAM_YOUNGEST)
        to->number = value;
    else if (merge == ENGRAM_SUM)
        to->number += value;
    else if (merge == ENGRAM_MIN ? value < to->number : value > to->number)
        to->number = value;
}

void sum_single(const struct reader *reader, const struct source *sources, size_t count,
                union word *row)
{
    const char *copy = reader->map + reader->header.nodes_offset;
    for (size_t i = 0; i < count; i++) {
        const char *slot = copy + sources[i].slot;
        if (sources[i].kind == ENGRAM_COUNTER_SET)
            merge_total(&row[sources[i].at].count, load(slot), (enum engram_merge)sources[i].merge);
        else if (load(slot) != ENGRAM_GAUGE_UNSET)
            merge_gauge(&row[sources[i].at], load_double(slot),
                        (enum engram_merge)sources[i].merge);
    }
}
