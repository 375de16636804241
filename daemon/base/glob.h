/* SPDX-License-Identifier: MIT */
/*
 * Globs of names: * any text, ? any byte, [a-z_] and [!a-z] one of a set, and
 * everything else itself.  Takes time in proportion to both lengths at most,
 * whatever the glob: it may come from anybody.
 */
#ifndef ENGRAMD_GLOB_H
#define ENGRAMD_GLOB_H

#include <stdbool.h>

/* Whether every [ has its ], with something in between that is no [:class:] or the like. */
bool glob_valid(const char *glob);

/* Of a valid glob. */
bool glob_matches(const char *glob, const char *name);

#endif
