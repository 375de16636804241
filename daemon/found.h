/* SPDX-License-Identifier: MIT */
/*
 * The files that discovery has found: which are served, which are quarantined
 * and why.  Belongs to the discovery thread.
 */
#ifndef ENGRAMD_FOUND_H
#define ENGRAMD_FOUND_H

#include "daemon/plan.h"
#include "daemon/self.h"

struct found_file {
    const char *directory; /* borrowed */
    char *name;
    struct region *region;    /* NULL while it is not served */
    enum rejection rejection; /* why not */
    bool alive;
    bool seen; /* in this sweep */
};

struct found {
    struct found_file *files; /* those that are served come in order of birth */
    uint32_t count, capacity;
    struct region **regions; /* scratch for found_input() */
    bool *alive;
};

void found_free(struct found *found);

/* Looks at a name in a directory that is open as `dir`.  True when a plan must follow. */
bool found_look(struct found *found, const char *directory, int dir, const char *name,
                struct self *self);

/* Between them, found_look() on all names: what was not seen, and is dead, is forgotten. */
void found_sweep_start(struct found *found);
bool found_sweep_end(struct found *found);

/* Counts all files of a directory as seen that could not be looked at. */
void found_spare(struct found *found, const char *directory);

/* Looks for new series, deaths (`thorough`: asks the lock of each, and reads every chain) and
 * truncation.  True when a plan must follow. */
bool found_refresh(struct found *found, bool thorough, struct self *self);

void found_count(const struct found *found, struct self *self);

/* Fills in regions, alive and region_count; false when there is no memory. */
bool found_input(struct found *found, struct plan_input *input);

#endif
