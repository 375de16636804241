/* SPDX-License-Identifier: MIT */
/*
 * Recording: the calls of api.h that cost a nanosecond, and the way out of each
 * of them when the CPU has no block, the sequence was interrupted, or there is
 * no rseq at all: atomics on the copy of the node.
 */
#ifndef ENGRAM_RECORD_H
#define ENGRAM_RECORD_H

#include <engram/bucket.h>
#include <engram/register.h>
#include <engram/ticks.h>

/*
 * Where the slow path writes: the slot in the copy of the caller's node, or
 * NULL when recording is off.  A CPU that finds no block gets one, so that the
 * next record is fast; if memory is refused, the node's copy goes on serving.
 */
ENGRAM_COLD uint64_t *engram_slow_slot(struct engram_slot at, enum engram_commit why)
{
    struct engram_region *region = at.region;
    uint32_t chunk = at.slot >> ENGRAM_CHUNK_SHIFT;
    uint32_t cpu, node;
    if (!__atomic_load_n(&region->on, __ATOMIC_RELAXED))
        return NULL;
    engram_where(&cpu, &node, region);
    if (why == ENGRAM_NO_BLOCK && cpu < region->limit &&
        region->placement[chunk] == ENGRAM_PER_CPU &&
        !__atomic_load_n(engram_block(region, chunk, cpu), __ATOMIC_RELAXED) &&
        !engram_reserve_block(region, chunk, cpu, node))
        engram_count_own(ENGRAM_OWN_MEMORY_REFUSED);
    return engram_node_slot(region, node, at.slot);
}

ENGRAM_COLD void engram_slow_add(struct engram_slot at, uint64_t amount, enum engram_commit why)
{
    uint64_t *slot = engram_slow_slot(at, why);
    if (!slot)
        return;
    __atomic_fetch_add(slot, amount, __ATOMIC_RELAXED);
    if (why == ENGRAM_ABORTED)
        engram_count_own(ENGRAM_OWN_COUNTER_CONTENTION);
}

