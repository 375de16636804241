/* SPDX-License-Identifier: MIT */
/* numa_topology: a node that is full while others have room, and pages from other nodes. */
#ifndef ENGRAMD_NUMA_CHECK_H
#define ENGRAMD_NUMA_CHECK_H

#include "daemon/health/finding.h"
#include "daemon/sensors/numa_sensor.h"

/* A health_check; its argument is a numa_sensor of the same thread. */
struct finding numa_check_look(void *sensor);

#endif
