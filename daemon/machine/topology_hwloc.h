/* SPDX-License-Identifier: MIT */
/* What the two users of hwloc, topology.c and topology_describe.c, share. */
#ifndef ENGRAMD_TOPOLOGY_HWLOC_H
#define ENGRAMD_TOPOLOGY_HWLOC_H

#include <hwloc.h>

#include "daemon/machine/topology.h"

struct topology {
    hwloc_topology_t hwloc;
    char *sysroot;
    uint32_t sockets;
    uint32_t nodes;
    uint32_t cpus;
    uint32_t possible_cpus;
    uint32_t home; /* the first node that has CPUs */
    uint32_t *node_of_cpu;
    uint32_t *socket_of_node; /* UINT32_MAX for a node without CPUs */
};

#endif
