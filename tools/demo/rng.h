/* SPDX-License-Identifier: MIT */
/* Deterministic pseudo-random numbers: xoshiro256++, seeded through splitmix64. */
#ifndef DEMO_RNG_H
#define DEMO_RNG_H

#include <stdint.h>

struct rng {
    uint64_t s[4];
};

static inline void rng_seed(struct rng *rng, uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        seed += 0x9e3779b97f4a7c15u;
        uint64_t z = seed;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        rng->s[i] = z ^ (z >> 31);
    }
}

static inline uint64_t rng_rotate(uint64_t x, int bits)
{
    return (x << bits) | (x >> (64 - bits));
}

static inline uint64_t rng_next(struct rng *rng)
{
    uint64_t *s = rng->s;
    uint64_t result = rng_rotate(s[0] + s[3], 23) + s[0];
    uint64_t t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rng_rotate(s[3], 45);
    return result;
}

/* Uniform in [0, bound); bound is far below 2^32, so the multiply-shift bias is negligible. */
static inline uint32_t rng_below(struct rng *rng, uint32_t bound)
{
    return (uint32_t)(((rng_next(rng) >> 32) * bound) >> 32);
}

/* Uniform in [0, 1). */
static inline float rng_unit(struct rng *rng)
{
    return (float)(rng_next(rng) >> 40) * 0x1p-24f;
}

/* Approximately normal with mean 0 and variance 1: the sum of four 16-bit uniforms, scaled. */
static inline float rng_normal(struct rng *rng)
{
    uint64_t x = rng_next(rng);
    uint32_t sum = (uint32_t)(x & 0xffff) + (uint32_t)((x >> 16) & 0xffff) +
                   (uint32_t)((x >> 32) & 0xffff) + (uint32_t)(x >> 48);

    /* Four uniforms have mean 2 and variance 1/3. */
    return ((float)sum * 0x1p-16f - 2.0f) * 1.7320508f;
}

#endif
