/* SPDX-License-Identifier: MIT */
/* What the kernel has counted for a process since it began: /proc/PID/stat. */
#ifndef ENGRAMD_USAGE_H
#define ENGRAMD_USAGE_H

#include <stdbool.h>
#include <stdint.h>

struct usage {
    uint64_t minor_faults, major_faults; /* of all its threads, those that have ended, too */
    uint64_t start; /* clock ticks since the boot: tells it from others that have
                       had its number */
};

/* Reads below `sysroot`; false when there is no such process or it cannot be read. */
bool usage_read(const char *sysroot, uint32_t pid, struct usage *usage);

/* Of the file's text; false when it is not whole.  A name may have any character in it. */
bool usage_parse(const char *text, struct usage *usage);

#endif
