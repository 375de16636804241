/* SPDX-License-Identifier: MIT */
#include "daemon/regions/main_process.h"
#include "daemon/base/small_file.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>

static bool is_in_our_namespace(const struct engram_region *header)
{
    struct stat status;
    return stat("/proc/self/ns/pid", &status) == 0 && status.st_ino == header->pid_namespace;
}

struct process {
    char state;
    unsigned threads;
    uint64_t start_time;
};

/* proc(5), /proc/[pid]/stat: fields 3, 20 and 22, counted from behind the name.  False when they
 * are hidden from us. */
static bool read_stat(pid_t pid, struct process *process)
{
    char path[48], text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    small_file_read(path, text, sizeof text);
    const char *fields = strrchr(text, ')');
    return fields && sscanf(fields + 1,
                            " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
                            "%u %*s %" SCNu64,
                            &process->state, &process->threads, &process->start_time) == 3;
}

/* A first thread that has ended is a zombie, too, until the last one has. */
static bool has_ended(const struct process *process)
{
    return process->threads <= 1 && (process->state == 'Z' || process->state == 'X');
}

enum main_process main_process_ask(const struct engram_region *header)
{
    pid_t pid = (pid_t)header->pid;
    struct process process;
    if (pid <= 0 || !is_in_our_namespace(header))
        return MAIN_PROCESS_UNKNOWN;
    if (kill(pid, 0) && errno == ESRCH)
        return MAIN_PROCESS_GONE;
    if (!read_stat(pid, &process))
        return MAIN_PROCESS_RUNS; /* it is there, but not ours to look at */
    return process.start_time == header->start_time && !has_ended(&process) ? MAIN_PROCESS_RUNS
                                                                            : MAIN_PROCESS_GONE;
}
