/* SPDX-License-Identifier: MIT */
#include "shmlib/sum.h"

#include <math.h>
#include <string.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

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
    const char *start[SUM_COPIES];
    uint32_t count;
};

/*
 * Adds words of some copies to those of a row, from one on, eight pieces at a time, which stay in
 * registers for all copies; returns the first word that is left.  A piece is what the machine loads
 * at once.
 */
#define EIGHT(x) x(0) x(1) x(2) x(3) x(4) x(5) x(6) x(7)
#define TAKE(n) piece sum##n = to[n];
#define ADD(n) sum##n += from[n];
#define PUT(n) to[n] = sum##n;
#define DEFINE_ADD(kind, name, type)                                                               \
    kind uint32_t name(const char *const *slots, uint32_t copies, uint32_t at, uint32_t words,     \
                       union word *row)                                                            \
    {                                                                                              \
        typedef type piece;                                                                        \
        const uint32_t step = 8 * sizeof(piece) / sizeof(uint64_t);                                \
        for (; at + step <= words; at += step) {                                                   \
            piece *to = (void *)&row[at];                                                          \
            EIGHT(TAKE)                                                                            \
            for (uint32_t copy = 0; copy < copies; copy++) {                                       \
                const piece *from = (const void *)(slots[copy] + at * sizeof(uint64_t));           \
                EIGHT(ADD)                                                                         \
            }                                                                                      \
            EIGHT(PUT)                                                                             \
        }                                                                                          \
        return at;                                                                                 \
    }

typedef uint64_t two_words __attribute__((vector_size(16), aligned(8), may_alias));
DEFINE_ADD(static, add_twos, two_words)

#ifdef __x86_64__
typedef uint64_t four_words __attribute__((vector_size(32), aligned(8), may_alias));
DEFINE_ADD(static __attribute__((target("avx2"))), add_fours, four_words)
#endif

static void add_words(const char *const *slots, uint32_t copies, uint32_t words, union word *row)
{
    uint32_t at = 0;
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx2"))
        at = add_fours(slots, copies, at, words, row);
#endif
    for (at = add_twos(slots, copies, at, words, row); at < words; at++)
        for (uint32_t copy = 0; copy < copies; copy++)
            row[at].count += load(slots[copy] + at * sizeof(uint64_t));
}

/* Streams that are read side by side: a way of the first cache for each. */
#define TOGETHER 8u

static void add_counters(const struct copies *copies, const struct source *source, union word *to)
{
    const char *slots[TOGETHER];
    for (uint32_t from = 0, count; from < copies->count; from += count) {
        uint32_t left = copies->count - from;
        count = left < TOGETHER ? left : TOGETHER;
        for (uint32_t i = 0; i < count; i++)
            slots[i] = copies->start[from + i] + source->slot;
        add_words(slots, count, source->cells, to);
    }
}

/* The sum of a histogram's values in a copy, in four parts, or each addition would wait for the one
 * before; of the cells, each fourth goes to one of them, whatever the machine can. */
struct parts {
    double a, b, c, d;
};

#ifdef __x86_64__
/* Four cells at a time; returns the first that is left. */
__attribute__((target("avx2"))) static uint32_t add_cells(const char *slot, uint32_t cells,
                                                          union word *to, struct parts *parts)
{
    __m256d sums = _mm256_setzero_pd();
    double lanes[4];
    uint32_t i = 0;
    for (; i + 4 <= cells; i += 4) {
        const __m256i *from = (const void *)(slot + i * sizeof(struct engram_cell));
        __m256i *counts = (void *)&to[i], one = _mm256_loadu_si256(from),
                other = _mm256_loadu_si256(from + 1);
        /* Both unpack as 0, 2, 1, 3. */
        __m256i count = _mm256_permute4x64_epi64(_mm256_unpacklo_epi64(one, other), 0xd8);
        _mm256_storeu_si256(counts, _mm256_add_epi64(_mm256_loadu_si256(counts), count));
        sums = _mm256_add_pd(sums, _mm256_castsi256_pd(_mm256_unpackhi_epi64(one, other)));
    }
    _mm256_storeu_pd(lanes, sums);
    *parts = (struct parts){lanes[0], lanes[2], lanes[1], lanes[3]};
    return i;
}
#endif

static void add_cell(const char *cell, union word *count, double *sum)
{
    count->count += load(cell);
    *sum += load_double(cell + sizeof(uint64_t));
}

static void add_histogram(const char *slot, uint32_t cells, union word *to)
{
    const size_t size = sizeof(struct engram_cell);
    struct parts sum = {0};
    uint32_t i = 0;
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx2"))
        i = add_cells(slot, cells, to, &sum);
#endif
    for (; i + 4 <= cells; i += 4) {
        add_cell(slot + i * size, &to[i], &sum.a);
        add_cell(slot + (i + 1) * size, &to[i + 1], &sum.b);
        add_cell(slot + (i + 2) * size, &to[i + 2], &sum.c);
        add_cell(slot + (i + 3) * size, &to[i + 3], &sum.d);
    }
    for (; i < cells; i++)
        add_cell(slot + i * size, &to[i], &sum.a);
    sum_exactly(&to[cells], (sum.a + sum.b) + (sum.c + sum.d));
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

/* Those that have memory for a chunk. */
static void find_copies(struct copies *found, const struct reader *reader, uint32_t chunk,
                        const struct copy *copies, uint32_t count)
{
    found->count = 0;
    for (uint32_t i = 0; i < count && i < SUM_COPIES; i++)
        if (!copies[i].of_cpu || reader_has_block(reader, chunk, copies[i].index))
            found->start[found->count++] = reader_copy(reader, copies[i]);
}

void sum_copies(const struct reader *reader, const struct copy *copies, uint32_t copy_count,
                const struct source *sources, size_t count, union word *row)
{
    struct copies found;
    uint32_t chunk = UINT32_MAX; /* none has that number */
    found.count = 0;
    for (size_t i = 0; i < count; i++) {
        if (sources[i].slot >> ENGRAM_CHUNK_SHIFT != chunk) {
            chunk = sources[i].slot >> ENGRAM_CHUNK_SHIFT;
            find_copies(&found, reader, chunk, copies, copy_count);
        }
        add_source(&found, &sources[i], row);
    }
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
