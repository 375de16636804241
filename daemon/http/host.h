/* SPDX-License-Identifier: MIT */
/*
 * Whether a request that came over loopback is meant for this host.  A page of
 * anybody's may have its own name resolved to 127.0.0.1, and a browser then takes
 * what answers there for that page's site: only the Host header tells.
 */
#ifndef ENGRAMD_HOST_H
#define ENGRAMD_HOST_H

#include <stdbool.h>

/* `host` as the header has it, with a port or without; NULL, as old clients and no browsers have
 * it, is fine.  So is an address, localhost, the host's own name, and the host of one of the
 * `origins`, which are NULL-terminated, or NULL. */
bool host_is_ours(const char *host, char *const *origins);

#endif
