/* SPDX-License-Identifier: MIT */
/* perf_event_open(2): the calls, which tests replace, and why one fails. */
#ifndef ENGRAMD_PERF_H
#define ENGRAMD_PERF_H

#include <linux/perf_event.h>
#include <stddef.h>
#include <sys/types.h>

struct perf_calls {
    /* Counts on a CPU, whoever runs there, in the group of another descriptor or, by -1, as the
     * first of one; a descriptor, or -1 with errno. */
    int (*open)(struct perf_event_attr *attr, int cpu, int group);
    ssize_t (*read)(int file, void *to, size_t size);
    void (*close)(int file);
    /* Counts of a thread, and of all that it starts from now on, on whichever CPU; as open(). */
    int (*open_thread)(struct perf_event_attr *attr, int thread);
};

extern const struct perf_calls perf_kernel;

/* Why an event is not counted, as the label reason has it. */
enum perf_reason {
    PERF_COUNTS,
    PERF_NOT_SUPPORTED, /* this kernel, CPU or hypervisor does not have it */
    PERF_PERMISSION,    /* neither CAP_PERFMON nor a low perf_event_paranoid */
    PERF_NO_DESCRIPTORS,
    PERF_MANY_THREADS, /* more than are counted */
    PERF_BUSY,         /* somebody else has the counters for himself */
    PERF_OFFLINE,      /* no CPU of it is there */
    PERF_SILENT,       /* it can be had, and has never counted anything: some emulators do that */
    PERF_MULTIPLEXED,  /* it had a counter for less than a tenth of the time */
    PERF_FAILED,       /* anything else */
    PERF_REASONS
};

const char *perf_reason_word(enum perf_reason reason); /* "" for PERF_COUNTS */
enum perf_reason perf_reason_of(int error);            /* never PERF_COUNTS */

#endif
