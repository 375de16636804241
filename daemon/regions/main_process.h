/* SPDX-License-Identifier: MIT */
/* Whether the process that a region was made by still runs: its forked children may outlive it. */
#ifndef ENGRAMD_MAIN_PROCESS_H
#define ENGRAMD_MAIN_PROCESS_H

#include <engram/abi.h>

enum main_process {
    MAIN_PROCESS_UNKNOWN, /* of another pid namespace, or it cannot be asked */
    MAIN_PROCESS_RUNS,
    MAIN_PROCESS_GONE, /* has ended, whether or not its parent knows */
};

/* Asks the kernel by pid and start time, as a region's header has them. */
enum main_process main_process_ask(const struct engram_region *header);

#endif
