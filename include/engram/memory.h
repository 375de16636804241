/* SPDX-License-Identifier: MIT */
/*
 * Memory for a region's pages, taken before anything is written to them, so
 * that running out is an answer and never a signal.
 */
#ifndef ENGRAM_MEMORY_H
#define ENGRAM_MEMORY_H

#include <engram/headroom.h>
#include <engram/process.h>

#define ENGRAM_RETRY_NS UINT64_C(1000000000)

static inline void *engram_at(struct engram_region *region, uint64_t offset)
{
    return (char *)region + offset;
}

static inline struct engram_row *engram_row_at(struct engram_region *region, uint32_t chunk)
{
    return (struct engram_row *)engram_at(region, region->blocks_offset +
                                                      chunk * engram_row_size(region->cpus));
}

static inline uint64_t *engram_block(struct engram_region *region, uint32_t chunk, uint32_t cpu)
{
    return (uint64_t *)(void *)(engram_row_at(region, chunk) + 1) + cpu;
}

/* The region that a handle is of; NULL when it is invalid or its process has detached. */
static inline struct engram_region *engram_region_of(struct engram_slot at)
{
    if (!at.blocks)
        return NULL;
    const struct engram_row *row = (const struct engram_row *)(const void *)at.blocks - 1;
    uint64_t offset = __atomic_load_n(&row->at, __ATOMIC_RELAXED);
    return offset ? (struct engram_region *)(void *)((char *)at.blocks - offset) : NULL;
}

/* Where in each copy the slot of a handle is. */
static inline uint32_t engram_slot_offset(const struct engram_region *region, struct engram_slot at)
{
    return (uint32_t)(at.slot - (const char *)region);
}

/* A slot in the copy of a node. */
static inline uint64_t *engram_node_slot(struct engram_region *region, uint32_t node, uint32_t slot)
{
    return (uint64_t *)engram_at(region, region->nodes_offset + node * region->copy_size + slot);
}

/* The CPU and memory node that the caller runs on; the node is 0 when unknown. */
static inline void engram_where(uint32_t *cpu, uint32_t *node, const struct engram_region *region)
{
    *cpu = UINT32_MAX;
    *node = 0;
#ifdef ENGRAM_HAVE_GETCPU
    engram_libc_getcpu(cpu, node);
#else
    engram_libc_syscall(ENGRAM_SYS_getcpu, cpu, node, NULL);
#endif
    if (*node >= region->nodes)
        *node = 0;
}

