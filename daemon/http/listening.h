/* SPDX-License-Identifier: MIT */
/* Where the daemon listens: what the service manager passes and what the operator names. */
#ifndef ENGRAMD_LISTENING_H
#define ENGRAMD_LISTENING_H

#include "daemon/config.h"
#include "daemon/http/http.h"
#include "daemon/http/web_access.h"

#include <stdbool.h>

/* Listens on the sockets that were passed and on the addresses of the configuration; the default
 * address only if none was passed.  What cannot be had is logged, and the answer is false.
 * Warned is of what is open to others; `access` says who is let in, NULL: everybody. */
bool listening_start(struct http_server *server, const struct config *config,
                     const struct web_access *access);

#endif
