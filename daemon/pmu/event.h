/* SPDX-License-Identifier: MIT */
/* What can be counted, by the names that labels have, in groups whose members count together. */
#ifndef ENGRAMD_EVENT_H
#define ENGRAMD_EVENT_H

#include <stdbool.h>
#include <stdint.h>

/* Each read of a group interrupts its CPU.  Of hardware events a group has four at most, as many as
 * any PMU can count at a time, not counting what has a counter of its own there; the kernel's own
 * events need none. */
#define PMU_GROUP_MOST 8

struct pmu_event {
    const char *name;   /* the label event; NULL: none */
    const char *source; /* the label source: "software" or "pmu" */
    uint32_t type;      /* of struct perf_event_attr, as the three below */
    uint64_t config, config1, config2;
    bool rare;    /* it may be none while others of its group are counted */
    double scale; /* what one count stands for, in the unit that the name tells; 0: one */
};

/* Sockets that have a box of a name. */
#define PMU_BOX_CPUS 32

/* What CPUs count themselves, or a box that all CPUs of a socket share, a memory controller say.
 * Boxes may have events of the same names, in the same order: these are added up. */
struct pmu_group {
    struct pmu_event events[PMU_GROUP_MOST];
    bool boxed;
    uint32_t cpu_count, cpus[PMU_BOX_CPUS]; /* of a box: who is asked for it, one of each socket */
};

/* What the kernel knows by itself on any machine: numerator and denominator of a ratio are of one
 * group. */
#define PMU_GENERIC_GROUPS 4
extern const struct pmu_group pmu_generic[PMU_GENERIC_GROUPS];

#endif
