/* SPDX-License-Identifier: MIT */
/* Sockets to listen on, from what an operator writes. */
#ifndef ENGRAMD_HTTP_LISTEN_H
#define ENGRAMD_HTTP_LISTEN_H

#include <stdbool.h>
#include <stddef.h>

/* Whether an address is of the form HOST:PORT or unix:PATH, else a sentence; nothing is opened. */
bool http_listen_valid(const char *address, char *error, size_t size);

/* A bound, listening, non-blocking socket for HOST:PORT or unix:PATH, or -1 with a sentence. */
int http_listen(const char *address, char *error, size_t size);

/* Writes what a socket is bound to in the same notation. */
void http_bound_address(int fd, char *to, size_t size);

#endif
