/* SPDX-License-Identifier: MIT */
/*
 * How often everything is looked at.  Where that takes more than its share of the
 * processor, the tick is widened, and narrowed again once it does not: a guest
 * looks less often rather than take what its host needs.
 */
#ifndef ENGRAMD_PACE_H
#define ENGRAMD_PACE_H

#include <stdbool.h>
#include <stdint.h>

struct pace;

/* `tick_ms` is the tick that is wanted; `budget` is the share of one core that collectors may take;
 * serving and looking for regions are not included.  NULL when there is no memory. */
struct pace *pace_new(uint32_t tick_ms, double budget);
void pace_free(struct pace *pace);

/* The tick in force, ns.  For any thread. */
uint64_t pace_tick(const struct pace *pace);

/* Counts what the calling thread has used since it called last.  For threads that collect. */
void pace_spent(struct pace *pace);

/* Looks at what was used; by one thread, each second or more often.  False when too little time has
 * passed since the last. */
bool pace_review(struct pace *pace);

/* What the whole daemon used between the last two reviews, as a share of one core. */
double pace_ratio(const struct pace *pace);

/* The rule alone: takes note of the share that collecting used, and sets the tick by it. */
void pace_adjust(struct pace *pace, double share);

#endif
