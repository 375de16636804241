/* SPDX-License-Identifier: MIT */
/*
 * What memory nodes have and give, as figures: each by itself, and how they compare.
 * For the fast sensors' thread, but for what is said.
 */
#ifndef ENGRAMD_NUMA_SENSOR_H
#define ENGRAMD_NUMA_SENSOR_H

#include "daemon/machine/live.h"
#include "daemon/machine/numa.h"
#include "daemon/snapshot/figures.h"

struct numa_sensor;

/* Adds the figures of all nodes, and tells `live` what is taken; NULL when there is no memory. */
struct numa_sensor *numa_sensor_new(struct figures *figures, struct numa *numa, struct live *live);
void numa_sensor_free(struct numa_sensor *sensor);

/* A fast sensor's `read`; its argument is a numa_sensor.  Looks at eight nodes at a time. */
void numa_sensor_read(void *sensor);

/* What was found last, for the thread that reads; NAN where it is not known. */
struct numa_view {
    uint32_t nodes;                 /* with memory */
    double taken[NUMA_NODES_MOST];  /* share of the node's memory that is not available */
    double remote[NUMA_NODES_MOST]; /* share of its pages, within ten seconds, that were allocated
                                       from elsewhere */
    double links;                   /* share of what the busiest socket's links can carry */
    double imbalance; /* the most that is taken of a node less the least: both are shares */
};
const struct numa_view *numa_sensor_view(const struct numa_sensor *sensor);

#endif
