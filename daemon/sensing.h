/* SPDX-License-Identifier: MIT */
/* What the daemon measures itself: the machine, the processes, and how they are. */
#ifndef ENGRAMD_SENSING_H
#define ENGRAMD_SENSING_H

#include "daemon/config.h"
#include "daemon/alerts/alerting.h"
#include "daemon/alerts/command.h"
#include "daemon/health/checks.h"
#include "daemon/regression/regression.h"
#include "daemon/self.h"
#include "daemon/sensors/bandwidth_sensor.h"
#include "daemon/sensors/blocks_sensor.h"
#include "daemon/sensors/cpus_sensor.h"
#include "daemon/sensors/numa_sensor.h"
#include "daemon/sensors/pmu_sensor.h"
#include "daemon/sensors/pressure_sensor.h"
#include "daemon/sensors/process_sensor.h"
#include "daemon/sensors/sensors.h"
#include "daemon/sensors/threads_sensor.h"
#include "daemon/stream/feed.h"

/* What lives longer than it does. */
struct sensing_sources {
    const struct config *config;
    const struct topology *topology;
    struct snapshot_store *store;
    struct pace *pace;
    struct feed *feed;
    struct self *self;
};

/* In the order in which it is made. */
struct sensing {
    struct sensing_sources with;
    struct live *live;
    struct figures *figures;
    struct sensors *sensors;
    struct pmu *pmu;
    struct pmu_sensor *pmu_sensor;
    struct numa *numa;
    struct numa_sensor *numa_sensor;
    struct resctrl *resctrl;
    struct bandwidth_sensor *bandwidth_sensor;
    struct cpus_sensor *cpus_sensor;
    struct blocks_sensor *blocks_sensor;
    struct threads *threads;
    struct threads_sensor threads_sensor;
    struct process_sensor *process_sensor;
    struct pressure_sensor *pressure_sensor;
    struct canary *canary;
    struct regression *regression;
    struct health *health;
    struct checks *checks;
    struct alerting *alerting;
    struct command *command; /* NULL: none is run */
};

/* False when there is no memory; to be unmade in either case. */
bool sensing_make(struct sensing *sensing, const struct sensing_sources *sources);
bool sensing_start(struct sensing *sensing);
/* False when a thread hangs that uses what is to be freed. */
bool sensing_stop(struct sensing *sensing);
/* What is usual on this machine is learned anew; for any thread. */
void sensing_learn(struct sensing *sensing);
void sensing_unmake(struct sensing *sensing);

#endif
