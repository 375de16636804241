/* SPDX-License-Identifier: MIT */
/*
 * Who is at the other end of a connection, and how many each of them has: an IPv4
 * address, an IPv6 network of 64 bits (one host may have all of its addresses), or
 * the user of a process on this host that came through a socket file.
 */
#ifndef ENGRAMD_PEERS_H
#define ENGRAMD_PEERS_H

#include <stdbool.h>
#include <sys/socket.h>

struct peers;

struct peer {
    int connections; /* streams apart */
    int streams;
    bool is_local; /* on this host */
};

struct peers *peers_new(void); /* NULL: no memory */
void peers_free(struct peers *peers);

/* Whose the connection `fd` from `address` is, with one connection more; NULL: no memory. */
struct peer *peers_enter(struct peers *peers, int fd, const struct sockaddr *address);

/* Its last connection may have ended; if so, it is forgotten. */
void peers_leave(struct peers *peers, struct peer *peer);

#endif
