/* SPDX-License-Identifier: MIT */
/*
 * Makes one thread of another process hang, where it sleeps and holds nothing,
 * until standard input ends:
 *
 *     freezer TID
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* The number of the system call that the stopped thread is in, -1 if it is in none. */
static long system_call(pid_t thread)
{
    char path[64];
    long number = -1;
    snprintf(path, sizeof path, "/proc/%d/syscall", (int)thread);
    FILE *file = fopen(path, "re");
    if (file && fscanf(file, "%ld", &number) != 1)
        number = -1;
    if (file)
        fclose(file);
    return number;
}

/* Between two rounds of its work, when it holds no lock. */
static bool rests(pid_t thread)
{
    long call = system_call(thread);
#ifdef SYS_poll
    if (call == SYS_poll)
        return true;
#endif
    return call == SYS_clock_nanosleep || call == SYS_ppoll;
}

static void stop(pid_t thread)
{
    if (ptrace(PTRACE_INTERRUPT, thread, NULL, NULL) || waitpid(thread, NULL, __WALL) != thread) {
        perror("freezer");
        exit(1);
    }
}

int main(int argc, char **argv)
{
    pid_t thread = argc == 2 ? atoi(argv[1]) : 0;
    char byte;
    if (ptrace(PTRACE_SEIZE, thread, NULL, NULL)) {
        perror("freezer");
        return 1;
    }
    for (stop(thread); !rests(thread); stop(thread)) {
        ptrace(PTRACE_CONT, thread, NULL, NULL);
        usleep(1000);
    }
    puts("frozen");
    fflush(stdout);
    while (read(STDIN_FILENO, &byte, 1) > 0)
        continue;
    ptrace(PTRACE_DETACH, thread, NULL, NULL);
    return 0;
}
