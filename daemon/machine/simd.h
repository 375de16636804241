/* SPDX-License-Identifier: MIT */
/*
 * The dot product of two vectors in each instruction set that this machine's CPUs
 * may have, written so that it uses that set and no other.
 */
#ifndef ENGRAMD_SIMD_H
#define ENGRAMD_SIMD_H

#include <stdbool.h>

#define SIMD_DIMENSION 768 /* a multiple of what fits in any register twice */

struct simd_set {
    const char *name; /* as the label instruction_set has it */
    bool (*available)(void);
    /* Vectors are aligned to 64 bytes.  In which order it adds is its own affair. */
    float (*dot)(const float *a, const float *b);
};

/* All sets that there is code for, whether or not this machine has them; ends with a NULL name. */
extern const struct simd_set simd_sets[];

#endif
