/* SPDX-License-Identifier: MIT */
/*
 * Reading what another process may truncate at any moment.  A page that is gone
 * raises SIGBUS in the reader; a guarded call turns that into a result.
 */
#ifndef ENGRAM_SHMLIB_GUARD_H
#define ENGRAM_SHMLIB_GUARD_H

#include <stdbool.h>

/* Installs the SIGBUS handler of this process.  Call once, before other threads start. */
void guard_install(void);

/*
 * Runs read(argument); false when it touched a page that is not there.  `read`
 * must own nothing that would be lost when it is left in the middle.  Guards do
 * not nest.  A SIGBUS outside of any guard ends the process as it always would.
 */
bool guard_run(void (*read)(void *argument), void *argument);

#endif
