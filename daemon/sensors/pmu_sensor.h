/* SPDX-License-Identifier: MIT */
/* What the PMU counted, as figures: each event, and what follows from two of them. */
#ifndef ENGRAMD_PMU_SENSOR_H
#define ENGRAMD_PMU_SENSOR_H

#include "daemon/pmu/pmu.h"
#include "daemon/snapshot/figures.h"

struct pmu_sensor;

/* Adds the figures; NULL when there is no memory. */
struct pmu_sensor *pmu_sensor_new(struct figures *figures, struct pmu *pmu,
                                  const struct topology *topology);
void pmu_sensor_free(struct pmu_sensor *sensor);

/* Loads of lines that another core had changed, near and far, and all instructions. */
struct pmu_contention {
    uint64_t contended, instructions; /* of all CPUs, since the start */
    uint64_t time;                    /* CLOCK_MONOTONIC, ns */
    const char *lacking;              /* an event that is not counted */
    enum perf_reason reason;          /* why */
};

/* As they were read last, for the thread that reads; false when not all of them are counted. */
bool pmu_sensor_contention(const struct pmu_sensor *sensor, struct pmu_contention *contention);

/* A fast sensor's `read`; its argument is a pmu_sensor. */
void pmu_sensor_read(void *sensor);

#endif
