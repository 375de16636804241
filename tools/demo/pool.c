/* SPDX-License-Identifier: MIT */
#include "pool.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static void map_set(struct pool *pool, uint32_t slot)
{
    pool->free_map[slot / 64] |= UINT64_C(1) << (slot % 64);
}

static void map_clear(struct pool *pool, uint32_t slot)
{
    pool->free_map[slot / 64] &= ~(UINT64_C(1) << (slot % 64));
}

bool pool_is_free(const struct pool *pool, uint32_t slot)
{
    return (pool->free_map[slot / 64] >> (slot % 64)) & 1;
}

bool pool_init(struct pool *pool, size_t slot_bytes, uint32_t capacity)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    *pool = (struct pool){.capacity = capacity, .limit = capacity};
    pool->slot_bytes = (slot_bytes + POOL_ALIGNMENT - 1) / POOL_ALIGNMENT * POOL_ALIGNMENT;
    size_t bytes = (pool->slot_bytes * capacity + page - 1) / page * page;
    pool->memory = aligned_alloc(page, bytes);
    pool->free_map = calloc((capacity + 63) / 64, sizeof(*pool->free_map));
    if (!pool->memory || !pool->free_map) {
        pool_destroy(pool);
        return false;
    }
    for (uint32_t slot = 0; slot < capacity; slot++)
        map_set(pool, slot);
    return true;
}

void pool_destroy(struct pool *pool)
{
    free(pool->memory);
    free(pool->free_map);
    pool->memory = NULL;
    pool->free_map = NULL;
}

/* First free slot in [from, to), or POOL_NONE. */
static uint32_t find_free(const struct pool *pool, uint32_t from, uint32_t to)
{
    while (from < to) {
        uint64_t word = pool->free_map[from / 64] >> (from % 64);
        if (word) {
            uint32_t slot = from + (uint32_t)__builtin_ctzll(word);
            return slot < to ? slot : POOL_NONE;
        }
        from = (from / 64 + 1) * 64;
    }
    return POOL_NONE;
}

/*
 * Next-fit keeps slots in the order of allocation. Episodes stored together then lie together,
 * and as the oldest are forgotten first, the free slots stay one run.
 */
uint32_t pool_alloc(struct pool *pool)
{
    uint32_t slot = find_free(pool, pool->cursor, pool->limit);

    if (slot == POOL_NONE)
        slot = find_free(pool, 0, pool->cursor < pool->limit ? pool->cursor : pool->limit);
    if (slot == POOL_NONE)
        return POOL_NONE;
    map_clear(pool, slot);
    pool->used++;
    pool->cursor = slot + 1;
    pool->allocations++;
    if ((uintptr_t)pool_slot(pool, slot) % POOL_ALIGNMENT == 0)
        pool->aligned_allocations++;
    return slot;
}

void pool_free(struct pool *pool, uint32_t slot)
{
    map_set(pool, slot);
    pool->used--;
}

uint32_t pool_shrink(struct pool *pool, uint32_t slots)
{
    uint32_t retired = 0;

    while (retired < slots && pool->limit > 1 && pool_is_free(pool, pool->limit - 1)) {
        pool->limit--;
        retired++;
    }
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t from = (pool->limit * pool->slot_bytes + page - 1) / page * page;
    size_t to = (pool->limit + (size_t)retired) * pool->slot_bytes / page * page;
    if (to > from)
        madvise(pool->memory + from, to - from, MADV_DONTNEED);
    return retired;
}

uint32_t pool_grow(struct pool *pool, uint32_t slots)
{
    uint32_t room = pool->capacity - pool->limit;
    uint32_t added = slots < room ? slots : room;

    pool->limit += added;
    return added;
}

struct pool_stats pool_measure(const struct pool *pool)
{
    uint32_t run = 0;
    uint32_t longest = 0;
    uint32_t available = pool->limit - pool->used;

    for (uint32_t slot = 0; slot < pool->limit && longest < available; slot++) {
        run = pool_is_free(pool, slot) ? run + 1 : 0;
        if (run > longest)
            longest = run;
    }
    return (struct pool_stats){
        .utilisation = pool->limit ? (double)pool->used / pool->limit : 0.0,
        .fragmentation = available ? 1.0 - (double)longest / available : 0.0,
        .used = pool->used,
        .limit = pool->limit,
        .capacity = pool->capacity,
        .allocations = pool->allocations,
        .aligned_allocations = pool->aligned_allocations,
    };
}
