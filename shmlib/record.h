/* SPDX-License-Identifier: MIT */
/* The validation of one descriptor, apart so that it can be fuzzed alone. */
#ifndef ENGRAM_SHMLIB_RECORD_H
#define ENGRAM_SHMLIB_RECORD_H

#include <stdbool.h>
#include <stddef.h>

#include <engram/abi.h>

/* Whether the `length` bytes at `descriptor` are a well-formed descriptor of the region whose
 * header is given.  Reads no further than `length`. */
bool descriptor_valid(const struct engram_descriptor *descriptor, size_t length,
                      const struct engram_region *header);

#endif
