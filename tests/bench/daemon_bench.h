/* SPDX-License-Identifier: MIT */
/* A real engramd beside a bench, on a region directory of its own. */
#ifndef ENGRAM_DAEMON_BENCH_H
#define ENGRAM_DAEMON_BENCH_H

#include "http_bench.h"

#include <libgen.h>
#include <limits.h>

static char region_directory[64];

/* The directory that processes started from now on write to, this one included. */
static inline void make_regions(void)
{
    snprintf(region_directory, sizeof region_directory, "/dev/shm/engram-bench-XXXXXX");
    if (!mkdtemp(region_directory))
        die("a directory in /dev/shm");
    setenv("ENGRAM_DIR", region_directory, 1);
}

static inline void remove_regions(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", region_directory);
    if (system(command))
        die(command);
}

/* Never to return. */
static inline void become_daemon(const char *program, const char *option, const char *value)
{
    char beside[PATH_MAX + 16], self[PATH_MAX] = "", state[sizeof region_directory + 8];
    snprintf(state, sizeof state, "%s/.state", region_directory); /* hidden, so it is no region */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (!program && readlink("/proc/self/exe", self, sizeof self - 1) > 0) {
        snprintf(beside, sizeof beside, "%s/../engramd", dirname(self));
        program = beside;
    }
    execl(program, "engramd", "--listen", "127.0.0.1:0", "--region-dir", region_directory,
          "--state-dir", state, option, value, (char *)NULL);
    _exit(127);
}

/* Starts `program`, or for NULL the engramd of this build, with one more option. */
static inline struct served start_daemon(const char *program, const char *option, const char *value)
{
    struct served served = {0};
    char line[1024], *at;
    int log[2];
    if (pipe(log) || (served.pid = fork()) < 0)
        die("fork");
    if (served.pid == 0) {
        dup2(log[1], STDERR_FILENO);
        become_daemon(program, option, value);
    }
    close(log[1]);
    FILE *said = fdopen(log[0], "r");
    while (!served.port && fgets(line, sizeof line, said))
        if ((at = strstr(line, "address=127.0.0.1:")))
            served.port = atoi(at + 18);
    if (!served.port)
        die("engramd did not start");
    return served; /* its log stays open: it has little more to say than the pipe holds */
}

/* Asks on a kept connection and reads one response, whole, into `room`; returns the length of its
 * body, or -1. */
static inline long exchange(int fd, const char *request, char *room, size_t size)
{
    size_t have = 0;
    const char *body = NULL;
    long length = -1;
    if (send(fd, request, strlen(request), MSG_NOSIGNAL) < 0)
        return -1;
    while (!body || (long)(have - (size_t)(body - room)) < length) {
        ssize_t got = recv(fd, room + have, size - 1 - have, 0);
        if (got <= 0)
            return -1;
        have += (size_t)got;
        room[have] = 0;
        if (!body && (body = strstr(room, "\r\n\r\n"))) {
            body += 4;
            const char *field = strstr(room, "Content-Length: ");
            length = field ? strtol(field + 16, NULL, 10) : -1;
        }
    }
    return strncmp(room, "HTTP/1.1 200", 12) == 0 ? length : -1;
}

#endif
