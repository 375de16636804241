/* SPDX-License-Identifier: MIT */
#include "shmlib/events.h"

#include <string.h>

/* The ring of a copy, NULL where it has no memory. */
static const struct engram_ring *ring_of(const struct reader *reader, struct copy copy,
                                         uint32_t slot)
{
    if (copy.of_cpu && !reader_has_block(reader, slot >> ENGRAM_CHUNK_SHIFT, copy.index))
        return NULL;
    return (const void *)(reader_copy(reader, copy) + slot);
}

static void copy_record(struct engram_event_record *to, const struct engram_event_record *from)
{
    const uint64_t *words = (const void *)from;
    uint64_t copied[sizeof *to / sizeof(uint64_t)];
    for (size_t i = 0; i < sizeof copied / sizeof copied[0]; i++)
        copied[i] = __atomic_load_n(&words[i], __ATOMIC_RELAXED);
    memcpy(to, copied, sizeof *to);
}

/* Copied between two looks at the head: each takes its line from the writer, who wants it for every
 * event. */
#define TOGETHER 32

/* How many of `count` records from `first` on may have been overwritten while they were copied: the
 * writer may be at work already on the one that is a lap behind the head. */
static uint64_t lost_of(const struct engram_ring *ring, uint64_t first, uint64_t count)
{
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    uint64_t head = __atomic_load_n(&ring->head, __ATOMIC_RELAXED);
    uint64_t lost = head < first + ENGRAM_RING_SLOTS ? 0 : head - first - ENGRAM_RING_SLOTS + 1;
    return lost < count ? lost : count;
}

/* Of a CPU's ring, from the cursor on. */
static void drain_some(const struct engram_ring *ring, uint64_t *cursor, uint64_t count,
                       struct drained *drained)
{
    struct engram_event_record *to = &drained->records[drained->count];
    for (uint64_t i = 0; i < count; i++)
        copy_record(&to[i], &ring->records[(*cursor + i) % ENGRAM_RING_SLOTS]);
    uint64_t lost = lost_of(ring, *cursor, count);
    memmove(to, to + lost, (count - lost) * sizeof *to);
    drained->count += (uint32_t)(count - lost);
    drained->missed += lost;
    *cursor += count;
}

/* Of a node's ring, whose writers tell of each record: its ticket is acquired for the look before
 * the copy, or something of that could be older. */
static bool is_there(const struct engram_ring *ring, uint64_t i)
{
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    return __atomic_load_n(&ring->ticket[i % ENGRAM_RING_SLOTS], __ATOMIC_ACQUIRE) == 2 * i + 2;
}

static void drain_one(const struct engram_ring *ring, uint64_t *cursor, struct drained *drained)
{
    uint64_t i = (*cursor)++;
    bool there = is_there(ring, i);
    if (there)
        copy_record(&drained->records[drained->count], &ring->records[i % ENGRAM_RING_SLOTS]);
    if (there && is_there(ring, i))
        drained->count++;
    else
        drained->missed++;
}

void events_drain(const struct reader *reader, struct copy copy, uint32_t slot, uint64_t *cursor,
                  struct drained *drained)
{
    const struct engram_ring *ring = ring_of(reader, copy, slot);
    drained->count = 0;
    drained->missed = 0;
    if (!ring) { /* nothing was emitted yet */
        *cursor = *cursor == EVENTS_FIRST_LOOK ? 0 : *cursor;
        return;
    }
    uint64_t head = __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE);
    if (*cursor == EVENTS_FIRST_LOOK) /* what was overwritten before was nobody's to read */
        *cursor = head > ENGRAM_RING_SLOTS ? head - ENGRAM_RING_SLOTS : 0;
    if (head < *cursor) /* no ring of ours runs backwards: start over at what it says */
        *cursor = head;
    if (head - *cursor > ENGRAM_RING_SLOTS) {
        drained->missed = head - *cursor - ENGRAM_RING_SLOTS;
        *cursor = head - ENGRAM_RING_SLOTS;
    }
    while (*cursor < head) {
        uint64_t left = head - *cursor;
        if (copy.of_cpu)
            drain_some(ring, cursor, left < TOGETHER ? left : TOGETHER, drained);
        else
            drain_one(ring, cursor, drained);
    }
}
