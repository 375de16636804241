/* SPDX-License-Identifier: MIT */
/*
 * What each user takes of what all of them share.  Anybody may leave files in a
 * region directory: nobody crowds out the others by it, neither memory nor time
 * nor the log.
 */
#ifndef ENGRAMD_QUOTA_H
#define ENGRAMD_QUOTA_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/base/log.h"

/* Of one user. */
#define QUOTA_FILES 4096u                  /* that are looked at */
#define QUOTA_REGIONS 1024u                /* that are served */
#define QUOTA_NAMES 4096u                  /* that are known, beside those of processes that run */
#define QUOTA_FOLDED 4096u                 /* nonces of regions that were folded */
#define QUOTA_MEMORY (UINT64_C(64) << 20)  /* bytes, as struct reader counts them */
#define QUOTA_SWEEP_NS UINT64_C(250000000) /* for opening files, in one look at everything */
#define QUOTA_NAME_COST 512u               /* bytes that a name takes without its series, about */
/* Of all of them; but so much each user has whatever the others take. */
#define QUOTA_MEMORY_ALL (UINT64_C(256) << 20)
#define QUOTA_DESCRIPTORS_LEFT                                                                     \
    64u /* or a quarter, if that is more: for whoever asks, and the state */
#define QUOTA_MEMORY_LEAST (UINT64_C(1) << 20)

struct quota_user {
    struct quota_user *next;
    uid_t owner;
    uint32_t files, regions;
    uint64_t memory;
    uint32_t folded;  /* nonces, as of found_dead() */
    bool waits;       /* it has too many of them, and the log has said so */
    uint32_t unknown; /* files that were left for later, in this sweep */
    uint64_t spent;   /* ns, in this sweep */
    struct log_limit log;
};

struct quota {
    struct quota_user *users;
    uint32_t count;
    uint32_t regions; /* of all */
    uint64_t memory;
};

/* A user's account, made if there is none; beyond some hundred users the rest share one.  NULL when
 * there is no memory.  Good until the quota_sweep() after its last file has gone and a minute has
 * passed since its last line in the log. */
struct quota_user *quota_user(struct quota *quota, uid_t owner);
/* The same, NULL when there is none. */
struct quota_user *quota_find(const struct quota *quota, uid_t owner);

/* Regions that can be served, as each takes a descriptor, with some left for everything else. */
uint32_t quota_regions_most(void);

/* Before everything is looked at anew, at a time of CLOCK_MONOTONIC, ns. */
void quota_sweep(struct quota *quota, uint64_t now);
void quota_free(struct quota *quota);

/* Bytes that the user may take more, and that it has taken, or given back if negative. */
uint64_t quota_room(const struct quota *quota, const struct quota_user *user);
void quota_charge(struct quota *quota, struct quota_user *user, int64_t bytes);

#endif
