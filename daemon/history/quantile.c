/* SPDX-License-Identifier: MIT */
#include "daemon/history/quantile.h"

#include <engram/bucket.h>
#include <math.h>

/* Cells but for the one that counts NaN. */
static uint32_t buckets(const struct histogram_shape *shape)
{
    return shape->cells - 1;
}

double bucket_upper(const struct histogram_shape *shape, uint32_t cell)
{
    if (cell + 1 == buckets(shape))
        return INFINITY;
    return shape->bounds ? shape->bounds[cell]
                         : engram_exponential_bound(shape->first + (int)cell, shape->per_octave);
}

double bucket_lower(const struct histogram_shape *shape, uint32_t cell)
{
    if (cell > 0)
        return bucket_upper(shape, cell - 1);
    /* Without a lower end; but where all bounds are positive, so are values, as a rule. */
    return bucket_upper(shape, 0) > 0 ? 0 : -INFINITY;
}

uint64_t cells_count(const struct histogram_shape *shape, const uint64_t *cells)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < buckets(shape); i++)
        count += cells[i];
    return count;
}

static double within(const struct histogram_shape *shape, uint32_t cell, double share)
{
    double lower = bucket_lower(shape, cell), upper = bucket_upper(shape, cell);
    if (isinf(lower) || isinf(upper))
        return isinf(lower) ? upper : lower;
    return lower + share * (upper - lower);
}

double cells_quantile(const struct histogram_shape *shape, const uint64_t *cells, double q)
{
    double rank = q * (double)cells_count(shape, cells), below = 0;
    for (uint32_t i = 0; i < buckets(shape); i++) {
        double here = (double)cells[i];
        if (here > 0 && below + here >= rank)
            return within(shape, i, (rank - below) / here);
        below += here;
    }
    return NAN;
}

double cells_least(const struct histogram_shape *shape, const uint64_t *cells)
{
    for (uint32_t i = 0; i < buckets(shape); i++)
        if (cells[i])
            return bucket_lower(shape, i);
    return NAN;
}

double cells_most(const struct histogram_shape *shape, const uint64_t *cells)
{
    for (uint32_t i = buckets(shape); i > 0; i--)
        if (cells[i - 1])
            return bucket_upper(shape, i - 1);
    return NAN;
}
