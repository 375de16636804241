/* SPDX-License-Identifier: MIT */
#include "daemon/machine/simd.h"

#include <stddef.h>

static bool always(void)
{
    return true;
}

/* One element after the other, as no compiler is told that floats may be reordered. */
static float dot_scalar(const float *a, const float *b)
{
    float sum = 0;
    for (size_t i = 0; i < SIMD_DIMENSION; i++)
        sum += a[i] * b[i];
    return sum;
}

#if defined(__x86_64__)
#include <immintrin.h>

#define FOR(set) __attribute__((target(set)))

static float add_up(const float *lanes, size_t count)
{
    float sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += lanes[i];
    return sum;
}

static bool has_avx(void)
{
    return __builtin_cpu_supports("avx");
}

static bool has_fma(void)
{
    return __builtin_cpu_supports("fma");
}

static bool has_avx512f(void)
{
    return __builtin_cpu_supports("avx512f");
}

static float dot_sse2(const float *a, const float *b)
{
    float lanes[4];
    __m128 sum = _mm_setzero_ps();
    for (size_t i = 0; i < SIMD_DIMENSION; i += 4)
        sum = _mm_add_ps(sum, _mm_mul_ps(_mm_load_ps(a + i), _mm_load_ps(b + i)));
    _mm_storeu_ps(lanes, sum);
    return add_up(lanes, 4);
}

FOR("avx") static float dot_avx(const float *a, const float *b)
{
    float lanes[8];
    __m256 sum = _mm256_setzero_ps();
    for (size_t i = 0; i < SIMD_DIMENSION; i += 8)
        sum = _mm256_add_ps(sum, _mm256_mul_ps(_mm256_load_ps(a + i), _mm256_load_ps(b + i)));
    _mm256_storeu_ps(lanes, sum);
    return add_up(lanes, 8);
}

FOR("avx,fma") static float dot_fma(const float *a, const float *b)
{
    float lanes[8];
    __m256 sum = _mm256_setzero_ps();
    for (size_t i = 0; i < SIMD_DIMENSION; i += 8)
        sum = _mm256_fmadd_ps(_mm256_load_ps(a + i), _mm256_load_ps(b + i), sum);
    _mm256_storeu_ps(lanes, sum);
    return add_up(lanes, 8);
}

FOR("avx512f") static float dot_avx512f(const float *a, const float *b)
{
    float lanes[16];
    __m512 sum = _mm512_setzero_ps();
    for (size_t i = 0; i < SIMD_DIMENSION; i += 16)
        sum = _mm512_fmadd_ps(_mm512_load_ps(a + i), _mm512_load_ps(b + i), sum);
    _mm512_storeu_ps(lanes, sum);
    return add_up(lanes, 16);
}

#define SETS                                                                                       \
    {"sse2", always, dot_sse2}, {"avx", has_avx, dot_avx}, {"fma", has_fma, dot_fma},              \
        {"avx512f", has_avx512f, dot_avx512f},

#elif defined(__aarch64__)
#include <arm_neon.h>

static float dot_neon(const float *a, const float *b)
{
    float32x4_t sum = vdupq_n_f32(0);
    for (size_t i = 0; i < SIMD_DIMENSION; i += 4)
        sum = vfmaq_f32(sum, vld1q_f32(a + i), vld1q_f32(b + i));
    return vaddvq_f32(sum);
}

#define SETS {"neon", always, dot_neon},

#else
#define SETS
#endif

const struct simd_set simd_sets[] = {{"scalar", always, dot_scalar}, SETS{NULL, NULL, NULL}};
