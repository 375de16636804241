/* SPDX-License-Identifier: MIT */
/* What a series that has a row of each node stands at in a snapshot. */
#ifndef ENGRAMD_VALUES_H
#define ENGRAMD_VALUES_H

#include "daemon/snapshot/series.h"

#define VALUES_ALL_NODES UINT32_MAX

/* Of a counter, or how many values a histogram has taken in (NaN left out), on one node or all. */
double value_count(const struct series *series, const struct snapshot *snapshot, uint32_t node);

/* The sum of a histogram's values. */
double value_sum(const struct series *series, const struct snapshot *snapshot);

#endif
