/* SPDX-License-Identifier: MIT */
#include "daemon_facts.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NAME "(engramd)"

/* When a process started, as its /proc/PID/stat says, Unix time; NAN if it is no engramd. */
static double started(const char *pid)
{
    char path[300], text[1024];
    unsigned long long ticks;
    struct timespec wall, boot;
    snprintf(path, sizeof path, "/proc/%s/stat", pid);
    FILE *file = fopen(path, "re");
    size_t length = file ? fread(text, 1, sizeof text - 1, file) : 0;
    if (file)
        fclose(file);
    text[length] = 0;
    const char *name = strchr(text, ' ');
    if (!name || strncmp(name + 1, NAME, strlen(NAME)) != 0 ||
        sscanf(name + 1 + strlen(NAME),
               " %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu",
               &ticks) != 1)
        return NAN;
    clock_gettime(CLOCK_REALTIME, &wall);
    clock_gettime(CLOCK_BOOTTIME, &boot);
    return (double)(wall.tv_sec - boot.tv_sec) + (double)(wall.tv_nsec - boot.tv_nsec) * 1e-9 +
           (double)ticks / (double)sysconf(_SC_CLK_TCK);
}

/* The wall clock may have been set since the daemon looked at it, though not by more than this. */
#define APART_MOST 2.0

pid_t daemon_pid(const struct daemon_facts *facts)
{
    DIR *all = opendir("/proc");
    pid_t pid = 0;
    double least = APART_MOST;
    for (struct dirent *entry; all && (entry = readdir(all));) {
        bool is_process = *entry->d_name >= '1' && *entry->d_name <= '9';
        double apart = is_process ? fabs(started(entry->d_name) - facts->started) : NAN;
        if (apart < least) {
            least = apart;
            pid = (pid_t)atol(entry->d_name);
        }
    }
    if (all)
        closedir(all);
    return pid;
}
