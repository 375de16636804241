/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "daemon/http_listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 4096
#define PATH_ROOM sizeof((struct sockaddr_un *)0)->sun_path

static const char *advice(int error)
{
    switch (error) {
    case EADDRINUSE:
        return "is another engramd running? choose another with --listen";
    case EACCES:
    case EPERM:
        return "this user may not listen there; choose a port above 1023 or another path";
    case EADDRNOTAVAIL:
        return "this host has no such address";
    default:
        return "choose another with --listen";
    }
}

static int listen_on(int family, const struct sockaddr *address, socklen_t length)
{
    int one = 1, error;
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    if (family != AF_UNIX)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    if (bind(fd, address, length) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    error = errno;
    close(fd);
    errno = error;
    return -1;
}

/* Whether somebody still listens on a socket file; if nobody does, it is left over. */
static bool is_served(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool served = fd < 0 || connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 ||
                  errno != ECONNREFUSED;
    if (fd >= 0)
        close(fd);
    return served;
}

static int listen_unix(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct stat status;
    memcpy(address.sun_path, path, strlen(path));
    if (lstat(path, &status) == 0 && S_ISSOCK(status.st_mode) && !is_served(&address))
        unlink(path);
    int fd = listen_on(AF_UNIX, (const struct sockaddr *)&address, sizeof address);
    if (fd >= 0)
        chmod(path, 0660);
    return fd;
}

/* getaddrinfo() takes any number for a port, and cuts it to 16 bits. */
static bool is_port(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    return digits > 0 && digits <= 5 && text[digits] == 0 && atoi(text) <= UINT16_MAX;
}

/* Resolves HOST:PORT, whose HOST is an address; NULL with a sentence when it is none. */
static struct addrinfo *resolve(const char *address, char *error, size_t size)
{
    char host[256];
    const char *colon = strrchr(address, ':');
    size_t length = colon ? (size_t)(colon - address) : 0;
    bool brackets = length > 2 && address[0] == '[' && address[length - 1] == ']';
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    if (length == 0 || length >= sizeof host || (!brackets && memchr(address, ':', length)) ||
        !is_port(colon + 1)) {
        snprintf(error, size, "neither HOST:PORT nor unix:PATH; write it as 127.0.0.1:7433");
        return NULL;
    }
    snprintf(host, sizeof host, "%.*s", (int)(brackets ? length - 2 : length),
             brackets ? address + 1 : address);
    int problem = getaddrinfo(host, colon + 1, &hints, &found);
    if (problem)
        snprintf(error, size, "%s; write an address and a port, as 127.0.0.1:7433",
                 gai_strerror(problem));
    return problem ? NULL : found;
}

static int listen_inet(const char *address, char *error, size_t size)
{
    struct addrinfo *found = resolve(address, error, size);
    if (!found)
        return -1;
    int fd = listen_on(found->ai_family, found->ai_addr, found->ai_addrlen);
    int saved = errno;
    freeaddrinfo(found);
    errno = saved;
    return fd;
}

/* The path of unix:PATH, or NULL. */
static const char *unix_path(const char *address)
{
    return strncmp(address, "unix:", 5) == 0 ? address + 5 : NULL;
}

bool http_listen_valid(const char *address, char *error, size_t size)
{
    const char *path = unix_path(address);
    struct addrinfo *found = path ? NULL : resolve(address, error, size);
    if (found)
        freeaddrinfo(found);
    if (!path)
        return found != NULL;
    if (*path && strlen(path) < PATH_ROOM) /* an empty one would be an abstract name */
        return true;
    snprintf(error, size, "a socket's path has 1 to %zu bytes; choose another", PATH_ROOM - 1);
    return false;
}

int http_listen(const char *address, char *error, size_t size)
{
    *error = 0;
    if (!http_listen_valid(address, error, size))
        return -1;
    const char *path = unix_path(address);
    int fd = path ? listen_unix(path) : listen_inet(address, error, size);
    if (fd < 0 && *error == 0)
        snprintf(error, size, "%s; %s", strerror(errno), advice(errno));
    return fd;
}

void http_bound_address(int fd, char *to, size_t size)
{
    struct sockaddr_storage address = {0};
    socklen_t length = sizeof address;
    char host[128] = "?", port[16] = "?";
    getsockname(fd, (struct sockaddr *)&address, &length);
    if (address.ss_family == AF_UNIX) {
        snprintf(to, size, "unix:%s", ((const struct sockaddr_un *)&address)->sun_path);
        return;
    }
    getnameinfo((const struct sockaddr *)&address, length, host, sizeof host, port, sizeof port,
                NI_NUMERICHOST | NI_NUMERICSERV);
    snprintf(to, size, address.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}
