/* SPDX-License-Identifier: MIT */
/* How long tasks have waited for CPUs, memory and disks, by /proc/pressure, as figures. */
#ifndef ENGRAMD_PRESSURE_SENSOR_H
#define ENGRAMD_PRESSURE_SENSOR_H

#include "daemon/snapshot/figures.h"

struct pressure_sensor;

/* Reads below `sysroot` and adds the figures; NULL when there is no memory. */
struct pressure_sensor *pressure_sensor_new(struct figures *figures, const char *sysroot);
void pressure_sensor_free(struct pressure_sensor *sensor);

/* A slow sensor's `read`; its argument is a pressure_sensor. */
void pressure_sensor_read(void *sensor);

#endif
