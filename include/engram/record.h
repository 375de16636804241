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
ENGRAM_COLD uint64_t *engram_slow_slot(uint64_t *blocks, char *slot, enum engram_commit why)
{
    struct engram_slot at = {blocks, slot};
    struct engram_region *region = engram_region_of(at);
    if (!region || !__atomic_load_n(&region->on, __ATOMIC_RELAXED))
        return NULL;
    uint32_t offset = engram_slot_offset(region, at), chunk = offset >> ENGRAM_CHUNK_SHIFT;
    uint32_t limit = __atomic_load_n(&engram_row_at(region, chunk)->limit, __ATOMIC_RELAXED);
    uint32_t cpu, node;
    engram_where(&cpu, &node, region);
    if (why == ENGRAM_NO_BLOCK && cpu < limit && region->placement[chunk] == ENGRAM_PER_CPU &&
        !__atomic_load_n(engram_block(region, chunk, cpu), __ATOMIC_RELAXED) &&
        !engram_reserve_block(region, chunk, cpu, node))
        engram_count_own(ENGRAM_OWN_MEMORY_REFUSED);
    return engram_node_slot(region, node, offset);
}

ENGRAM_COLD void engram_slow_add(uint64_t *blocks, char *slot, uint64_t amount,
                                 enum engram_commit why)
{
    uint64_t *to = engram_slow_slot(blocks, slot, why);
    if (!to)
        return;
    __atomic_fetch_add(to, amount, __ATOMIC_RELAXED);
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

ENGRAM_COLD void engram_slow_cell(uint64_t *blocks, char *slot, double value,
                                  enum engram_commit why)
{
    uint64_t *cell = engram_slow_slot(blocks, slot, why);
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

ENGRAM_COLD void engram_slow_event(uint64_t *blocks, char *slot, struct engram_event_record record,
                                   enum engram_commit why)
{
    struct engram_ring *ring = (struct engram_ring *)(void *)engram_slow_slot(blocks, slot, why);
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
    memcpy(from, &record, sizeof from);
    /* Whoever sees a word of the record sees that its slot is claimed. */
    __atomic_thread_fence(__ATOMIC_RELEASE);
    for (int i = 0; i < 4; i++)
        __atomic_store_n(&to[i], from[i], __ATOMIC_RELAXED);
    __atomic_store_n(&ring->ticket[ticket % ENGRAM_RING_SLOTS], 2 * ticket + 2, __ATOMIC_RELEASE);
}

/* Pointers one by one: gcc copies a handle as a vector, and takes that to pieces by way of the
 * stack. */
ENGRAM_INLINE void engram_add(struct engram_slot at, uint64_t amount)
{
    if (__builtin_expect(!at.slot, 0))
        return;
    enum engram_commit outcome = engram_commit_add(at.blocks, at.slot, amount);
    if (__builtin_expect(outcome != ENGRAM_COMMITTED, 0))
        engram_slow_add(at.blocks, at.slot, amount, outcome);
}

ENGRAM_HOT void engram_counter_add(engram_counter counter, uint64_t amount)
{
    engram_add(counter.at, amount);
}

ENGRAM_HOT void engram_updown_add(engram_updown updown, int64_t amount)
{
    engram_add(updown.at, (uint64_t)amount);
}

/* The slot of a series that has only one, or NULL when there is nothing to record. */
ENGRAM_INLINE uint64_t *engram_single_slot(struct engram_single at)
{
    return at.region && __atomic_load_n(&at.region->on, __ATOMIC_RELAXED) ? at.slot : NULL;
}

ENGRAM_FUNCTION void engram_counter_set(engram_counter_total counter, uint64_t total)
{
    uint64_t *slot = engram_single_slot(counter.at);
    uint64_t seen = slot ? __atomic_load_n(slot, __ATOMIC_RELAXED) : 0;
    while (slot && seen < total &&
           !__atomic_compare_exchange_n(slot, &seen, total, 1, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        continue;
}

ENGRAM_HOT void engram_gauge_set(engram_gauge gauge, double value)
{
    uint64_t *slot = engram_single_slot(gauge.at);
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    if (slot)
        __atomic_store_n(slot, bits, __ATOMIC_RELAXED);
}

ENGRAM_FUNCTION void engram_gauge_add(engram_gauge gauge, double amount)
{
    uint64_t *slot = engram_single_slot(gauge.at);
    if (slot)
        engram_atomic_add_double(slot, amount);
}

ENGRAM_INLINE void engram_record_cell(uint64_t *blocks, char *slot, uint32_t cell, double value)
{
    slot += cell * sizeof(struct engram_cell);
    enum engram_commit outcome = engram_commit_cell(blocks, slot, value);
    if (__builtin_expect(outcome != ENGRAM_COMMITTED, 0))
        engram_slow_cell(blocks, slot, value, outcome);
}

/* What is not in a usual bucket; out of line, or it would be wherever something is. */
static __attribute__((noinline, unused)) void engram_record_other(uint64_t *blocks, char *slot,
                                                                  const double *bounds,
                                                                  uint32_t cells, int32_t first,
                                                                  double value)
{
    uint32_t cell = !bounds ? engram_outer_cell(value, first, cells, ENGRAM_PER_OCTAVE)
                    : first ? engram_exponential_cell(value, first >> 6, cells, first & 63)
                            : engram_explicit_cell(value, bounds, cells - 2);
    /* NaN must not spoil the sum */
    engram_record_cell(blocks, slot, cell, value == value ? value : 0);
}

ENGRAM_HOT void engram_histogram_record(engram_histogram histogram, double value)
{
    if (__builtin_expect(!histogram.at.slot, 0))
        return;
    uint32_t bucket = engram_bucket(value, histogram.first);
    if (!histogram.bounds && __builtin_expect(bucket < histogram.cells - 2, 1))
        engram_record_cell(histogram.at.blocks, histogram.at.slot, bucket, value);
    else
        engram_record_other(histogram.at.blocks, histogram.at.slot, histogram.bounds,
                            histogram.cells, histogram.first, value);
}

ENGRAM_HOT void engram_histogram_record_ns(engram_histogram histogram, uint64_t nanoseconds)
{
    engram_histogram_record(histogram, (double)nanoseconds * 1e-9);
}

ENGRAM_HOT void engram_event_emit_at(engram_event event, uint64_t time, uint64_t first,
                                     uint64_t second)
{
    struct engram_event_record record = {time, event.kind, 0, {first, second}};
    if (__builtin_expect(!event.at.slot, 0))
        return;
    enum engram_commit outcome = engram_commit_event(event.at.blocks, event.at.slot, record);
    if (__builtin_expect(outcome != ENGRAM_COMMITTED, 0))
        engram_slow_event(event.at.blocks, event.at.slot, record, outcome);
}

ENGRAM_HOT void engram_event_emit(engram_event event, uint64_t first, uint64_t second)
{
    if (event.at.slot)
        engram_event_emit_at(event, engram_clock(ENGRAM_CLOCK_MONOTONIC), first, second);
}

ENGRAM_HOT engram_span engram_span_begin(void)
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

/* The seconds since a span began; negative if they are not known. */
ENGRAM_INLINE double engram_span_seconds(engram_span span)
{
    if (__builtin_expect(!(span.start & ENGRAM_TICKS_MARK), 0))
        return (double)(engram_clock(ENGRAM_CLOCK_MONOTONIC) - span.start) * 1e-9;
    uint64_t end = engram_ticks_now();
    if (__builtin_expect(engram_ticks_due(end), 0) && !engram_ticks_measure())
        return -1;
    int64_t ticks = (int64_t)(end - (span.start & ~ENGRAM_TICKS_MARK));
    double length = engram_ticks_length();
    return length > 0 ? (double)(ticks > 0 ? ticks : 0) * length : -1;
}

ENGRAM_HOT uint64_t engram_span_end(engram_span span, engram_histogram histogram)
{
    double seconds = engram_span_seconds(span);
    if (__builtin_expect(seconds < 0, 0))
        return 0;
    engram_histogram_record(histogram, seconds);
    return (uint64_t)(int64_t)(seconds * 1e9 + 0.5);
}

#endif
