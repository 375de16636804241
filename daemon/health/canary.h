/* SPDX-License-Identifier: MIT */
/*
 * simd_correctness: a dot product whose result is known, in every instruction set
 * that this machine has, on one core after the other.  Cores that compute wrongly
 * are real, and often only one of a machine does: see "Cores that don't count",
 * Hochschild et al., HotOS 2021.
 */
#ifndef ENGRAMD_CANARY_H
#define ENGRAMD_CANARY_H

#include "daemon/health/finding.h"
#include "daemon/machine/simd.h"
#include "daemon/snapshot/figures.h"

struct canary;

/* With the figures of each set that is available; `sets` are simd_sets but in tests.  NULL when
 * there is no memory. */
struct canary *canary_new(struct figures *figures, const struct simd_set *sets);
void canary_free(struct canary *canary);

/* A slow sensor's `read`, whose argument is the canary: goes to the next core that this thread may
 * run on, computes there, and comes back. */
void canary_run(void *canary);

/* A health_check, whose argument is the canary; in any thread.  A core that was wrong is so until
 * it is right when it is its turn again. */
struct finding canary_look(void *canary);

#endif
