/* SPDX-License-Identifier: MIT */
/* The raw material of a plan: one entry for each series of each region, in one list. */
#ifndef ENGRAMD_PLAN_ENTRY_H
#define ENGRAMD_PLAN_ENTRY_H

#include "daemon/snapshot/plan.h"

struct entry {
    const char *name;
    const char *labels;
    const struct record *record;            /* NULL for a computed series */
    const struct total *total;              /* if the record is of an ended process */
    const struct computed_family *computed; /* NULL for a recorded one */
    uint32_t region;
    uint64_t since; /* when its process's name came, ns, CLOCK_BOOTTIME; 0 if it is computed */
    uint32_t order; /* within the name: what lives, the oldest first, then what has ended */
};

struct entries {
    struct entry *list;
    uint32_t count;
};

/* All series of the input, sorted by name, labels and order; false when there is no memory.
 * Strings are of the arena or of the input; the list is the caller's to free. */
bool entries_gather(struct entries *entries, const struct plan_input *input, struct arena *arena);

/* Which of two says what their family is. */
bool entry_is_older(const struct entry *a, const struct entry *b);

/* How a recorded histogram is shown; NULL when there is no memory. */
struct histogram_shape *shape_of(const struct record *record, struct arena *arena);

#endif