/* Adds to a double by compare-and-swap. */
static inline void engram_atomic_add_double(uint64_t *slot, double amount)
{
    uint64_t seen = __atomic_load_n(slot, __ATOMIC_RELAXED);
    uint64_t wanted;
    do {
        double sum;
        memcpy(&sum, &seen, sizeof sum);
        sum = seen == ENGRAM_GAUGE_UNSET ? amount : sum + amount;
        memcpy(&wanted, &sum, sizeof wanted);
    } while (
        !__atomic_compare_exchange_n(slot, &seen, wanted, 1, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
}

ENGRAM_COLD void engram_slow_cell(struct engram_slot at, double value, enum engram_commit why)
{
    uint64_t *cell = engram_slow_slot(at, why);
    if (!cell)
        return;
    __atomic_fetch_add(&cell[0], 1, __ATOMIC_RELAXED);
    engram_atomic_add_double(&cell[1], value);
    if (why == ENGRAM_ABORTED)
        engram_count_own(ENGRAM_OWN_HISTOGRAM_CONTENTION);
}

/* Claims the slot of the next ticket; UINT64_MAX when a writer one lap behind still holds it. */
static inline uint64_t engram_claim(struct engram_ring *ring)
{
    uint64_t ticket = __atomic_fetch_add(&ring->head, 1, __ATOMIC_ACQ_REL);
    uint64_t *state = &ring->ticket[ticket % ENGRAM_RING_SLOTS];
    uint64_t seen = __atomic_load_n(state, __ATOMIC_RELAXED);
    if (seen % 2 == 0 && __atomic_compare_exchange_n(state, &seen, 2 * ticket + 1, 0,
                                                     __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
        return ticket;
    return UINT64_MAX;
}

ENGRAM_COLD void engram_slow_event(struct engram_slot at, const struct engram_event_record *record,
                                   enum engram_commit why)
{
    struct engram_ring *ring = (struct engram_ring *)(void *)engram_slow_slot(at, why);
    if (!ring)
        return;
    if (why == ENGRAM_ABORTED)
        engram_count_own(ENGRAM_OWN_EVENT_CONTENTION);
    uint64_t ticket = engram_claim(ring);
    if (ticket == UINT64_MAX) {
        engram_count_own(ENGRAM_OWN_EVENT_DROPPED);
        return;
    }
    uint64_t *to = (uint64_t *)&ring->records[ticket % ENGRAM_RING_SLOTS];
    uint64_t from[4];
    memcpy(from, record, sizeof from);
    /* Whoever sees a word of the record sees that its slot is claimed. */
    __atomic_thread_fence(__ATOMIC_RELEASE);
    for (int i = 0; i < 4; i++)
        __atomic_store_n(&to[i], from[i], __ATOMIC_RELAXED);
    __atomic_store_n(&ring->ticket[ticket % ENGRAM_RING_SLOTS], 2 * ticket + 2, __ATOMIC_RELEASE);
}

static inline void engram_add(struct engram_slot at, uint64_t amount)
{
    if (__builtin_expect(!at.region, 0))
        return;
    enum engram_commit outcome = engram_commit_add(at.region, at.blocks, at.slot, amount);
    if (__builtin_expect(outcome != ENGRAM_COMMITTED, 0))
        engram_slow_add(at, amount, outcome);
}

ENGRAM_FUNCTION void engram_counter_add(engram_counter counter, uint64_t amount)
{
    engram_add(counter.at, amount);
}

ENGRAM_FUNCTION void engram_updown_add(engram_updown updown, int64_t amount)
{
    engram_add(updown.at, (uint64_t)amount);
}

/* The slot of a series that has only one, or NULL. */
static inline uint64_t *engram_single(struct engram_slot at)
{
    if (!at.region || !__atomic_load_n(&at.region->on, __ATOMIC_RELAXED))
        return NULL;
    return engram_node_slot(at.region, 0, at.slot);
}

ENGRAM_FUNCTION void engram_counter_set(engram_counter_total counter, uint64_t total)
{
    uint64_t *slot = engram_single(counter.at);
    uint64_t seen = slot ? __atomic_load_n(slot, __ATOMIC_RELAXED) : 0;
    while (slot && seen < total &&
           !__atomic_compare_exchange_n(slot, &seen, total, 1, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        continue;
}

ENGRAM_FUNCTION void engram_gauge_set(engram_gauge gauge, double value)
{
    uint64_t *slot = engram_single(gauge.at);
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    if (slot)
        __atomic_store_n(slot, bits, __ATOMIC_RELAXED);
}

ENGRAM_FUNCTION void engram_gauge_add(engram_gauge gauge, double amount)
{
    uint64_t *slot = engram_single(gauge.at);
    if (slot)
        engram_atomic_add_double(slot, amount);
}

ENGRAM_FUNCTION void engram_histogram_record(engram_histogram histogram, double value)
{
    if (__builtin_expect(!histogram.at.region, 0))
        return;
    uint32_t cell = histogram.bounds
                        ? engram_explicit_cell(value, histogram.bounds, histogram.cells - 2)
                        : engram_exponential_cell(value, histogram.first, histogram.cells);
    struct engram_slot at = histogram.at;
    at.slot += cell * (uint32_t)sizeof(struct engram_cell);
    double amount = value == value ? value : 0; /* NaN must not spoil the sum */
    enum engram_commit outcome = engram_commit_cell(at.region, at.blocks, at.slot, amount);
    if (__builtin_expect(outcome != ENGRAM_COMMITTED, 0))
        engram_slow_cell(at, amount, outcome);
}

ENGRAM_FUNCTION void engram_histogram_record_ns(engram_histogram histogram, uint64_t nanoseconds)
{
    engram_histogram_record(histogram, (double)nanoseconds * 1e-9);
}

ENGRAM_FUNCTION void engram_event_emit_at(engram_event event, uint64_t time, uint64_t first,
                                          uint64_t second)
{
    struct engram_event_record record = {time, event.kind, 0, {first, second}};
    if (__builtin_expect(!event.at.region, 0))
        return;
    enum engram_commit outcome =
        engram_commit_event(event.at.region, event.at.blocks, event.at.slot, &record);
    if (__builtin_expect(outcome != ENGRAM_COMMITTED, 0))
        engram_slow_event(event.at, &record, outcome);
}

ENGRAM_FUNCTION void engram_event_emit(engram_event event, uint64_t first, uint64_t second)
{
    if (event.at.region)
        engram_event_emit_at(event, engram_clock(ENGRAM_CLOCK_MONOTONIC), first, second);
}

ENGRAM_FUNCTION engram_span engram_span_begin(void)
{
    engram_span span;
    if (__builtin_expect(engram_ticks_known(), 1)) {
        span.start = engram_ticks_now() | ENGRAM_TICKS_MARK;
        return span;
    }
    span.start = engram_clock(ENGRAM_CLOCK_MONOTONIC);
    engram_ticks_try(span.start);
    return span;
}

/* Whether the length of a span is known, ns. */
static inline int engram_span_length(engram_span span, uint64_t *nanoseconds)
{
    if (!(span.start & ENGRAM_TICKS_MARK)) {
        *nanoseconds = engram_clock(ENGRAM_CLOCK_MONOTONIC) - span.start;
        return 1;
    }
    uint64_t end = engram_ticks_now();
    if (__builtin_expect(engram_ticks_due(end), 0) && !engram_ticks_measure())
        return 0;
    int64_t ticks = (int64_t)(end - (span.start & ~ENGRAM_TICKS_MARK));
    double length = engram_ticks_length();
    *nanoseconds = ticks > 0 ? (uint64_t)((double)ticks * length) : 0;
    return length > 0;
}

ENGRAM_FUNCTION uint64_t engram_span_end(engram_span span, engram_histogram histogram)
{
    uint64_t nanoseconds = 0;
    if (engram_span_length(span, &nanoseconds))
        engram_histogram_record_ns(histogram, nanoseconds);
    return nanoseconds;
}

#endif
