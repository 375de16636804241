/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "daemon/http/http_listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
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
#define MODE 0660
/* What the kernel keeps for a connection; by default it would grow to megabytes for one that does
 * not read, or that sends a body nobody wants. */
#define SEND_BUFFER (128 << 10)
#define RECEIVE_BUFFER (64 << 10)

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

static int listen_on(int family, const struct sockaddr *address, socklen_t length, mode_t mode)
{
    int one = 1, send_buffer = SEND_BUFFER, receive_buffer = RECEIVE_BUFFER, error;
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    if (family == AF_UNIX)
        fchmod(fd, mode); /* or the file would be wider open for a moment */
    else
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    /* Inherited by what is accepted. */
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof send_buffer);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    if (family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    if (bind(fd, address, length) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    error = errno;
    close(fd);
    errno = error;
    return -1;
}

/* Whether somebody still listens on a socket file; if nobody does, it is left over.  Whoever is too
 * busy to accept is there, too, and must not be waited for. */
static bool is_served(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool served = fd < 0 || connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 ||
                  errno != ECONNREFUSED;
    if (fd >= 0)
        close(fd);
    return served;
}

/* What follows "unix:": a path and, if it is said, a mode. */
struct socket_file {
    struct sockaddr_un address;
    mode_t mode;
};

/* False with a sentence if `text` is no such thing. */
static bool parse_socket_file(struct socket_file *file, const char *text, char *error, size_t size)
{
    const char *option = strstr(text, ",mode=");
    const char *digits = option ? option + strlen(",mode=") : "";
    size_t length = option ? (size_t)(option - text) : strlen(text);
    size_t count = strspn(digits, "01234567");
    *file = (struct socket_file){{.sun_family = AF_UNIX},
                                 option ? (mode_t)strtoul(digits, NULL, 8) : MODE};
    if (length == 0 || length >= PATH_ROOM) { /* an empty one would be an abstract name */
        snprintf(error, size, "a socket's path has 1 to %zu bytes; choose another", PATH_ROOM - 1);
        return false;
    }
    memcpy(file->address.sun_path, text, length);
    if (!option || (count > 0 && count <= 4 && !digits[count] && file->mode && file->mode <= 0777))
        return true;
    snprintf(error, size, "\"%s\" is no mode; write it as unix:PATH,mode=0660", digits);
    return false;
}

static int listen_unix(const struct socket_file *file)
{
    const char *path = file->address.sun_path;
    struct stat status;
    if (lstat(path, &status) == 0 && S_ISSOCK(status.st_mode) && !is_served(&file->address))
        unlink(path);
    int fd = listen_on(AF_UNIX, (const struct sockaddr *)&file->address, sizeof file->address,
                       file->mode);
    if (fd >= 0)
        chmod(path, file->mode); /* whatever the umask took from it */
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
    if (length > 0 && !is_port(colon + 1) && colon[1 + strspn(colon + 1, "0123456789")] == 0 &&
        colon[1]) {
        snprintf(error, size, "the port %s is too large; it must be 0..65535", colon + 1);
        return NULL;
    }
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
    int fd = listen_on(found->ai_family, found->ai_addr, found->ai_addrlen, 0);
    int saved = errno;
    freeaddrinfo(found);
    errno = saved;
    return fd;
}

/* What follows "unix:", or NULL. */
static const char *unix_part(const char *address)
{
    return strncmp(address, "unix:", 5) == 0 ? address + 5 : NULL;
}

bool http_listen_valid(const char *address, char *error, size_t size)
{
    const char *part = unix_part(address);
    struct socket_file file;
    if (part)
        return parse_socket_file(&file, part, error, size);
    struct addrinfo *found = resolve(address, error, size);
    if (found)
        freeaddrinfo(found);
    return found != NULL;
}

int http_listen(const char *address, char *error, size_t size)
{
    const char *part = unix_part(address);
    struct socket_file file;
    *error = 0;
    if (part && !parse_socket_file(&file, part, error, size))
        return -1;
    int fd = part ? listen_unix(&file) : listen_inet(address, error, size);
    if (fd < 0 && *error == 0)
        snprintf(error, size, "%s; %s", strerror(errno), advice(errno));
    return fd;
}

static int option_of(int fd, int option)
{
    int value = -1;
    socklen_t length = sizeof value;
    return getsockopt(fd, SOL_SOCKET, option, &value, &length) ? -1 : value;
}

bool http_listens(int fd, char *error, size_t size)
{
    int family = option_of(fd, SO_DOMAIN), flags = fcntl(fd, F_GETFL);
    if ((family == AF_INET || family == AF_INET6 || family == AF_UNIX) &&
        option_of(fd, SO_TYPE) == SOCK_STREAM && option_of(fd, SO_ACCEPTCONN) == 1 &&
        fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0)
        return true;
    snprintf(error, size, "no listening stream socket; name it by ListenStream= with Accept=no");
    return false;
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

bool http_listens_locally(int fd)
{
    struct sockaddr_storage address = {0};
    socklen_t length = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &length) != 0)
        return false;
    if (address.ss_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)&address)->sin_addr.s_addr) >> 24 == 127;
    if (address.ss_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)&address)->sin6_addr);
    return address.ss_family == AF_UNIX;
}
