/* SPDX-License-Identifier: MIT */
/* What is known of the instrumented processes themselves, as families. */
#ifndef ENGRAMD_PROCESSES_H
#define ENGRAMD_PROCESSES_H

#include "daemon/snapshot/plan.h"

/* The families, NULL-terminated, for plan_input.computed. */
extern const struct computed_family *const processes_families[];
#define PROCESSES_FAMILY_COUNT 1

/* Writes the current values into the computed row. */
void processes_fill(const struct plan *plan, union word *row);

#endif
