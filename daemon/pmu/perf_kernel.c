/* SPDX-License-Identifier: MIT */
#include "daemon/pmu/perf.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Clients and regions need descriptors, too: half of them is enough. */
static int refuse_beyond_half(int file)
{
    struct rlimit files;
    if (file < 0 || getrlimit(RLIMIT_NOFILE, &files) || (rlim_t)file < files.rlim_cur / 2)
        return file;
    close(file);
    errno = EMFILE;
    return -1;
}

static int kernel_open(struct perf_event_attr *attr, int cpu, int group)
{
    return refuse_beyond_half(
        (int)syscall(SYS_perf_event_open, attr, -1, cpu, group, PERF_FLAG_FD_CLOEXEC));
}

static int kernel_open_thread(struct perf_event_attr *attr, int thread)
{
    attr->inherit = 1;
    attr->inherit_thread = 1; /* not by processes that it forks */
    return refuse_beyond_half(
        (int)syscall(SYS_perf_event_open, attr, thread, -1, -1, PERF_FLAG_FD_CLOEXEC));
}

static void kernel_close(int file)
{
    close(file);
}

const struct perf_calls perf_kernel = {kernel_open, read, kernel_close, kernel_open_thread};
