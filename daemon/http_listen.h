/* SPDX-License-Identifier: MIT */
/* Sockets to listen on, from what an operator writes. */
#ifndef ENGRAMD_HTTP_LISTEN_H
#define ENGRAMD_HTTP_LISTEN_H

#include <stddef.h>

/* A bound, listening, non-blocking socket for HOST:PORT or unix:PATH, or -1 with a sentence. */
int http_listen(const char *address, char *error, size_t size);

/* Writes what a socket is bound to in the same notation. */
void http_bound_address(int fd, char *to, size_t size);

#endif
