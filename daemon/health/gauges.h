/* SPDX-License-Identifier: MIT */
/* What processes say of themselves by gauges, for checks. */
#ifndef ENGRAMD_GAUGES_H
#define ENGRAMD_GAUGES_H

#include <engram/catalogue.h>

#include "daemon/snapshot/snapshot.h"

/* The value of a series; NAN if it is not set. */
double gauge_value(const struct snapshot *snapshot, const struct series *series);

/* The gauge of a family with these labels; NAN if there is none. */
double gauge_named(const struct snapshot *snapshot, enum engram_family family, const char *labels);

/* The series of a family, `count` of them; NULL if there are none. */
const struct series *gauges_of(const struct snapshot *snapshot, enum engram_family family,
                               uint32_t *count);

#endif
