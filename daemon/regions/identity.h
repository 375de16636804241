/* SPDX-License-Identifier: MIT */
/*
 * How a process is shown.  A name belongs to the user who had it first, as long
 * as anything is known of that user's process; whoever else uses it is shown as
 * name@owner.  So nobody can add to another's totals, and nobody can take a name
 * away from those who come later.
 */
#ifndef ENGRAMD_IDENTITY_H
#define ENGRAMD_IDENTITY_H

#include <stdbool.h>
#include <sys/types.h>

#include <engram/abi.h>

/* Room for a name, its owner's number, and the zero. */
#define IDENTITY_SIZE (ENGRAM_PROCESS_MAX + sizeof "@4294967295")

/* Writes name@owner. */
void identity_owned(char to[IDENTITY_SIZE], const char *name, uid_t owner);

/* Whether the name would pass for one that another user's process is shown by. */
bool identity_is_anothers(const char *name, uid_t owner);

#endif
