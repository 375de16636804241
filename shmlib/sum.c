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

static bool is_added(const struct source *source)
{
    return source->kind == ENGRAM_COUNTER || source->kind == ENGRAM_UPDOWN;
}

static bool follows(const struct source *source, const struct source *before)
{
    return is_added(source) && is_added(before) &&
           source->slot == before->slot + before->cells * sizeof(uint64_t) &&
           source->at == before->at + before->cells &&
           source->slot >> ENGRAM_CHUNK_SHIFT == before->slot >> ENGRAM_CHUNK_SHIFT;
}

uint32_t sources_join(struct source *sources, uint32_t count)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++)
        if (kept && follows(&sources[i], &sources[kept - 1]))
            sources[kept - 1].cells += sources[i].cells;
        else
            sources[kept++] = sources[i];
    return kept;
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

/* Where some copies start. */
struct copies {
    const char *start[SUM_CPUS];
    uint32_t count;
};

/* Two slots of one copy, loaded at once; see sum.h. */
typedef uint64_t two __attribute__((vector_size(16), aligned(8), may_alias));

static two load_two(const char *at)
{
    return *(const two *)(const void *)at;
}

/* Words of the row that stay in the first cache while all copies are added to them. */
#define BLOCK 1024u

/* Adds so many words of `n` copies, which is 1, 2 or 4 wherever this is inlined. */
static inline __attribute__((always_inline)) void
add_some(const char *const *copies, uint32_t n, size_t offset, size_t words, union word *to)
{
    size_t i = 0;
    for (; i + 2 <= words; i += 2) {
        two *sums = (void *)&to[i], sum = *sums;
        const size_t at = offset + i * sizeof(uint64_t);
        sum += load_two(copies[0] + at);
        if (n > 1)
            sum += load_two(copies[1] + at);
        if (n > 2)
            sum += load_two(copies[2] + at) + load_two(copies[3] + at);
        *sums = sum;
    }
    for (uint32_t copy = 0; i < words && copy < n; copy++)
        to[i].count += load(copies[copy] + offset + i * sizeof(uint64_t));
}

static void add_block(const struct copies *copies, size_t offset, size_t words, union word *to)
{
    uint32_t i = 0;
    for (; i + 4 <= copies->count; i += 4)
        add_some(&copies->start[i], 4, offset, words, to);
    for (; i + 2 <= copies->count; i += 2)
        add_some(&copies->start[i], 2, offset, words, to);
    if (i < copies->count)
        add_some(&copies->start[i], 1, offset, words, to);
}

/* Block by block, so that each copy is read as a stream and the row is not read from afar. */
static void add_counters(const struct copies *copies, const struct source *source, union word *to)
{
    for (uint32_t i = 0; i < source->cells; i += BLOCK) {
        uint32_t left = source->cells - i;
        add_block(copies, source->slot + i * sizeof(uint64_t), left < BLOCK ? left : BLOCK, to + i);
    }
}

#define LANES 4u /* of a sum, or each addition would wait for the one before */

static void add_histogram(const char *slot, uint32_t cells, union word *to)
{
    double sums[LANES] = {0};
    for (uint32_t i = 0; i < cells; i++) {
        const char *cell = slot + i * sizeof(struct engram_cell);
        to[i].count += load(cell);
        sums[i % LANES] += load_double(cell + sizeof(uint64_t));
    }
    sum_exactly(&to[cells], (sums[0] + sums[1]) + (sums[2] + sums[3]));
}

static void add_source(const struct copies *copies, const struct source *source, union word *row)
{
    union word *to = row + source->at;
    if (source->kind != ENGRAM_HISTOGRAM)
        add_counters(copies, source, to);
    else
        for (uint32_t i = 0; i < copies->count; i++)
            add_histogram(copies->start[i] + source->slot, source->cells, to);
}

/* Those of the CPUs' copies that have memory for a chunk. */
static void find_copies(struct copies *copies, const struct reader *reader, uint32_t chunk,
                        const uint32_t *cpus, uint32_t cpu_count)
{
    const struct engram_region *h = &reader->header;
    copies->count = 0;
    for (uint32_t i = 0; i < cpu_count && i < SUM_CPUS; i++)
        if (reader_has_block(reader, chunk, cpus[i]))
            copies->start[copies->count++] = reader->map + h->cpus_offset + cpus[i] * h->copy_size;
}

void sum_cpus(const struct reader *reader, const uint32_t *cpus, uint32_t cpu_count,
              const struct source *sources, size_t count, union word *row)
{
    struct copies copies;
    uint32_t chunk = UINT32_MAX;
    copies.count = 0;
    for (size_t i = 0; i < count; i++) {
        if (sources[i].slot >> ENGRAM_CHUNK_SHIFT != chunk) {
            chunk = sources[i].slot >> ENGRAM_CHUNK_SHIFT;
            find_copies(&copies, reader, chunk, cpus, cpu_count);
        }
        add_source(&copies, &sources[i], row);
    }
}

void sum_node(const struct reader *reader, uint32_t node, const struct source *sources,
              size_t count, union word *row)
{
    const struct engram_region *h = &reader->header;
    struct copies copies;
    copies.start[0] = reader->map + h->nodes_offset + node * h->copy_size;
    copies.count = 1;
    for (size_t i = 0; i < count; i++)
        add_source(&copies, &sources[i], row);
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
