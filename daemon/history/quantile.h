/* SPDX-License-Identifier: MIT */
/*
 * What the counts of a histogram's cells say of the values that were counted.
 *
 * A value is known to lie in its bucket and no better: a quantile is estimated by
 * as much as a bucket is wide, and the least and the greatest value are bounds.
 */
#ifndef ENGRAMD_QUANTILE_H
#define ENGRAMD_QUANTILE_H

#include "daemon/snapshot/series.h"

/* The ends of a bucket: values in it are greater than its lower end and at most its upper one.
 * Exponential buckets are taken to start at 0; otherwise an end may be infinite. */
double bucket_lower(const struct histogram_shape *shape, uint32_t cell);
double bucket_upper(const struct histogram_shape *shape, uint32_t cell);

/* How many values were counted, NaN not among them. */
uint64_t cells_count(const struct histogram_shape *shape, const uint64_t *cells);

/* The value that a share of `q` of the values does not exceed, linear within its bucket; of one
 * without an end, its other end.  NAN when nothing was counted. */
double cells_quantile(const struct histogram_shape *shape, const uint64_t *cells, double q);

/* No value is less, none is greater; NAN when nothing was counted. */
double cells_least(const struct histogram_shape *shape, const uint64_t *cells);
double cells_most(const struct histogram_shape *shape, const uint64_t *cells);

#endif
