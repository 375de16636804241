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

#include <stdint.h>
#include <string.h>

#define ENGRAM_SUBNORMAL_INDEX (-1022 * 8)

/* The mantissa bits of 2^(k/8), k = 1..7, rounded down; the last eighth holds no bound. */
static const uint64_t engram_eighths[8] = {
    UINT64_C(0x172b83c7d517a), UINT64_C(0x306fe0a31b715),
    UINT64_C(0x4bfdad5362a27), UINT64_C(0x6a09e667f3bcc),
    UINT64_C(0x8ace5422aa0db), UINT64_C(0xae89f995ad3ad),
    UINT64_C(0xd5818dcfba487), UINT64_MAX,
};

/*
 * The i with 2^((i-1)/8) < value <= 2^(i/8), for value > 0 and finite.  A bound
 * that is no double counts as its exact, irrational self.  Subnormals, which
 * are smaller than any bound in use, all get one index.
 */
static inline int engram_exponential_index(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    bits -= 1;
    int octave = (int)(bits >> 52) - 1023;
    if (octave < -1022)
        return ENGRAM_SUBNORMAL_INDEX;
    uint64_t mantissa = bits & UINT64_C(0xfffffffffffff);
    unsigned linear = (unsigned)(mantissa >> 49);
    return octave * 8 + 1 + (int)linear + (mantissa >= engram_eighths[linear]);
}

/* The cell of a value among exponential cells that start at index `first`. */
static inline uint32_t engram_exponential_cell(double value, int first, uint32_t cells)
{
    if (!(value > 0))
        return value != value ? cells - 1 : 0;
    if (value > 1.7976931348623157e308)
        return cells - 2;
    int64_t cell = (int64_t)engram_exponential_index(value) - first;
    if (cell < 0)
        return 0;
    return cell < (int64_t)cells - 2 ? (uint32_t)cell : cells - 2;
}

/* The cell of a value among explicit bounds, ascending and inclusive. */
static inline uint32_t engram_explicit_cell(double value, const double *bounds, uint32_t count)
{
    if (value != value)
        return count + 1;
    uint32_t cell = 0;
    for (uint32_t i = 0; i < count; i++)
        cell += value > bounds[i];
    return cell;
}

#endif
