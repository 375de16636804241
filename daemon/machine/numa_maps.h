/* SPDX-License-Identifier: MIT */
/*
 * How much of a process' memory lies on which node: /proc/PID/numa_maps.  The kernel walks all
 * its pages for that and holds the lock of its mappings meanwhile, so who asks does it seldom.
 */
#ifndef ENGRAMD_NUMA_MAPS_H
#define ENGRAMD_NUMA_MAPS_H

#include "daemon/machine/numa.h"

enum numa_maps_reason {
    NUMA_MAPS_READ,
    NUMA_MAPS_GONE,       /* the process or its first thread has ended, or there is no such file */
    NUMA_MAPS_PERMISSION, /* of another user, and without CAP_SYS_PTRACE */
    NUMA_MAPS_SLOW,       /* it was given up after a quarter of a second */
    NUMA_MAPS_FAILED,     /* anything else */
    NUMA_MAPS_REASONS
};

const char *numa_maps_word(enum numa_maps_reason reason); /* "" for NUMA_MAPS_READ */

/* Sets resident bytes of `nodes` nodes, if it was read.  What several mappings share counts for
 * each. */
enum numa_maps_reason numa_maps_read(const char *sysroot, uint32_t pid, uint64_t *bytes,
                                     uint32_t nodes);

/* Adds what a line says; one that is not understood adds nothing. */
void numa_maps_parse(const char *line, uint64_t *bytes, uint32_t nodes);

#endif
