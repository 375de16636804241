/* SPDX-License-Identifier: MIT */
#include "daemon/base/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_SIZE ((size_t)64 << 10)

struct arena_block {
    struct arena_block *next;
    size_t used, size;
    max_align_t data[];
};

static struct arena_block *block_new(struct arena *arena, size_t least)
{
    size_t size = least > BLOCK_SIZE ? least : BLOCK_SIZE;
    struct arena_block *block = calloc(1, sizeof *block + size);
    if (!block)
        return NULL;
    block->size = size;
    block->next = arena->blocks;
    arena->blocks = block;
    arena->size += size;
    return block;
}

/* From the block that is begun, or a new one; `unit` is a power of two. */
static void *take(struct arena *arena, size_t need, size_t unit)
{
    struct arena_block *block = arena->blocks;
    size_t from = block ? (block->used + unit - 1) & ~(unit - 1) : 0;
    if (!block || from > block->size || block->size - from < need) {
        block = block_new(arena, need);
        from = 0;
    }
    if (!block)
        return NULL;
    block->used = from + need;
    return (char *)block->data + from;
}

void *arena_take(struct arena *arena, size_t count, size_t size)
{
    if (size && count > (SIZE_MAX / 2) / size)
        return NULL;
    return take(arena, count * size, sizeof(max_align_t));
}

char *arena_string(struct arena *arena, const char *text, size_t length)
{
    char *copy = take(arena, length + 1, 1);
    if (copy)
        memcpy(copy, text, length);
    return copy;
}

void arena_free(struct arena *arena)
{
    while (arena->blocks) {
        struct arena_block *next = arena->blocks->next;
        free(arena->blocks);
        arena->blocks = next;
    }
    arena->size = 0;
}
