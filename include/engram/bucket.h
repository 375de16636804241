/* SPDX-License-Identifier: MIT */
/*
 * Which bucket a value belongs to, exactly and without a logarithm.
 *
 * Exponential buckets grow by 2^(1/8) (schema 3 of Prometheus native
 * histograms) and are closed above: bucket i is (2^((i-1)/8), 2^(i/8)].  The
 * bits of a positive double order like the number, so `bits - 1` turns "at most
 * the bound" into "below the bound"; exponent and the three top bits of the
 * mantissa then name an eighth of the octave on a linear scale, and since no
 * linear eighth holds more than one of the bounds 2^(k/8), one comparison with
 * a table of eight mantissas finds the bucket.
 */
#ifndef ENGRAM_BUCKET_H
#define ENGRAM_BUCKET_H

#include <engram/abi.h>
#include <string.h>

#define ENGRAM_SUBNORMAL_INDEX (-1022 * 8)
/* The bucket that infinity would fall into is none. */
#define ENGRAM_LAST_INDEX (1024 * 8 - 1)

/* The mantissa bits of 2^(k/8), k = 1..7, rounded down; the last eighth holds no bound. */
static const uint64_t engram_eighths[8] = {
    UINT64_C(0x172b83c7d517a), UINT64_C(0x306fe0a31b715),
    UINT64_C(0x4bfdad5362a27), UINT64_C(0x6a09e667f3bcc),
    UINT64_C(0x8ace5422aa0db), UINT64_C(0xae89f995ad3ad),
    UINT64_C(0xd5818dcfba487), UINT64_MAX,
};

/*
 * The i with 2^((i-1)/8) < value <= 2^(i/8), for value > 0 and finite.  A bound
 * that is no double counts as its exact, irrational self.  For subnormals, which
 * are smaller than any bound in use, it is some i up to ENGRAM_SUBNORMAL_INDEX.
 */
ENGRAM_INLINE int engram_exponential_index(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    bits -= 1;
    uint64_t mantissa = bits & UINT64_C(0xfffffffffffff);
    uint32_t linear = (uint32_t)(bits >> 49);
    return (int)(linear + (mantissa >= engram_eighths[linear & 7])) - (1023 * 8 - 1);
}

/* The cell of a value that is in no bucket: too small, too large, or no number. */
static inline uint32_t engram_outer_cell(double value, int first, uint32_t cells)
{
    if (value != value)
        return cells - 1;
    if (!(value > 0))
        return 0;
    return value <= 1.7976931348623157e308 && engram_exponential_index(value) < first ? 0
                                                                                      : cells - 2;
}

/* The bucket of a value among exponential cells that start at index `first` and end below
 * ENGRAM_LAST_INDEX; cells - 2 or more if it is in none.  One comparison tells: what is negative,
 * infinite or no number has an index beyond all buckets, and so has zero, less one. */
ENGRAM_INLINE uint32_t engram_bucket(double value, int first)
{
    return (uint32_t)engram_exponential_index(value) - (uint32_t)first;
}

/* The cell of any value among exponential cells. */
static inline uint32_t engram_exponential_cell(double value, int first, uint32_t cells)
{
    uint32_t bucket = engram_bucket(value, first);
    return bucket < cells - 2 ? bucket : engram_outer_cell(value, first, cells);
}

typedef double engram_two_doubles __attribute__((vector_size(16)));
typedef int64_t engram_two_integers __attribute__((vector_size(16)));

/* The cell of a value among explicit bounds, ascending and inclusive: how many of them it is above.
 * Without a branch, for no predictor learns values; a comparison of vectors is -1 where it holds.
 */
static inline uint32_t engram_explicit_cell(double value, const double *bounds, uint32_t count)
{
    if (value != value)
        return count + 1;
    const engram_two_doubles values = {value, value};
    engram_two_integers above = {0, 0};
    for (uint32_t i = 0; i + 1 < count; i += 2) {
        engram_two_doubles two;
        memcpy(&two, &bounds[i], sizeof two);
        above += values > two;
    }
    return (uint32_t)(count % 2 && value > bounds[count - 1]) - (uint32_t)(above[0] + above[1]);
}

#endif
