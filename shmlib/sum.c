/* SPDX-License-Identifier: MIT */
#include "shmlib/sum.h"

#include <string.h>

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
    to[source->cells].number += sum;
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
            const void *block = reader->map + h->blocks_offset +
                                ((uint64_t)chunk * h->cpus + cpu) * sizeof(uint64_t);
            /* Pairs with the release in engram_reserve_block(). */
            there = __atomic_load_n((const uint64_t *)block, __ATOMIC_ACQUIRE) != 0;
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
            row[sources[i].at].count += load(slot);
        else if (load(slot) != ENGRAM_GAUGE_UNSET)
            merge_gauge(&row[sources[i].at], load_double(slot),
                        (enum engram_merge)sources[i].merge);
    }
}
