/* SPDX-License-Identifier: MIT */
/* Tells the feed which processes came and went from one plan to the next. */
#ifndef ENGRAMD_ANNOUNCE_H
#define ENGRAMD_ANNOUNCE_H

#include "daemon/feed.h"
#include "daemon/plan.h"

/* `before` is NULL the first time.  Of one region each is told once: that it is there, alive, and
 * that it is not any more. */
void announce(struct feed *feed, const struct plan *before, const struct plan *now);

#endif
