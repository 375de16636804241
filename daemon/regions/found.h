/* SPDX-License-Identifier: MIT */
/*
 * The files that discovery has found: which are served, which are quarantined
 * and why.  Belongs to the discovery thread.
 */
#ifndef ENGRAMD_FOUND_H
#define ENGRAMD_FOUND_H

#include "daemon/regions/quota.h"
#include "daemon/self.h"
#include "daemon/snapshot/plan.h"

struct found_file {
    const char *directory; /* borrowed */
    char *name;
    struct quota_user *user; /* its owner's account */
    ino_t inode;
    uint64_t changed; /* its status, CLOCK_REALTIME, ns */
    uint64_t arrived; /* when it was made, CLOCK_BOOTTIME, ns, as of when it was first seen */
    bool due;         /* to be opened */
    bool seen;        /* in this sweep */

    struct region *region;    /* NULL while it is not served by itself */
    enum rejection rejection; /* why not */
    bool identified;          /* it is a region: it has a nonce, and is in by_nonce */
    struct nonce nonce;       /* if it is identified, or a duplicate of one that is */
    bool folded;              /* part of the totals: only to be removed */
    bool stuck;               /* it cannot be removed, and the log has said so */
    bool crowded;             /* it has more series than are allowed, and the log has said so */
    bool alive;
    uint64_t charged; /* bytes, to the user's account */
};

struct found {
    struct found_file **files; /* those that are served come in the order of their arrival */
    uint32_t count, capacity;
    void *by_name;           /* the same as a tree: anybody may leave many files */
    void *by_nonce;          /* those that are identified */
    struct found_file **due; /* scratch for found_sweep_end() */
    struct region **regions; /* scratch for found_input() */
    bool *alive;
    struct quota quota;
    /* Of this sweep. */
    uint64_t epoch; /* boot_epoch() */
    uint32_t regions_most;
    bool blind;  /* there was no memory to take note of everything */
    bool left;   /* files are to be opened for which there was no time */
    bool copied; /* there are duplicates */

    const struct totals *totals; /* what is folded; set before anything is looked at */
    uint32_t series_limit;       /* of one region */
    uint32_t cpus;               /* that the machine can have; a region has no more */
    bool keep; /* what has died is kept until it is folded, even when its file is gone */
};

void found_free(struct found *found);

/*
 * Looks at everything.  Between the two, found_look() on all names of the
 * directories; a file that is new or another one than before is opened in the end,
 * the oldest first, and what was not seen is forgotten, once it is dead and, if
 * that is to come, folded.  True when a plan must follow.
 */
void found_sweep_start(struct found *found);
bool found_sweep_end(struct found *found, struct self *self);

/* Takes note of a name in a directory that is open as `dir`. */
void found_look(struct found *found, const char *directory, int dir, const char *name);

/* Looks at a name that has just come between two sweeps, and opens it if its owner has time left in
 * this one.  True when a plan must follow. */
bool found_newcomer(struct found *found, const char *directory, const char *name,
                    struct self *self);

/* Counts all files of a directory as seen that could not be looked at; there may be more of them.
 */
void found_spare(struct found *found, const char *directory);

/* Looks for new series, deaths (`thorough`: asks the lock of each, and reads every chain) and
 * truncation.  True when a plan must follow. */
bool found_refresh(struct found *found, bool thorough, struct self *self);

/* Dead regions that are to be folded, each with a reference, in an array to be freed; NULL with
 * *count 0 when there is none or no memory.  Those of a user with too many nonces wait. */
struct region **found_dead(struct found *found, uint32_t *count);

/* Regions whose names the totals do not know, borrowed, in an array to be freed; NULL with *count 0
 * when there is none or no memory. */
struct region **found_new_names(const struct found *found, uint32_t *count);

/* These regions are part of the totals now: they are not served any more, and their files go. */
void found_folded(struct found *found, struct region *const *regions, uint32_t count);

/* They are other totals than before: what they hold is not served by itself any more, and whoever
 * is shown by a name that they say is another's is admitted anew. */
void found_drop_known(struct found *found);

/* Whether a file with that nonce is there or may be; and whether any may be, as files of that owner
 * were not opened yet. */
bool found_may_have(const struct found *found, const struct nonce *nonce);
bool found_may_have_more(const struct found *found, uid_t owner);

void found_count(const struct found *found, struct self *self);

/* Fills in regions, alive and region_count; false when there is no memory. */
bool found_input(struct found *found, struct plan_input *input);

/* For admit.h. */
void found_identify(struct found *found, struct found_file *file, const struct nonce *nonce);
const struct found_file *found_by_nonce(const struct found *found, const struct nonce *nonce);
void found_remove(const struct found *found, struct found_file *file);

#endif
