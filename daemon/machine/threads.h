/* SPDX-License-Identifier: MIT */
/*
 * How long the threads of some processes have run, and have waited for a CPU:
 * /proc/PID/task/TID/schedstat.  Who they are takes long to list and is looked at
 * seldom, by one thread; what they did is read often, by another.
 */
#ifndef ENGRAMD_THREADS_H
#define ENGRAMD_THREADS_H

#include <stdbool.h>
#include <stdint.h>

#define THREADS_PROCESSES_MOST 64
#define THREADS_MOST 256 /* of all processes; more are counted, and not read */

struct threads;

/* Reads below `sysroot`; NULL when there is no memory. */
struct threads *threads_new(const char *sysroot);
void threads_free(struct threads *threads);

/* From now on these processes, by their numbers; whoever is known already goes on being counted. */
void threads_find(struct threads *threads, const uint32_t *pids, uint32_t count);

/* What all of a process's threads that were read have done since they were first, in ns: neither
 * falls when a thread ends. */
struct thread_times {
    uint32_t pid;
    uint32_t threads, unread; /* now */
    uint64_t run, waited;
};

/* Up to THREADS_PROCESSES_MOST of them; how many. */
uint32_t threads_read(struct threads *threads, struct thread_times *times);

#endif
