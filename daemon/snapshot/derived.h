/* SPDX-License-Identifier: MIT */
/*
 * Families that the daemon derives from recorded ones over a window of a minute:
 * ratios and percents of two counters, means of histograms, rates.  They go down
 * as well as up, and are absent while nothing happened in the window.
 */
#ifndef ENGRAMD_DERIVED_H
#define ENGRAMD_DERIVED_H

#include "daemon/snapshot/plan.h"

struct derived;

struct derived *derived_new(void); /* NULL when there is no memory */
void derived_free(struct derived *derived);

/* The families, NULL-terminated, for plan_input.computed. */
const struct computed_family *const *derived_families(void);
uint32_t derived_family_count(void);

/* Takes in the snapshot and writes the current values into the computed row. */
void derived_fill(struct derived *derived, const struct plan *plan, const struct snapshot *snapshot,
                  union word *row);

#endif
