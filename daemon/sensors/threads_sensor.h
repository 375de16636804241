/* SPDX-License-Identifier: MIT */
/* Which processes record now, for who reads what their threads do. */
#ifndef ENGRAMD_THREADS_SENSOR_H
#define ENGRAMD_THREADS_SENSOR_H

#include "daemon/machine/threads.h"
#include "daemon/snapshot/snapshot.h"

struct threads_sensor {
    struct snapshot_store *store;
    struct threads *threads;
};

/* A slow sensor's `read`; its argument is a threads_sensor. */
void threads_sensor_read(void *sensor);

#endif
