/* SPDX-License-Identifier: MIT */
/* Memory that is freed all at once, with what it was made for. */
#ifndef ENGRAMD_ARENA_H
#define ENGRAMD_ARENA_H

#include <stddef.h>

struct arena {
    struct arena_block *blocks;
    size_t size; /* of all blocks, in bytes */
};

/* Zeroed and aligned for any type; NULL when there is no memory. */
void *arena_take(struct arena *arena, size_t count, size_t size);

/* A terminated copy of a string that need not be terminated; strings taken one after the other lie
 * so, without gaps but from block to block. */
char *arena_string(struct arena *arena, const char *text, size_t length);

void arena_free(struct arena *arena);

#endif
