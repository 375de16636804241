/* SPDX-License-Identifier: MIT */
/* Sockets to listen on, from what an operator writes. */
#ifndef ENGRAMD_HTTP_LISTEN_H
#define ENGRAMD_HTTP_LISTEN_H

#include <stdbool.h>
#include <stddef.h>

/* Whether an address is of one of the forms below, else a sentence; nothing is opened. */
bool http_listen_valid(const char *address, char *error, size_t size);

/*
 * A bound, listening, non-blocking socket for HOST:PORT, unix:PATH or
 * unix:PATH,mode=0660, or -1 with a sentence.  A socket file that nobody listens
 * on any more is replaced; one that is served, and whatever is no socket, is not.
 */
int http_listen(const char *address, char *error, size_t size);

/* Whether a socket can be reached from this host only: loopback or a file. */
bool http_listens_locally(int fd);

/* Makes a socket that somebody else has bound fit to accept on: non-blocking.  False with a
 * sentence when it is no listening stream socket of TCP or AF_UNIX. */
bool http_listens(int fd, char *error, size_t size);

/* Writes what a socket is bound to in the same notation. */
void http_bound_address(int fd, char *to, size_t size);

#endif
