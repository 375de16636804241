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

/* Whether record `i` was whole while it was copied. */
static bool still_there(const struct engram_ring *ring, bool of_cpu, uint64_t i)
{
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    if (of_cpu) /* strictly below: the writer may be at work on slot i + N already */
        return __atomic_load_n(&ring->head, __ATOMIC_RELAXED) < i + ENGRAM_RING_SLOTS;
    /* Acquire for the look before the copy: nothing of the copy may be older than this. */
    return __atomic_load_n(&ring->ticket[i % ENGRAM_RING_SLOTS], __ATOMIC_ACQUIRE) == 2 * i + 2;
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
    for (; *cursor < head; ++*cursor) {
        uint64_t i = *cursor;
        if (!copy.of_cpu && !still_there(ring, false, i)) {
            drained->missed++;
            continue;
        }
        copy_record(&drained->records[drained->count], &ring->records[i % ENGRAM_RING_SLOTS]);
        if (still_there(ring, copy.of_cpu, i))
            drained->count++;
        else
            drained->missed++;
    }
}
