/* SPDX-License-Identifier: MIT */
/* Tells the feed which processes came and went from one plan to the next. */
#ifndef ENGRAMD_ANNOUNCE_H
#define ENGRAMD_ANNOUNCE_H

#include "daemon/collect/drain.h"

/*
 * `before` is NULL the first time.  Of one region each is told once: that it is
 * there, and that it has ended, or is not served any more; who was found ended has
 * both told.  Before its end, all that it had left in its rings is.
 */
void announce(const struct drain *drain, const struct plan *before, const struct plan *now);

#endif
