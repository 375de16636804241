/* SPDX-License-Identifier: MIT */
#include "vector.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

struct kernel {
    const char *name;
    bool (*supported)(void);
    float (*dot)(const float *a, const float *b);
};

static bool supported_always(void)
{
    return true;
}

/* The reference that the other kernels are tested against. */
static float dot_scalar(const float *a, const float *b)
{
    float sum = 0.0f;

    for (size_t i = 0; i < VECTOR_DIM; i++)
        sum += a[i] * b[i];
    return sum;
}

/*
 * The SIMD kernels keep four accumulators: one alone would make every multiply-add wait for the
 * one before it. 768 is a multiple of four registers of every width, so there is no tail.
 */
#if defined(__x86_64__)

static bool supported_avx512(void)
{
    return __builtin_cpu_supports("avx512f");
}

static bool supported_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static bool supported_sse42(void)
{
    return __builtin_cpu_supports("sse4.2");
}

__attribute__((target("avx512f"))) static float dot_avx512(const float *a, const float *b)
{
    __m512 s0 = _mm512_setzero_ps();
    __m512 s1 = s0;
    __m512 s2 = s0;
    __m512 s3 = s0;

    for (size_t i = 0; i < VECTOR_DIM; i += 64) {
        s0 = _mm512_fmadd_ps(_mm512_loadu_ps(a + i), _mm512_loadu_ps(b + i), s0);
        s1 = _mm512_fmadd_ps(_mm512_loadu_ps(a + i + 16), _mm512_loadu_ps(b + i + 16), s1);
        s2 = _mm512_fmadd_ps(_mm512_loadu_ps(a + i + 32), _mm512_loadu_ps(b + i + 32), s2);
        s3 = _mm512_fmadd_ps(_mm512_loadu_ps(a + i + 48), _mm512_loadu_ps(b + i + 48), s3);
    }
    return _mm512_reduce_add_ps(_mm512_add_ps(_mm512_add_ps(s0, s1), _mm512_add_ps(s2, s3)));
}

__attribute__((target("sse4.2"))) static float sum_of_four(__m128 v)
{
    __m128 pairs = _mm_add_ps(v, _mm_movehl_ps(v, v));

    return _mm_cvtss_f32(_mm_add_ss(pairs, _mm_shuffle_ps(pairs, pairs, 1)));
}

__attribute__((target("avx2,fma"))) static float dot_avx2(const float *a, const float *b)
{
    __m256 s0 = _mm256_setzero_ps();
    __m256 s1 = s0;
    __m256 s2 = s0;
    __m256 s3 = s0;

    for (size_t i = 0; i < VECTOR_DIM; i += 32) {
        s0 = _mm256_fmadd_ps(_mm256_loadu_ps(a + i), _mm256_loadu_ps(b + i), s0);
        s1 = _mm256_fmadd_ps(_mm256_loadu_ps(a + i + 8), _mm256_loadu_ps(b + i + 8), s1);
        s2 = _mm256_fmadd_ps(_mm256_loadu_ps(a + i + 16), _mm256_loadu_ps(b + i + 16), s2);
        s3 = _mm256_fmadd_ps(_mm256_loadu_ps(a + i + 24), _mm256_loadu_ps(b + i + 24), s3);
    }
    s0 = _mm256_add_ps(_mm256_add_ps(s0, s1), _mm256_add_ps(s2, s3));
    __m128 low = _mm256_castps256_ps128(s0);
    __m128 high = _mm256_extractf128_ps(s0, 1);
    /* The callee is not VEX-encoded: leave the upper halves clean for it. */
    _mm256_zeroupper();
    return sum_of_four(_mm_add_ps(low, high));
}

