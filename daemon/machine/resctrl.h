/* SPDX-License-Identifier: MIT */
/*
 * What each last-level cache has moved from and to memory, by
 * /sys/fs/resctrl/mon_data/mon_L3_XX/{mbm_total_bytes,mbm_local_bytes}, where somebody has mounted
 * it.  For one thread.
 */
#ifndef ENGRAMD_RESCTRL_H
#define ENGRAMD_RESCTRL_H

#include "daemon/machine/topology.h"

#define RESCTRL_DOMAINS_MOST 64
#define RESCTRL_NODE_NONE UINT32_MAX

enum resctrl_event {
    RESCTRL_TOTAL, /* with the memory of any node */
    RESCTRL_LOCAL, /* with that of the node of its CPUs */
    RESCTRL_EVENTS
};

/* Why an event is not counted: as sources have it, and one more. */
enum resctrl_reason {
    RESCTRL_COUNTS,
    RESCTRL_NOT_FOUND, /* it is not mounted, or the CPUs do not count */
    RESCTRL_PERMISSION,
    RESCTRL_UNAVAILABLE, /* a cache says so for now: it has nothing to count with */
    RESCTRL_UNREADABLE,  /* a cache says that it failed, or anything else */
    RESCTRL_PARTIAL,     /* there are other control groups, whose traffic is not in it */
    RESCTRL_REASONS
};

/* A last-level cache. */
struct resctrl_domain {
    uint32_t id;
    uint32_t node;                  /* of all its CPUs; RESCTRL_NODE_NONE: they are of several */
    uint64_t bytes[RESCTRL_EVENTS]; /* since it was seen first; what it missed is not in them */
};

struct resctrl;

/* Reads below `sysroot`, on a topology that lives as long.  NULL when there is no memory. */
struct resctrl *resctrl_new(const char *sysroot, const struct topology *topology);
void resctrl_free(struct resctrl *resctrl);

/* Looks at all caches, and now and then for which there are. */
void resctrl_read(struct resctrl *resctrl);

/* What was found; an event either counts in all caches or has a reason. */
enum resctrl_reason resctrl_reason(const struct resctrl *resctrl, enum resctrl_event event);
const char *resctrl_word(enum resctrl_reason reason); /* "" for RESCTRL_COUNTS */
uint32_t resctrl_domains(const struct resctrl *resctrl);
const struct resctrl_domain *resctrl_domain(const struct resctrl *resctrl, uint32_t which);

/* Since the start, of all caches: it never falls. */
uint64_t resctrl_bytes(const struct resctrl *resctrl, enum resctrl_event event);

#endif
