/* SPDX-License-Identifier: MIT */
/*
 * What the kernel knows of the processes that record: page faults, switches and moves of their
 * threads, and on which nodes their memory lies, by their names.  Counters of a name go on when its
 * processes end and others come.
 */
#ifndef ENGRAMD_PROCESS_SENSOR_H
#define ENGRAMD_PROCESS_SENSOR_H

#include "daemon/pmu/perf.h"
#include "daemon/snapshot/snapshot.h"

/* Processes that are looked at, and names.  Of more processes nothing is told; of more names,
 * nothing of those whose processes have ended. */
#define PROCESS_SENSOR_NAMES 64

struct process_sensor;

/* What lives longer than it does. */
struct process_sources {
    const char *sysroot;
    struct snapshot_store *store;
    const struct perf_calls *perf;
    uint32_t nodes;
};

/* NULL when there is no memory. */
struct process_sensor *process_sensor_new(const struct process_sources *sources);
void process_sensor_free(struct process_sensor *sensor);

/* The families, NULL-terminated, for plan_input.computed; they live as long as it does. */
const struct computed_family *const *process_sensor_families(const struct process_sensor *sensor);

/* A slow sensor's `read`; its argument is a process_sensor. */
void process_sensor_read(void *sensor);

/* Writes the values that were read last into the computed row; for one thread, beside the reader.
 */
void process_sensor_fill(struct process_sensor *sensor, const struct plan *plan, union word *row);

#endif
