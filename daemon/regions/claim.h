/* SPDX-License-Identifier: MIT */
#ifndef ENGRAMD_CLAIM_H
#define ENGRAMD_CLAIM_H

enum claim {
    CLAIM_HELD,
    CLAIM_TAKEN,   /* another daemon has one of them */
    CLAIM_BLOCKED, /* something lies in the way, with errno */
};

/*
 * Claims region directories for as long as this process lives, so that no two
 * daemons fold and remove the same regions: each would have a part of the totals.
 * All or, but for CLAIM_HELD, none, and *which is the one that cannot be had.  A
 * directory that is not there, or in which this user can make no file, is nobody's.
 */
enum claim claim_directories(char *const *paths, int count, int *which);

#endif
