/* SPDX-License-Identifier: MIT */
/* What the kernel says about this process, in the units of the Prometheus process_* families. */
#ifndef ENGRAMD_PROCESS_STAT_H
#define ENGRAMD_PROCESS_STAT_H

#include <stdbool.h>

struct process_stat {
    bool valid; /* false: /proc could not be read, and nothing else holds */
    double cpu_seconds;
    double resident_bytes;
    double virtual_bytes;
    double open_fds;
    double max_fds;
    double threads;
    double start_time; /* seconds since the epoch */
};

/* Into what was zero at first: the start stays what it was then. */
void process_stat_read(struct process_stat *stat);

#endif
