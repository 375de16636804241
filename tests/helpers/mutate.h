/* SPDX-License-Identifier: MIT */
/*
 * A good region as an image in memory, and changes of it that know what they
 * change: fields of the header and of descriptors, chains, blocks, values.
 */
#ifndef ENGRAM_TESTS_MUTATE_H
#define ENGRAM_TESTS_MUTATE_H

#include <engram/engram.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define EXTENTS_MOST 64
#define DESCRIPTORS_MOST 256

/* A part of the file; the rest of it are holes. */
struct extent {
    uint64_t at, size;
};

struct image {
    char *bytes; /* as large as the file; what no extent covers is never touched */
    const char *original;
    struct extent extents[EXTENTS_MOST];
    int count;
    uint32_t descriptors[DESCRIPTORS_MOST]; /* in the arena */
    int descriptor_count;
};

static uint64_t mutate_state;

/* splitmix64: a seed gives the same run again. */
static inline uint64_t mutate_random(uint64_t below)
{
    uint64_t z = mutate_state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (z ^ z >> 31) % below;
}

static inline struct engram_region *image_header(struct image *image)
{
    return (struct engram_region *)(void *)image->bytes;
}

/* Where things are, whatever the image says by now. */
static inline const struct engram_region *image_origin(const struct image *image)
{
    return (const struct engram_region *)(const void *)image->original;
}

static inline void image_restore(struct image *image)
{
    for (int i = 0; i < image->count; i++)
        memcpy(image->bytes + image->extents[i].at, image->original + image->extents[i].at,
               image->extents[i].size);
}

static inline void image_find_descriptors(struct image *image)
{
    struct engram_region *region = image_header(image);
    const uint32_t *heads = engram_at(region, region->heads_offset);
    for (uint32_t i = 0; i < ENGRAM_HEADS; i++)
        for (uint32_t at = heads[i]; at && image->descriptor_count < DESCRIPTORS_MOST;
             at = engram_descriptor_at(region, at)->next)
            image->descriptors[image->descriptor_count++] = at;
}

