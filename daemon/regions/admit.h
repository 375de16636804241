/* SPDX-License-Identifier: MIT */
/* Whether a file that was found is served, by which name, and within which limits. */
#ifndef ENGRAMD_ADMIT_H
#define ENGRAMD_ADMIT_H

#include "daemon/regions/found.h"

/* Opens the file, which lies in the directory `dir`; true when it is served from now on. */
bool admit(struct found *found, struct found_file *file, int dir, struct self *self);

/* Looks at a region that is served for what is new; true when a plan must follow. */
bool admit_again(struct found *found, struct found_file *file, bool thorough, struct self *self);

/* It is not served any more; the log has not been told. */
void admit_no_more(struct found *found, struct found_file *file);

#endif
