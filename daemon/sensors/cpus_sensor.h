/* SPDX-License-Identifier: MIT */
/* How busy each CPU is, by /proc/stat. */
#ifndef ENGRAMD_CPUS_SENSOR_H
#define ENGRAMD_CPUS_SENSOR_H

#include "daemon/machine/live.h"

struct cpus_sensor;

/* Reads below `sysroot`, of CPUs below `cpus`; NULL when there is no memory. */
struct cpus_sensor *cpus_sensor_new(const char *sysroot, uint32_t cpus, struct live *live);
void cpus_sensor_free(struct cpus_sensor *sensor);

/* A slow sensor's `read`; its argument is a cpus_sensor. */
void cpus_sensor_read(void *sensor);

#endif