/* Takes the image of a region's file, which this process maps as `region`; false without memory. */
static inline bool image_take(struct image *image, int fd, const struct engram_region *region)
{
    memset(image, 0, sizeof *image);
    image->bytes = mmap(NULL, region->size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    image->original = (const char *)region;
    if (image->bytes == MAP_FAILED)
        return false;
    off_t end = 0, at;
    while (image->count < EXTENTS_MOST && (at = lseek(fd, end, SEEK_DATA)) >= 0) {
        end = lseek(fd, at, SEEK_HOLE);
        image->extents[image->count++] = (struct extent){(uint64_t)at, (uint64_t)(end - at)};
    }
    image_restore(image);
    image_find_descriptors(image);
    return true;
}

/* Another value for a field: near the old one, at a limit, or anything. */
static inline uint64_t mutate_value(uint64_t old)
{
    switch (mutate_random(8)) {
    case 0:
        return 0;
    case 1:
        return UINT64_MAX;
    case 2:
        return old ^ UINT64_C(1) << mutate_random(64);
    case 3:
        return old + mutate_random(17) - 8;
    case 4:
        return UINT64_C(1) << mutate_random(64);
    case 5:
        return (UINT64_C(1) << mutate_random(64)) - 1;
    case 6:
        return mutate_random(64) * ENGRAM_PAGE;
    default:
        return mutate_random(UINT64_MAX);
    }
}

static inline struct extent mutate_field(struct image *image, uint64_t at, uint64_t size)
{
    uint64_t value = 0;
    memcpy(&value, image->bytes + at, size);
    value = mutate_value(value);
    memcpy(image->bytes + at, &value, size);
    return (struct extent){at, size};
}

#define FIELD(type, name) offsetof(struct type, name), sizeof(((struct type *)0)->name)

static inline struct extent mutate_header(struct image *image)
{
    static const uint16_t fields[][2] = {{FIELD(engram_region, magic)},
                                         {FIELD(engram_region, major)},
                                         {FIELD(engram_region, minor)},
                                         {FIELD(engram_region, endian)},
                                         {FIELD(engram_region, size)},
                                         {FIELD(engram_region, cpus)},
                                         {FIELD(engram_region, nodes)},
                                         {FIELD(engram_region, chunks)},
                                         {FIELD(engram_region, heads)},
                                         {FIELD(engram_region, heads_offset)},
                                         {FIELD(engram_region, blocks_offset)},
                                         {FIELD(engram_region, on)},
                                         {FIELD(engram_region, arena_offset)},
                                         {FIELD(engram_region, arena_size)},
                                         {FIELD(engram_region, nodes_offset)},
                                         {FIELD(engram_region, cpus_offset)},
                                         {FIELD(engram_region, copy_size)},
                                         {FIELD(engram_region, budget)},
                                         {FIELD(engram_region, boot_id[3])},
                                         {FIELD(engram_region, pid_namespace)},
                                         {FIELD(engram_region, start_time)},
                                         {FIELD(engram_region, born)},
                                         {FIELD(engram_region, pid)},
                                         {FIELD(engram_region, process_length)},
                                         {FIELD(engram_region, process[2])},
                                         {FIELD(engram_region, cursor[3])},
                                         {FIELD(engram_region, reserved_bytes)},
                                         {FIELD(engram_region, arena_used)},
                                         {FIELD(engram_region, chunks_used)},
                                         {FIELD(engram_region, published)},
                                         {FIELD(engram_region, ring)},
                                         {FIELD(engram_region, placement[0])},
                                         {FIELD(engram_region, placement[1])}};
    const uint16_t *field = fields[mutate_random(sizeof fields / sizeof fields[0])];
    return mutate_field(image, field[0], field[1]);
}

/* A layout that is right in itself, over a file that is laid out otherwise. */
static inline struct extent mutate_layout(struct image *image)
{
    engram_lay_out(image_header(image), (uint32_t)mutate_random(ENGRAM_CPUS_MAX + 2),
                   (uint32_t)mutate_random(ENGRAM_NODES_MAX + 2));
    return (struct extent){0, sizeof(struct engram_region)};
}

static inline uint64_t any_descriptor(const struct image *image)
{
    return image->descriptors[mutate_random((uint64_t)image->descriptor_count)];
}

/* A head that leads to another descriptor, to one's middle, or to anywhere. */
static inline struct extent mutate_head(struct image *image)
{
    uint64_t at =
        image_origin(image)->heads_offset + mutate_random(ENGRAM_HEADS) * sizeof(uint32_t);
    uint32_t head = (uint32_t)(any_descriptor(image) + (mutate_random(4) ? 0 : 8));
    if (mutate_random(4) == 0)
        return mutate_field(image, at, sizeof(uint32_t));
    memcpy(image->bytes + at, &head, sizeof head);
    return (struct extent){at, sizeof head};
}

static inline struct extent mutate_block(struct image *image)
{
    const struct engram_region *region = image_origin(image);
    uint64_t words = region->chunks * engram_row_size(region->cpus) / sizeof(uint64_t);
    return mutate_field(image, region->blocks_offset + mutate_random(words) * sizeof(uint64_t),
                        sizeof(uint64_t));
}

static inline struct extent mutate_descriptor(struct image *image)
{
    static const uint16_t fields[][2] = {
        {FIELD(engram_descriptor, next)},          {FIELD(engram_descriptor, size)},
        {FIELD(engram_descriptor, hash)},          {FIELD(engram_descriptor, slot)},
        {FIELD(engram_descriptor, cells)},         {FIELD(engram_descriptor, first)},
        {FIELD(engram_descriptor, kind)},          {FIELD(engram_descriptor, placement)},
        {FIELD(engram_descriptor, merge)},         {FIELD(engram_descriptor, flags)},
        {FIELD(engram_descriptor, bounds)},        {FIELD(engram_descriptor, shown)},
        {FIELD(engram_descriptor, name_length)},   {FIELD(engram_descriptor, help_length)},
        {FIELD(engram_descriptor, unit_length)},   {FIELD(engram_descriptor, labels)},
        {FIELD(engram_descriptor, labels_length)}, {FIELD(engram_descriptor, per_octave)}};
    const uint16_t *field = fields[mutate_random(sizeof fields / sizeof fields[0])];
    uint64_t at = image_origin(image)->arena_offset + any_descriptor(image);
    return mutate_field(image, at + field[0], field[1]);
}

/* A chain that runs in a circle or into another. */
static inline struct extent mutate_chain(struct image *image)
{
    uint32_t next = (uint32_t)any_descriptor(image);
    uint64_t at = image_origin(image)->arena_offset + any_descriptor(image) +
                  offsetof(struct engram_descriptor, next);
    memcpy(image->bytes + at, &next, sizeof next);
    return (struct extent){at, sizeof next};
}

/* Bounds and texts. */
static inline struct extent mutate_text(struct image *image)
{
    uint64_t at = image_origin(image)->arena_offset + any_descriptor(image) +
                  sizeof(struct engram_descriptor) + mutate_random(200);
    return mutate_field(image, at, 1 + mutate_random(8));
}

/* Anything in the file: values, rings, what is unused. */
static inline struct extent mutate_anything(struct image *image)
{
    const struct extent *extent = &image->extents[mutate_random((uint64_t)image->count)];
    return mutate_field(image, extent->at + 8 * mutate_random(extent->size / 8), 8);
}

/* Changes the image and returns what was changed. */
static inline struct extent mutate(struct image *image)
{
    static struct extent (*const ways[])(struct image *) = {
        mutate_header,   mutate_header,   mutate_layout,     mutate_head,
        mutate_block,    mutate_chain,    mutate_text,       mutate_text,
        mutate_anything, mutate_anything, mutate_descriptor, mutate_descriptor};
    return ways[mutate_random(sizeof ways / sizeof ways[0])](image);
}

#endif