__attribute__((target("sse4.2"))) static float dot_sse42(const float *a, const float *b)
{
    __m128 s0 = _mm_setzero_ps();
    __m128 s1 = s0;
    __m128 s2 = s0;
    __m128 s3 = s0;

    for (size_t i = 0; i < VECTOR_DIM; i += 16) {
        s0 = _mm_add_ps(s0, _mm_mul_ps(_mm_loadu_ps(a + i), _mm_loadu_ps(b + i)));
        s1 = _mm_add_ps(s1, _mm_mul_ps(_mm_loadu_ps(a + i + 4), _mm_loadu_ps(b + i + 4)));
        s2 = _mm_add_ps(s2, _mm_mul_ps(_mm_loadu_ps(a + i + 8), _mm_loadu_ps(b + i + 8)));
        s3 = _mm_add_ps(s3, _mm_mul_ps(_mm_loadu_ps(a + i + 12), _mm_loadu_ps(b + i + 12)));
    }
    return sum_of_four(_mm_add_ps(_mm_add_ps(s0, s1), _mm_add_ps(s2, s3)));
}

#elif defined(__aarch64__)

static float dot_neon(const float *a, const float *b)
{
    float32x4_t s0 = vdupq_n_f32(0.0f);
    float32x4_t s1 = s0;
    float32x4_t s2 = s0;
    float32x4_t s3 = s0;

    for (size_t i = 0; i < VECTOR_DIM; i += 16) {
        s0 = vfmaq_f32(s0, vld1q_f32(a + i), vld1q_f32(b + i));
        s1 = vfmaq_f32(s1, vld1q_f32(a + i + 4), vld1q_f32(b + i + 4));
        s2 = vfmaq_f32(s2, vld1q_f32(a + i + 8), vld1q_f32(b + i + 8));
        s3 = vfmaq_f32(s3, vld1q_f32(a + i + 12), vld1q_f32(b + i + 12));
    }
    return vaddvq_f32(vaddq_f32(vaddq_f32(s0, s1), vaddq_f32(s2, s3)));
}

#endif

/* Fastest first. */
static const struct kernel kernels[] = {
#if defined(__x86_64__)
    {"avx512", supported_avx512, dot_avx512},
    {"avx2", supported_avx2, dot_avx2},
    {"sse42", supported_sse42, dot_sse42},
#elif defined(__aarch64__)
    /* Advanced SIMD is part of the base architecture. */
    {"neon", supported_always, dot_neon},
#endif
    {"scalar", supported_always, dot_scalar},
};

#define KERNEL_COUNT (sizeof(kernels) / sizeof(kernels[0]))

/* NULL until the first use. Threads that race on it resolve to the same kernel. */
static const struct kernel *_Atomic selected;

static const struct kernel *kernel_current(void)
{
    const struct kernel *kernel = atomic_load_explicit(&selected, memory_order_relaxed);

    if (__builtin_expect(kernel != NULL, 1))
        return kernel;
    kernel = kernels;
    while (!kernel->supported())
        kernel++;
    atomic_store_explicit(&selected, kernel, memory_order_relaxed);
    return kernel;
}

float vector_cosine(const float *a, const float *b)
{
    return kernel_current()->dot(a, b);
}

float vector_normalise(float *v)
{
    float length = sqrtf(vector_cosine(v, v));

    if (length > 0.0f) {
        float scale = 1.0f / length;
        for (size_t i = 0; i < VECTOR_DIM; i++)
            v[i] *= scale;
    }
    return length;
}

void vector_copy(float *to, const float *from)
{
    memcpy(to, from, VECTOR_BYTES);
}

void vector_add_scaled(float *restrict out, const float *restrict v, float weight)
{
    for (size_t i = 0; i < VECTOR_DIM; i++)
        out[i] += weight * v[i];
}

const char *vector_simd_name(void)
{
    return kernel_current()->name;
}

bool vector_select(const char *name)
{
    for (size_t i = 0; i < KERNEL_COUNT; i++) {
        if (strcmp(kernels[i].name, name) == 0 && kernels[i].supported()) {
            atomic_store_explicit(&selected, &kernels[i], memory_order_relaxed);
            return true;
        }
    }
    return false;
}

const char *vector_kernel_name(size_t index)
{
    return index < KERNEL_COUNT ? kernels[index].name : NULL;
}
