/* SPDX-License-Identifier: MIT */
/*
 * Which bucket a value belongs to, exactly and without a logarithm.
 *
 * With n exponential buckets an octave (a factor of two; n = 2^schema of
 * Prometheus' native histograms, 1 to 32), bucket i is (2^((i-1)/n), 2^(i/n)].
 * The bits of a positive double order like the number, so `bits - 1` turns "at
 * most the bound" into "below the bound".  The exponent is the octave, and the
 * top bits of the mantissa name a piece of it on a linear scale that is small
 * enough to hold one bound at most: one comparison with a table of mantissas
 * finds the bucket.
 *
 * Eight buckets take eight pieces, of which each but the last holds a bound: the
 * piece's number is the number of the bounds before it, and nothing is to be
 * looked up but a line of the cache.  32 take 64 pieces, and a table of the
 * bounds before each.  All that are coarser consist of whole ones of the 32.
 *
 * A bound that is no double counts as its exact, irrational self.
 */
#ifndef ENGRAM_BUCKET_H
#define ENGRAM_BUCKET_H

#include <engram/abi.h>
#include <string.h>

/* The first index that is in use, and the last: the bucket that infinity would fall into is none.
 */
#define ENGRAM_FIRST_INDEX(per_octave) (-1022 * (per_octave))
#define ENGRAM_LAST_INDEX(per_octave) (1024 * (per_octave)-1)

/* The mantissa bits of 2^(k/8), k = 1..7, rounded down; the last eighth holds no bound. */
static const uint64_t engram_eighths[8] = {
    UINT64_C(0x172b83c7d517a), UINT64_C(0x306fe0a31b715),
    UINT64_C(0x4bfdad5362a27), UINT64_C(0x6a09e667f3bcc),
    UINT64_C(0x8ace5422aa0db), UINT64_C(0xae89f995ad3ad),
    UINT64_C(0xd5818dcfba487), UINT64_MAX,
};

/* Those of 2^(k/32), k = 1..31; and how many of them lie before each 64th. */
static const uint64_t engram_thirtyseconds[32] = {
    UINT64_C(0x059b0d3158574), UINT64_C(0x0b5586cf9890f),
    UINT64_C(0x11301d0125b50), UINT64_C(0x172b83c7d517a),
    UINT64_C(0x1d4873168b9aa), UINT64_C(0x2387a6e756238),
    UINT64_C(0x29e9df51fdee1), UINT64_C(0x306fe0a31b715),
    UINT64_C(0x371a7373aa9ca), UINT64_C(0x3dea64c123422),
    UINT64_C(0x44e086061892d), UINT64_C(0x4bfdad5362a27),
    UINT64_C(0x5342b569d4f81), UINT64_C(0x5ab07dd485429),
    UINT64_C(0x6247eb03a5584), UINT64_C(0x6a09e667f3bcc),
    UINT64_C(0x71f75e8ec5f73), UINT64_C(0x7a11473eb0186),
    UINT64_C(0x82589994cce12), UINT64_C(0x8ace5422aa0db),
    UINT64_C(0x93737b0cdc5e4), UINT64_C(0x9c49182a3f090),
    UINT64_C(0xa5503b23e255c), UINT64_C(0xae89f995ad3ad),
    UINT64_C(0xb7f76f2fb5e46), UINT64_C(0xc199bdd85529c),
    UINT64_C(0xcb720dcef9069), UINT64_C(0xd5818dcfba487),
    UINT64_C(0xdfc97337b9b5e), UINT64_C(0xea4afa2a490d9),
    UINT64_C(0xf50765b6e4540), UINT64_MAX,
};
static const uint8_t engram_thirtyseconds_before[64] = {
    0,  0,  1,  2,  2,  3,  4,  4,  5,  6,  6,  7,  7,  8,  9,  9,  10, 10, 11, 12, 12, 13,
    13, 14, 14, 15, 15, 16, 16, 17, 17, 18, 18, 19, 19, 20, 20, 21, 21, 21, 22, 22, 23, 23,
    24, 24, 25, 25, 25, 26, 26, 27, 27, 27, 28, 28, 29, 29, 29, 30, 30, 30, 31, 31,
};

/*
 * The i with 2^((i-1)/8) < value <= 2^(i/8), for value > 0 and finite.  For
 * subnormals, which are smaller than any bound in use, it is some i up to that
 * of the least.
 */
ENGRAM_INLINE int engram_usual_index(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    bits -= 1;
    uint64_t mantissa = bits & UINT64_C(0xfffffffffffff);
    uint32_t linear = (uint32_t)(bits >> 49);
    return (int)(linear + (mantissa >= engram_eighths[linear & 7])) - (1023 * 8 - 1);
}

/* The same with 1, 2, 4, 8, 16 or 32 buckets an octave. */
static inline int engram_exponential_index(double value, int per_octave)
{
    uint64_t bits;
    if (per_octave == ENGRAM_PER_OCTAVE)
        return engram_usual_index(value);
    memcpy(&bits, &value, sizeof bits);
    bits -= 1;
    uint64_t mantissa = bits & UINT64_C(0xfffffffffffff);
    int before = engram_thirtyseconds_before[mantissa >> 46];
    int index = (int)(bits >> 52) * 32 + before + (mantissa >= engram_thirtyseconds[before]);
    return ((index - (1023 * 32 - 1)) * per_octave + 31) >> 5;
}

/* The greatest double that is at most 2^(index/n): what bucket `index` still takes in. */
static inline double engram_exponential_bound(int index, int per_octave)
{
    int fine = index * (32 / per_octave), octave = fine >> 5;
    uint64_t bits = fine & 31 ? engram_thirtyseconds[(fine & 31) - 1] : 0;
    double bound;
    if (octave > 1023)
        bits = UINT64_C(0x7ff) << 52;
    else if (octave >= -1022)
        bits |= (uint64_t)(octave + 1023) << 52;
    else if (octave >= -1074)
        bits = (bits | UINT64_C(1) << 52) >> (-1022 - octave);
    else
        bits = 0;
    memcpy(&bound, &bits, sizeof bound);
    return bound;
}

/* The cell of a value that is in no bucket: too small, too large, or no number. */
static inline uint32_t engram_outer_cell(double value, int first, uint32_t cells, int per_octave)
{
    if (value != value)
        return cells - 1;
    if (!(value > 0))
        return 0;
    return value <= 1.7976931348623157e308 && engram_exponential_index(value, per_octave) < first
               ? 0
               : cells - 2;
}

/* The bucket of a value among the usual cells, eight an octave, that start at index `first` and end
 * at ENGRAM_LAST_INDEX or before; cells - 2 or more if it is in none.  One comparison tells: what
 * is negative, infinite or no number has an index beyond all buckets, and so has zero, less one. */
ENGRAM_INLINE uint32_t engram_bucket(double value, int first)
{
    return (uint32_t)engram_usual_index(value) - (uint32_t)first;
}

/* The cell of any value among any exponential cells. */
static inline uint32_t engram_exponential_cell(double value, int first, uint32_t cells,
                                               int per_octave)
{
    uint32_t bucket = (uint32_t)engram_exponential_index(value, per_octave) - (uint32_t)first;
    return bucket < cells - 2 ? bucket : engram_outer_cell(value, first, cells, per_octave);
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
