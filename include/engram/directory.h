/* SPDX-License-Identifier: MIT */
/*
 * The directory of series: chains of immutable descriptors.
 *
 * A descriptor is written whole into arena space of its own and then put at the
 * head of its chain by one compare-and-swap.  If another thread or a forked
 * child was first, only what it added is searched again, so the same series is
 * never there twice, nothing is ever locked, and whoever dies in between leaves
 * some unused bytes and nothing else.
 */
#ifndef ENGRAM_DIRECTORY_H
#define ENGRAM_DIRECTORY_H

#include <engram/draft.h>
#include <engram/memory.h>

static inline struct engram_descriptor *engram_descriptor_at(struct engram_region *region,
                                                             uint32_t offset)
{
    return (struct engram_descriptor *)engram_at(region, region->arena_offset + offset);
}

static inline const double *engram_descriptor_bounds(const struct engram_descriptor *descriptor)
{
    return (const double *)(const void *)(descriptor + 1);
}

static inline const char *engram_descriptor_text(const struct engram_descriptor *descriptor)
{
    return (const char *)(descriptor + 1) +
           sizeof(double) * ((size_t)descriptor->bounds + descriptor->shown);
}

static inline const char *engram_descriptor_labels(const struct engram_descriptor *descriptor)
{
    return engram_descriptor_text(descriptor) + descriptor->name_length + descriptor->help_length +
           descriptor->unit_length;
}

/* Two descriptors name the same series when name and labels are equal. */
static inline int engram_same_series(const struct engram_descriptor *a,
                                     const struct engram_descriptor *b)
{
    return a->hash == b->hash && a->name_length == b->name_length && a->labels == b->labels &&
           a->labels_length == b->labels_length &&
           memcmp(engram_descriptor_text(a), engram_descriptor_text(b), a->name_length) == 0 &&
           memcmp(engram_descriptor_labels(a), engram_descriptor_labels(b), a->labels_length) == 0;
}

static inline uint32_t engram_hash(const struct engram_descriptor *descriptor)
{
    uint32_t hash = 2166136261u;
    const char *name = engram_descriptor_text(descriptor);
    const char *labels = engram_descriptor_labels(descriptor);
    for (uint32_t i = 0; i < descriptor->name_length; i++)
        hash = (hash ^ (uint8_t)name[i]) * 16777619u;
    for (uint32_t i = 0; i < descriptor->labels_length; i++)
        hash = (hash ^ (uint8_t)labels[i]) * 16777619u;
    return hash;
}

/* Searches a chain from `from` until it reaches `until`; 0 when it is not there.  In a region that
 * is detached meanwhile every chain ends at once. */
static inline uint32_t engram_find(struct engram_region *region, uint32_t from, uint32_t until,
                                   const struct engram_descriptor *wanted)
{
    while (from && from != until) {
        struct engram_descriptor *here = engram_descriptor_at(region, from);
        if (engram_same_series(here, wanted))
            return from;
        from = here->next;
    }
    return 0;
}

/* Arena space with memory behind it; 0 when the arena is full or memory is refused. */
static inline uint32_t engram_new_record(struct engram_region *region, uint32_t size)
{
    uint32_t used = __atomic_load_n(&region->arena_used, __ATOMIC_RELAXED);
    do {
        uint32_t ready = __atomic_load_n(&region->arena_reserved, __ATOMIC_ACQUIRE);
        if (used + size > region->arena_size)
            return 0;
        while (used + size > ready) {
            if (!engram_take_memory(region, engram_at(region, region->arena_offset + ready),
                                    ENGRAM_ANY_NODE))
                return 0;
            if (__atomic_compare_exchange_n(&region->arena_reserved, &ready,
                                            ready + ENGRAM_CHUNK_SIZE, 0, __ATOMIC_ACQ_REL,
                                            __ATOMIC_ACQUIRE))
                ready += ENGRAM_CHUNK_SIZE;
            else
                engram_return_budget(region, ENGRAM_CHUNK_SIZE);
        }
    } while (!__atomic_compare_exchange_n(&region->arena_used, &used, used + size, 0,
                                          __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
    return used;
}

/* Bytes that a series takes in each copy of its slot space. */
static inline uint32_t engram_slot_size(const struct engram_descriptor *descriptor)
{
    if (descriptor->kind == ENGRAM_HISTOGRAM)
        return descriptor->cells * (uint32_t)sizeof(struct engram_cell);
    return descriptor->kind == ENGRAM_EVENT ? (uint32_t)sizeof(struct engram_ring) : 8;
}

/* The ring that all event kinds share; made by the first of them. */
static inline uint32_t engram_ring_slot(struct engram_region *region)
{
    uint32_t ring = __atomic_load_n(&region->ring, __ATOMIC_ACQUIRE);
    if (ring)
        return ring - 1;
    uint32_t slot = engram_new_slot(region, ENGRAM_PER_CPU, sizeof(struct engram_ring));
    if (slot == UINT32_MAX)
        return slot;
    if (__atomic_compare_exchange_n(&region->ring, &ring, slot + 1, 0, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE))
        return slot;
    return ring - 1;
}

/* Finds the draft's slot space and marks a gauge as not set yet. */
static inline int engram_place(struct engram_region *region, struct engram_descriptor *draft)
{
    enum engram_placement where = (enum engram_placement)draft->placement;
    draft->slot = draft->kind == ENGRAM_EVENT
                      ? engram_ring_slot(region)
                      : engram_new_slot(region, where, engram_slot_size(draft));
    if (draft->slot == UINT32_MAX)
        return 0;
    if (draft->kind == ENGRAM_GAUGE) {
        uint64_t *slot = engram_node_slot(region, 0, draft->slot);
        __atomic_store_n(slot, ENGRAM_GAUGE_UNSET, __ATOMIC_RELAXED);
    }
    return 1;
}

/* Puts the draft into the directory unless its series is there; returns where it is, or 0. */
static inline uint32_t engram_publish(struct engram_region *region, struct engram_descriptor *draft)
{
    uint32_t *head =
        (uint32_t *)engram_at(region, region->heads_offset) + draft->hash % region->heads;
    uint32_t first = __atomic_load_n(head, __ATOMIC_ACQUIRE);
    uint32_t found = engram_find(region, first, 0, draft);
    if (found)
        return found;
    uint32_t mine = engram_new_record(region, draft->size);
    if (!mine || !engram_place(region, draft))
        return 0;
    struct engram_descriptor *record = engram_descriptor_at(region, mine);
    memcpy(record, draft, draft->size);
    for (;;) {
        uint32_t searched = first;
        record->next = first;
        /* Pairs with the acquire above and in readers: what a head reaches is whole. */
        if (__atomic_compare_exchange_n(head, &first, mine, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
            break;
        found = engram_find(region, first, searched, draft);
        if (found)
            return found;
    }
    __atomic_fetch_add(&region->published, 1, __ATOMIC_RELEASE);
    return mine;
}

#endif
