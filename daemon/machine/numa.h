/* SPDX-License-Identifier: MIT */
/*
 * The memory of each node, and from where it was allocated, by
 * /sys/devices/system/node/nodeN/{meminfo,numastat}.  For one thread.
 */
#ifndef ENGRAMD_NUMA_H
#define ENGRAMD_NUMA_H

#include <stdbool.h>
#include <stdint.h>

#define NUMA_NODES_MOST 64

/* Bytes of a node, or pages that were allocated there since the boot, by where their process ran.
 */
enum numa_field {
    NUMA_TOTAL,
    NUMA_FREE,
    NUMA_USED,
    NUMA_FILE,
    NUMA_ANONYMOUS,
    NUMA_SLAB,
    NUMA_AVAILABLE, /* free, or given back without swapping: an estimate, see numa.c */
    NUMA_LOCAL,     /* pages: their process ran on the node */
    NUMA_OTHER,     /* or elsewhere */
    NUMA_FIELDS
};

struct numa_node {
    bool known[NUMA_FIELDS];
    uint64_t values[NUMA_FIELDS];
};

struct numa;

/* Reads below `sysroot` of nodes 0 to `nodes` - 1, of NUMA_NODES_MOST at most.  NULL when there is
 * no memory. */
struct numa *numa_new(const char *sysroot, uint32_t nodes);
void numa_free(struct numa *numa);

uint32_t numa_nodes(const struct numa *numa);

/* A node as it is now; one that is not there, or has no memory, has no field that is known. */
void numa_read(struct numa *numa, uint32_t node, struct numa_node *now);

/* What was said when it was read last: the word of a source's reason, "" where it was good. */
const char *numa_reason(const struct numa *numa, uint32_t node);

#endif
