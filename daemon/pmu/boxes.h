/* SPDX-License-Identifier: MIT */
/*
 * What goes to memory and between sockets, counted by memory controllers and links: boxes that the
 * kernel describes as devices of their own, in bytes under names that are ours.
 */
#ifndef ENGRAMD_BOXES_H
#define ENGRAMD_BOXES_H

#include "daemon/pmu/event.h"

#define BOXES_MOST 64
/* And what is looked for, whether or not a box counts it. */
#define BOXES_GROUPS (BOXES_MOST + 2)

/* Looks for all below `sysroot`, and says in the log what it does not understand: of a kind of
 * boxes either all are taken or none.  How many groups there are. */
uint32_t boxes_find(const char *sysroot, struct pmu_group groups[BOXES_GROUPS]);

#endif
