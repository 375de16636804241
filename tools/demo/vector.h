/* SPDX-License-Identifier: MIT */
/* 768-dimension vectors. They are stored normalised, so the cosine is a dot product. */
#ifndef DEMO_VECTOR_H
#define DEMO_VECTOR_H

#include <stdbool.h>
#include <stddef.h>

#define VECTOR_DIM 768
#define VECTOR_BYTES (VECTOR_DIM * sizeof(float))
#define VECTOR_ALIGNED _Alignas(64)

/* Cosine similarity of two normalised vectors, by the fastest kernel that this CPU has. */
float vector_cosine(const float *a, const float *b);

/* Scales v to unit length and returns its former length; a zero vector stays zero. */
float vector_normalise(float *v);

void vector_copy(float *to, const float *from);

/* out += weight * v */
void vector_add_scaled(float *restrict out, const float *restrict v, float weight);

/* Name of the kernel in use: "avx512", "avx2", "sse42", "neon" or "scalar". */
const char *vector_simd_name(void);

/* Switches every later call to the kernel of that name; false if this CPU does not have it. */
bool vector_select(const char *name);

/* Name of the index-th kernel built in, fastest first; NULL past the last. */
const char *vector_kernel_name(size_t index);

#endif
