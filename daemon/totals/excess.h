/* SPDX-License-Identifier: MIT */
/* What is too much to be kept of ended processes, however many of them come and go. */
#ifndef ENGRAMD_EXCESS_H
#define ENGRAMD_EXCESS_H

#include "daemon/totals/totals.h"

/*
 * Drops series that are new and beyond `limit` for their process, or beyond what
 * the owner may have by quota.h.  Those that were there before, which come before
 * the order `carried`, stay: what has been shown does not vanish.  Returns how many
 * were dropped.
 */
uint32_t excess_drop(struct totals *totals, uint32_t carried, uint32_t limit);

#endif
