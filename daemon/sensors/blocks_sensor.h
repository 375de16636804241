/* SPDX-License-Identifier: MIT */
/* How much memory regions have for the counters of each node's CPUs, as figures. */
#ifndef ENGRAMD_BLOCKS_SENSOR_H
#define ENGRAMD_BLOCKS_SENSOR_H

#include "daemon/snapshot/figures.h"
#include "daemon/snapshot/snapshot.h"

struct blocks_sensor;

/* Adds the figures of all nodes; NULL when there is no memory. */
struct blocks_sensor *blocks_sensor_new(struct figures *figures, struct snapshot_store *store,
                                        const struct topology *topology);
void blocks_sensor_free(struct blocks_sensor *sensor);

/* A slow sensor's `read`, that looks each fifth time; its argument is a blocks_sensor. */
void blocks_sensor_read(void *sensor);

#endif
