/* SPDX-License-Identifier: MIT */
/*
 * What goes to the memory of each node, and between sockets, as figures: by boxes
 * of the PMU, or else by what caches have moved.  No figure has both sources.
 */
#ifndef ENGRAMD_BANDWIDTH_SENSOR_H
#define ENGRAMD_BANDWIDTH_SENSOR_H

#include "daemon/machine/live.h"
#include "daemon/machine/resctrl.h"
#include "daemon/pmu/pmu.h"
#include "daemon/snapshot/figures.h"

struct bandwidth_sensor;

/* What it looks at, which lives longer than it does. */
struct bandwidth_sources {
    const struct topology *topology;
    struct pmu *pmu; /* with all that boxes_find() finds */
    struct resctrl *resctrl;
    struct live *live; /* is told how busy links are */
    double capacity;   /* of a socket's links one way, 10^9 bytes per second; 0: not known */
};

/* Adds the figures; NULL when there is no memory. */
struct bandwidth_sensor *bandwidth_sensor_new(struct figures *figures,
                                              const struct bandwidth_sources *sources);
void bandwidth_sensor_free(struct bandwidth_sensor *sensor);

/* A slow sensor's `read`; its argument is a bandwidth_sensor. */
void bandwidth_sensor_read(void *sensor);

#endif
