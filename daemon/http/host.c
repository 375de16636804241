/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "daemon/http/host.h"

#include <arpa/inet.h>
#include <string.h>
#include <unistd.h>

#define NAME_MAX_SIZE 256
#define LOCAL ".localhost" /* RFC 6761: with all names below it, this host */

/* Without the port, which an address of IPv6 has behind its bracket; false if it is too long. */
static bool without_port(char to[NAME_MAX_SIZE], const char *host)
{
    size_t length = *host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");
    if (length >= NAME_MAX_SIZE || length > strlen(host))
        return false;
    memcpy(to, host, length);
    to[length] = 0;
    return true;
}

static bool is_address(char *name)
{
    struct in6_addr address;
    size_t length = strlen(name);
    if (*name != '[')
        return inet_pton(AF_INET, name, &address) == 1;
    name[length - 1] = 0;
    bool is = inet_pton(AF_INET6, name + 1, &address) == 1;
    name[length - 1] = ']';
    return is;
}

static bool is_local(const char *name)
{
    char own[NAME_MAX_SIZE] = "";
    size_t length = strlen(name), suffix = strlen(LOCAL);
    if (strcasecmp(name, &LOCAL[1]) == 0)
        return true;
    if (length > suffix && strcasecmp(name + length - suffix, LOCAL) == 0)
        return true;
    return gethostname(own, sizeof own - 1) == 0 && *own && strcasecmp(name, own) == 0;
}

static bool is_of_origin(const char *name, const char *origin)
{
    char allowed[NAME_MAX_SIZE];
    const char *host = strstr(origin, "://");
    return host && without_port(allowed, host + 3) && strcasecmp(name, allowed) == 0;
}

bool host_is_ours(const char *host, char *const *origins)
{
    char name[NAME_MAX_SIZE];
    if (!host)
        return true;
    if (!without_port(name, host))
        return false;
    bool ours = is_address(name) || is_local(name);
    for (; origins && *origins && !ours; origins++)
        ours = is_of_origin(name, *origins);
    return ours;
}
