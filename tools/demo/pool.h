/* SPDX-License-Identifier: MIT */
/*
 * Arena of fixed-size slots, each on a 64-byte boundary. The owner serialises all calls except
 * pool_slot, which only computes an address.
 */
#ifndef DEMO_POOL_H
#define DEMO_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POOL_ALIGNMENT 64
#define POOL_NONE UINT32_MAX

struct pool {
    unsigned char *memory;
    uint64_t *free_map; /* one bit a slot, set while the slot is free */
    size_t slot_bytes;  /* rounded up to the alignment */
    uint32_t capacity;  /* slots reserved */
    uint32_t limit;     /* slots in service, at most capacity */
    uint32_t used;
    uint32_t cursor; /* where the next search for a free slot starts */
    uint64_t allocations;
    uint64_t aligned_allocations;
};

struct pool_stats {
    double utilisation;   /* used slots / slots in service */
    double fragmentation; /* 1 - longest free run / free slots; 0 when none is free */
    uint32_t used;
    uint32_t limit;
    uint32_t capacity;
    uint64_t allocations;
    uint64_t aligned_allocations;
};

bool pool_init(struct pool *pool, size_t slot_bytes, uint32_t capacity);
void pool_destroy(struct pool *pool);

/* Next-fit; POOL_NONE when every slot in service is taken. */
uint32_t pool_alloc(struct pool *pool);
void pool_free(struct pool *pool, uint32_t slot);
bool pool_is_free(const struct pool *pool, uint32_t slot);

/* Takes free slots at the end out of service and gives their pages back; returns how many. */
uint32_t pool_shrink(struct pool *pool, uint32_t slots);
/* Puts slots back into service, as far as the capacity goes; returns how many. */
uint32_t pool_grow(struct pool *pool, uint32_t slots);

struct pool_stats pool_measure(const struct pool *pool);

static inline void *pool_slot(const struct pool *pool, uint32_t slot)
{
    return pool->memory + (size_t)slot * pool->slot_bytes;
}

#endif
