/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "shmlib/claims.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

struct claims {
    uint64_t bytes; /* seen to be there */
    bool is_false;
    uint8_t chunks[ENGRAM_CHUNKS_MAX]; /* the placement that was checked */
    bool blocks[];                     /* [chunks][cpus] */
};

struct claims *claims_new(const struct engram_region *h)
{
    return calloc(1, sizeof(struct claims) + (size_t)h->chunks * h->cpus * sizeof(bool));
}

/* Where a file system knows no holes, all is there. */
static bool has_hole(int fd, uint64_t from, uint64_t size)
{
    off_t hole = lseek(fd, (off_t)from, SEEK_HOLE);
    return hole < 0 ? errno == ENXIO : (uint64_t)hole < from + size;
}

static bool check(struct claims *claims, int fd, uint64_t from, uint64_t size)
{
    uint64_t bytes = __atomic_add_fetch(&claims->bytes, size, __ATOMIC_RELAXED);
    if (bytes <= ENGRAM_BUDGET_DEFAULT && !has_hole(fd, from, size))
        return true;
    __atomic_store_n(&claims->is_false, true, __ATOMIC_RELAXED);
    return false;
}

bool claims_table(int fd, const struct engram_region *h)
{
    uint64_t size = (uint64_t)h->chunks * h->cpus * sizeof(uint64_t);
    return size <= ENGRAM_BUDGET_DEFAULT && !has_hole(fd, h->blocks_offset, size);
}

bool claims_chunk(struct claims *claims, int fd, const struct engram_region *h, uint32_t slot)
{
    uint32_t chunk = slot >> ENGRAM_CHUNK_SHIFT;
    uint8_t placement = h->placement[chunk];
    uint32_t copies = placement == ENGRAM_SINGLE ? 1 : h->nodes;
    uint64_t at = h->nodes_offset + (uint64_t)chunk * ENGRAM_CHUNK_SIZE;
    if (claims->chunks[chunk] != ENGRAM_UNUSED)
        return claims->chunks[chunk] == placement; /* it never changes */
    for (uint32_t i = 0; i < copies; i++)
        if (!check(claims, fd, at + i * h->copy_size, ENGRAM_CHUNK_SIZE))
            return false;
    claims->chunks[chunk] = placement;
    return true;
}

static bool *block(const struct claims *claims, const struct engram_region *h, uint32_t chunk,
                   uint32_t cpu)
{
    return (bool *)(uintptr_t)&claims->blocks[(size_t)chunk * h->cpus + cpu];
}

bool claims_block(struct claims *claims, int fd, const struct engram_region *h, uint32_t chunk,
                  uint32_t cpu)
{
    uint64_t at = h->cpus_offset + cpu * h->copy_size + (uint64_t)chunk * ENGRAM_CHUNK_SIZE;
    bool *known = block(claims, h, chunk, cpu);
    if (claims_false(claims))
        return false;
    /* Marked before it is checked, so that two threads count it once. */
    if (__atomic_exchange_n(known, true, __ATOMIC_RELAXED) ||
        check(claims, fd, at, ENGRAM_CHUNK_SIZE))
        return true;
    __atomic_store_n(known, false, __ATOMIC_RELAXED);
    return false;
}

bool claims_known(const struct claims *claims, const struct engram_region *h, uint32_t chunk,
                  uint32_t cpu)
{
    return __atomic_load_n(block(claims, h, chunk, cpu), __ATOMIC_RELAXED);
}

bool claims_false(const struct claims *claims)
{
    return __atomic_load_n(&claims->is_false, __ATOMIC_RELAXED);
}
