/* SPDX-License-Identifier: MIT */
/* The validation of one descriptor, apart so that it can be fuzzed alone. */
#ifndef ENGRAM_SHMLIB_RECORD_H
#define ENGRAM_SHMLIB_RECORD_H

#include <stdbool.h>
#include <stddef.h>

#include <engram/abi.h>

/* Whether a process name can stand in a label and in a file's name. */
bool process_name_valid(const char *name, size_t length);

/* Whether the `length` bytes at `descriptor` are a well-formed descriptor, wherever its slot may
 * be.  Reads no further than `length`. */
bool descriptor_valid(const struct engram_descriptor *descriptor, size_t length);

/* Whether its slot lies in a chunk of the region whose header is given, and in a fitting one. */
bool descriptor_placed(const struct engram_descriptor *descriptor,
                       const struct engram_region *header);

/* Whether neither has another unit than the other; who names none has no other one. */
bool descriptor_same_unit(const struct engram_descriptor *a, const struct engram_descriptor *b);

/* Whether values of the two may be added: the same kind and unit and, for histograms, the same
 * cells and bounds. */
bool descriptor_same_shape(const struct engram_descriptor *a, const struct engram_descriptor *b);

/* Orders descriptors by name and labels; 0: they are of one series. */
int descriptor_compare(const struct engram_descriptor *a, const struct engram_descriptor *b);

#endif
