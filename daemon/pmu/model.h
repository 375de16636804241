/* SPDX-License-Identifier: MIT */
/* Events that only some kinds of CPU have, under names that are ours and the same on all of them.
 */
#ifndef ENGRAMD_MODEL_H
#define ENGRAMD_MODEL_H

#include "daemon/pmu/event.h"

/* Their groups: a kind of CPU has some of the events of each. */
#define MODEL_GROUPS 8

/* What this machine's kind has, for the first of the groups' callers to keep.  An event that it
 * does not have, or whose kind is unknown, is there too: the kernel refuses it as not supported. */
void model_groups(struct pmu_group groups[MODEL_GROUPS]);

#endif
