/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "engramctl.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static int connect_any(const struct addrinfo *address)
{
    struct timeval patience = {.tv_sec = 5};
    for (; address; address = address->ai_next) {
        int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
            continue;
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
        if (connect(fd, address->ai_addr, address->ai_addrlen) == 0)
            return fd;
        close(fd);
    }
    return -1;
}

/* Connects to HOST:PORT, where HOST may be in brackets. */
static int dial(const char *address)
{
    char host[256];
    const char *colon = strrchr(address, ':');
    size_t length = colon ? (size_t)(colon - address) : 0;
    if (length == 0 || length >= sizeof host)
        return -1;
    bool brackets = address[0] == '[' && length > 2 && address[length - 1] == ']';
    snprintf(host, sizeof host, "%.*s", (int)(brackets ? length - 2 : length),
             brackets ? address + 1 : address);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
    if (getaddrinfo(host, colon + 1, &hints, &list))
        return -1;
    int fd = connect_any(list);
    freeaddrinfo(list);
    return fd;
}

/* Copies what follows the headers; the HTTP status, or -1. */
static int read_response(FILE *from, FILE *to)
{
    char line[1024];
    int status = -1;
    if (!fgets(line, sizeof line, from) || sscanf(line, "HTTP/1.%*d %d", &status) != 1)
        return -1;
    while (fgets(line, sizeof line, from) && strcmp(line, "\r\n") != 0)
        continue;
    for (size_t got; status == 200 && (got = fread(line, 1, sizeof line, from)) > 0;)
        fwrite(line, 1, got, to);
    return ferror(from) ? -1 : status;
}

int http_get(const char *address, const char *path, FILE *to)
{
    int fd = dial(address);
    FILE *stream = fd < 0 ? NULL : fdopen(fd, "r+");
    if (!stream) {
        if (fd >= 0)
            close(fd);
        return -1;
    }
    fprintf(stream, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path, address);
    fflush(stream);
    int status = read_response(stream, to);
    fclose(stream);
    return status == 200 ? 0 : status;
}
