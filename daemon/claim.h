/* SPDX-License-Identifier: MIT */
#ifndef ENGRAMD_CLAIM_H
#define ENGRAMD_CLAIM_H

#include <stdbool.h>

/*
 * Claims a region directory for as long as this process lives, so that no two
 * daemons fold and remove the same regions: each would have a part of the totals.
 * False when another one has it.  A directory that is not there, or in which this
 * user can make no file, is nobody's.
 */
bool claim_directory(const char *directory);

#endif
