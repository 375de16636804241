/* SPDX-License-Identifier: MIT */
/* Sockets that the service manager has opened for us, by the protocol of sd_listen_fds(3). */
#ifndef ENGRAMD_ACTIVATION_H
#define ENGRAMD_ACTIVATION_H

#include <stddef.h>

#define ACTIVATION_FIRST 3 /* the descriptor of the first; the others follow */

/* How many were passed to this process, and marks them close-on-exec; 0 when there is no service
 * manager or they were meant for another process.  That they are sockets is not looked at. */
int activation_count(void);

/* Writes what the service manager calls number `i`, counted from 0: by default the name of its
 * socket unit; "" when it does not say. */
void activation_name(int i, char *to, size_t size);

#endif
