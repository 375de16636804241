/* SPDX-License-Identifier: MIT */
/* What the wall clock shows. */
#ifndef ENGRAMD_WALL_H
#define ENGRAMD_WALL_H

#include <stdint.h>

/* For an instant of CLOCK_MONOTONIC, ns, as the clock stands now: Unix time in ms. */
double wall_ms(uint64_t monotonic);

#endif
