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
    struct region *region;    /* NULL while it is not served by itself */
    enum rejection rejection; /* why not */
    bool folded;              /* part of the totals: only to be removed */
    bool stuck;               /* it cannot be removed, and the log has said so */
    bool crowded;             /* it has more series than are allowed, and the log has said so */
    struct nonce nonce;       /* once it was opened */
    ino_t inode;
    bool alive;
    bool seen; /* in this sweep */
};

struct found {
    struct found_file **files; /* those that are served come in order of birth */
    uint32_t count, capacity;
    void *by_name;           /* the same as a tree: anybody may leave many files */
    struct region **regions; /* scratch for found_input() */
    bool *alive;
    const struct totals *totals; /* what is folded; set before anything is looked at */
    uint32_t series_limit;       /* of one region */
    bool keep; /* what has died is kept until it is folded, even when its file is gone */
};

void found_free(struct found *found);

/* Looks at a name in a directory that is open as `dir`.  True when a plan must follow. */
bool found_look(struct found *found, const char *directory, int dir, const char *name,
                struct self *self);

/* Between them, found_look() on all names: what was not seen is forgotten, once it is dead and, if
 * that is to come, folded. */
void found_sweep_start(struct found *found);
bool found_sweep_end(struct found *found);

/* Counts all files of a directory as seen that could not be looked at. */
void found_spare(struct found *found, const char *directory);

/* Looks for new series, deaths (`thorough`: asks the lock of each, and reads every chain) and
 * truncation.  True when a plan must follow. */
bool found_refresh(struct found *found, bool thorough, struct self *self);

/* Dead regions that are to be folded, each with a reference, in an array to be freed; NULL with
 * *count 0 when there is none or no memory. */
struct region **found_dead(const struct found *found, uint32_t *count);

/* These regions are part of the totals now: they are not served any more, and their files go. */
void found_folded(struct found *found, struct region *const *regions, uint32_t count);

/* Whether a file with that nonce is there; whether a process of that name has a region. */
bool found_has_nonce(const struct found *found, const struct nonce *nonce);
bool found_has_process(const struct found *found, const char *process);

void found_count(const struct found *found, struct self *self);

/* Fills in regions, alive and region_count; false when there is no memory. */
bool found_input(struct found *found, struct plan_input *input);

#endif
