/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "daemon/http/peers.h"

#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 1024
#define PREFIX 8 /* bytes of an IPv6 network */

struct key {
    int family;
    unsigned char bytes[PREFIX];
};

struct entry {
    struct peer peer; /* first: a peer is its entry */
    struct key key;
    struct entry *next;
};

struct peers {
    struct entry *buckets[BUCKETS];
};

struct peers *peers_new(void)
{
    return calloc(1, sizeof(struct peers));
}

void peers_free(struct peers *peers)
{
    free(peers);
}

static void key_of_user(struct key *key, int fd)
{
    struct ucred user = {.uid = (uid_t)-1};
    socklen_t length = sizeof user;
    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &user, &length);
    memcpy(key->bytes, &user.uid, sizeof user.uid);
}

/* An IPv4 address is one at a socket of IPv6, too; and this host is this host. */
static struct key key_of_inet6(const struct in6_addr *address)
{
    struct key key = {AF_INET, {IN_LOOPBACKNET, 0, 0, 1}};
    if (IN6_IS_ADDR_LOOPBACK(address))
        return key;
    if (IN6_IS_ADDR_V4MAPPED(address)) {
        memcpy(key.bytes, &address->s6_addr[12], 4);
        return key;
    }
    key.family = AF_INET6;
    memcpy(key.bytes, address, PREFIX);
    return key;
}

static struct key key_of(int fd, const struct sockaddr *address)
{
    struct key key = {.family = address->sa_family};
    if (address->sa_family == AF_INET6)
        return key_of_inet6(&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
    if (address->sa_family == AF_INET)
        memcpy(key.bytes, &((const struct sockaddr_in *)(const void *)address)->sin_addr, 4);
    else
        key_of_user(&key, fd);
    return key;
}

static bool is_local(const struct key *key)
{
    return key->family == AF_UNIX || (key->family == AF_INET && key->bytes[0] == IN_LOOPBACKNET);
}

static struct entry **find(struct peers *peers, const struct key *key)
{
    uint32_t hash = (uint32_t)key->family;
    for (int i = 0; i < PREFIX; i++)
        hash = (hash ^ key->bytes[i]) * 16777619u;
    struct entry **at = &peers->buckets[(hash >> 16 ^ hash) % BUCKETS];
    while (*at && memcmp(&(*at)->key, key, sizeof *key) != 0)
        at = &(*at)->next;
    return at;
}

struct peer *peers_enter(struct peers *peers, int fd, const struct sockaddr *address)
{
    struct key key = key_of(fd, address);
    struct entry **at = find(peers, &key);
    if (!*at && (*at = calloc(1, sizeof **at))) {
        (*at)->key = key;
        (*at)->peer.is_local = is_local(&key);
    }
    if (!*at)
        return NULL;
    (*at)->peer.connections++;
    return &(*at)->peer;
}

void peers_leave(struct peers *peers, struct peer *peer)
{
    struct entry *entry = (struct entry *)peer;
    struct entry **at = find(peers, &entry->key);
    if (peer->connections + peer->streams > 0)
        return;
    *at = entry->next;
    free(entry);
}
