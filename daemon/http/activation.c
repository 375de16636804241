/* SPDX-License-Identifier: MIT */
#include "daemon/http/activation.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A whole variable as a number above 0, or 0. */
static long number_of(const char *variable)
{
    const char *text = getenv(variable);
    char *end;
    long number = text ? strtol(text, &end, 10) : 0;
    return number > 0 && *end == 0 ? number : 0;
}

int activation_count(void)
{
    long count = number_of("LISTEN_PID") == (long)getpid() ? number_of("LISTEN_FDS") : 0;
    if (count > INT_MAX - ACTIVATION_FIRST)
        return 0;
    for (int i = 0; i < count; i++)
        if (fcntl(ACTIVATION_FIRST + i, F_SETFD, FD_CLOEXEC))
            return i; /* whatever the variable says, there are no more */
    return (int)count;
}

void activation_name(int i, char *to, size_t size)
{
    const char *name = getenv("LISTEN_FDNAMES");
    for (; name && i > 0; i--) {
        name = strchr(name, ':');
        if (name)
            name++;
    }
    snprintf(to, size, "%.*s", name ? (int)strcspn(name, ":") : 0, name ? name : "");
}
