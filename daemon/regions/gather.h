/* SPDX-License-Identifier: MIT */
/*
 * Adding up what one region holds, by memory node: for a collector what belongs
 * to its socket, for a region whose process has ended all of it.
 */
#ifndef ENGRAMD_GATHER_H
#define ENGRAMD_GATHER_H

#include "daemon/machine/topology.h"
#include "shmlib/sum.h"

/* Everything of one placement that is read from one region. */
struct sources {
    struct source *all;
    uint32_t count;
};

#define ANY_SOCKET UINT32_MAX

struct gathering {
    const struct reader *reader;
    const struct sources *of; /* by enum engram_placement */
    const struct topology *topology;
    uint32_t socket;          /* or ANY_SOCKET */
    union word *const *nodes; /* a row for each node of the socket that has CPUs */
    union word *host;         /* the row of what exists once; NULL leaves it out */
};

/* Adds to the rows.  Reads the mapping and so must run inside guard_run(). */
void gather(const struct gathering *gathering);

/* Whether a collector of the socket reads a CPU's, or a node's, copy. */
bool gathers_cpu(const struct gathering *gathering, uint32_t cpu);
bool gathers_node(const struct gathering *gathering, uint32_t node);

#endif