/* Takes `size` bytes out of the region's budget; 0 when it is spent. */
static inline int engram_take_budget(struct engram_region *region, uint64_t size)
{
    uint64_t taken = __atomic_load_n(&region->reserved_bytes, __ATOMIC_RELAXED);
    do {
        if (taken + size > region->budget)
            return 0;
    } while (!__atomic_compare_exchange_n(&region->reserved_bytes, &taken, taken + size, 1,
                                          __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    return 1;
}

static inline void engram_return_budget(struct engram_region *region, uint64_t size)
{
    __atomic_fetch_sub(&region->reserved_bytes, size, __ATOMIC_RELAXED);
}

/* Makes pages of the mapping real; returns 0, and changes no errno, when it cannot. */
static inline int engram_populate(void *at, uint64_t size)
{
    int saved = *engram_libc_errno();
    int done =
        engram_has_headroom(size) && engram_libc_madvise(at, size, ENGRAM_MADV_POPULATE_WRITE) == 0;
    *engram_libc_errno() = saved;
    return done;
}

/* Where the kernel puts memory is right. */
#define ENGRAM_ANY_NODE UINT32_MAX

/*
 * Memory for a chunk at `at`, out of the budget and near a node if that node has
 * room; both or neither.  MPOL_BIND would kill the process on a full node.
 */
static inline int engram_take_memory(struct engram_region *region, void *at, uint32_t node)
{
    int saved = *engram_libc_errno();
    unsigned long mask = 1ul << (node % 64);
    if (!engram_take_budget(region, ENGRAM_CHUNK_SIZE))
        return 0;
    if (node != ENGRAM_ANY_NODE)
        engram_libc_syscall(ENGRAM_SYS_mbind, at, (unsigned long)ENGRAM_CHUNK_SIZE,
                            ENGRAM_MPOL_PREFERRED, &mask, 65ul, 0ul);
    *engram_libc_errno() = saved;
    if (engram_populate(at, ENGRAM_CHUNK_SIZE))
        return 1;
    engram_return_budget(region, ENGRAM_CHUNK_SIZE);
    return 0;
}

/* Gives CPU `cpu` its block of a chunk.  Idempotent: two threads may do it at once. */
static inline int engram_reserve_block(struct engram_region *region, uint32_t chunk, uint32_t cpu,
                                       uint32_t node)
{
    uint64_t now = engram_clock(ENGRAM_CLOCK_MONOTONIC_COARSE);
    if (now < __atomic_load_n(&region->refused_until, __ATOMIC_RELAXED))
        return 0;
    uint64_t copy = region->cpus_offset + (uint64_t)cpu * region->copy_size;
    void *at = engram_at(region, copy + (uint64_t)chunk * ENGRAM_CHUNK_SIZE);
    if (!engram_take_memory(region, at, node)) {
        __atomic_store_n(&region->refused_until, now + ENGRAM_RETRY_NS, __ATOMIC_RELAXED);
        return 0;
    }
    /* Pairs with the reader's acquire: a block that it sees has memory. */
    if (__atomic_exchange_n(engram_block(region, chunk, cpu), copy, __ATOMIC_RELEASE))
        engram_return_budget(region, ENGRAM_CHUNK_SIZE);
    return 1;
}

/* Memory for a new chunk's copies that are written by atomics; all of them or nothing. */
static inline int engram_reserve_chunk(struct engram_region *region, uint32_t chunk,
                                       uint32_t copies)
{
    for (uint32_t node = 0; node < copies; node++) {
        void *at = engram_node_slot(region, node, chunk << ENGRAM_CHUNK_SHIFT);
        if (!engram_take_memory(region, at, node)) {
            engram_return_budget(region, (uint64_t)node * ENGRAM_CHUNK_SIZE);
            return 0;
        }
    }
    return 1;
}

/* Starts a new chunk, `size` bytes of it taken; its first slot, or UINT32_MAX when refused. */
static inline uint32_t engram_new_chunk(struct engram_region *region, enum engram_placement where,
                                        uint64_t seen, uint32_t size)
{
    uint32_t copies = where == ENGRAM_SINGLE ? 1 : region->nodes;
    uint32_t chunk = __atomic_load_n(&region->chunks_used, __ATOMIC_ACQUIRE);
    for (;;) {
        if (chunk >= region->chunks || !engram_reserve_chunk(region, chunk, copies))
            return UINT32_MAX;
        if (__atomic_compare_exchange_n(&region->chunks_used, &chunk, chunk + 1, 0,
                                        __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
            break;
        engram_return_budget(region, (uint64_t)copies * ENGRAM_CHUNK_SIZE);
    }
    __atomic_store_n(&region->placement[chunk], (uint8_t)where, __ATOMIC_RELEASE);
    uint64_t cursor = (uint64_t)(chunk + 1) << 32 | size;
    /* Should another thread have started a chunk too, this one serves a single series. */
    __atomic_compare_exchange_n(&region->cursor[where], &seen, cursor, 0, __ATOMIC_ACQ_REL,
                                __ATOMIC_ACQUIRE);
    return chunk << ENGRAM_CHUNK_SHIFT;
}

/*
 * Slot space for a series, 64-byte aligned when it is larger than a cell;
 * UINT32_MAX when the region is full.  Lock-free; space is never given back.
 */
static inline uint32_t engram_new_slot(struct engram_region *region, enum engram_placement where,
                                       uint32_t size)
{
    uint32_t align = size > sizeof(struct engram_cell) ? 64 : 8;
    uint64_t cursor = __atomic_load_n(&region->cursor[where], __ATOMIC_ACQUIRE);
    for (;;) {
        uint32_t start = ((uint32_t)cursor + align - 1) & ~(align - 1);
        if (!cursor || start + size > ENGRAM_CHUNK_SIZE)
            break;
        uint64_t next = (cursor & ~UINT64_C(0xffffffff)) | (start + size);
        if (__atomic_compare_exchange_n(&region->cursor[where], &cursor, next, 0, __ATOMIC_ACQ_REL,
                                        __ATOMIC_ACQUIRE))
            return ((uint32_t)(cursor >> 32) - 1) << ENGRAM_CHUNK_SHIFT | start;
    }
    return engram_new_chunk(region, where, cursor, size);
}

#endif
