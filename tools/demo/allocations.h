/* SPDX-License-Identifier: MIT */
/* How many heap allocations the calling thread has made; always 0 under a sanitizer, which brings
 * an allocator of its own. */
#ifndef DEMO_ALLOCATIONS_H
#define DEMO_ALLOCATIONS_H

#include <stdint.h>

uint64_t allocations_made(void);

#endif
