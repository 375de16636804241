/* SPDX-License-Identifier: MIT */
/*
 * What a region says it has memory for, held against its file.  To read a hole
 * would allocate it, on the reader's account; so nothing of a mapping is touched
 * before its file was seen to have it, and no region has more than its budget.
 */
#ifndef ENGRAM_SHMLIB_CLAIMS_H
#define ENGRAM_SHMLIB_CLAIMS_H

#include <stdbool.h>
#include <stdint.h>

#include <engram/abi.h>

struct claims;

/* For a validated header; NULL when there is no memory.  Free with free(). */
struct claims *claims_new(const struct engram_region *header);

/* Whether the table of blocks, which is read to know of claims, is there. */
bool claims_table(int fd, const struct engram_region *header);

/* Whether the copies of a slot's chunk that are not of a CPU are there. */
bool claims_chunk(struct claims *claims, int fd, const struct engram_region *header, uint32_t slot);

/* Whether a CPU's block is there; what was there once counts as known.  For any thread. */
bool claims_block(struct claims *claims, int fd, const struct engram_region *header, uint32_t chunk,
                  uint32_t cpu);
bool claims_known(const struct claims *claims, const struct engram_region *header, uint32_t chunk,
                  uint32_t cpu);

/* Whether any claim was not true, ever.  For any thread. */
bool claims_false(const struct claims *claims);

#endif
