/* SPDX-License-Identifier: MIT */
#include "daemon/sensing.h"
#include "daemon/pmu/boxes.h"
#include "daemon/pmu/model.h"

#include <stdlib.h>
#include <string.h>

static struct pmu *make_pmu(const struct topology *topology, const char *sysroot)
{
    struct pmu_group *groups =
        calloc(PMU_GENERIC_GROUPS + MODEL_GROUPS + BOXES_GROUPS, sizeof *groups);
    uint32_t count = PMU_GENERIC_GROUPS;
    if (!groups)
        return NULL;
    memcpy(groups, pmu_generic, sizeof pmu_generic);
    model_groups(groups + count);
    count += MODEL_GROUPS;
    count += boxes_find(sysroot, groups + count);
    struct pmu *pmu = pmu_new(topology, groups, count, &perf_kernel);
    free(groups);
    return pmu;
}

static bool add_pmu(struct sensing *s)
{
    s->pmu = make_pmu(s->with.topology, s->with.config->sysroot);
    s->pmu_sensor = s->pmu ? pmu_sensor_new(s->figures, s->pmu, s->with.topology) : NULL;
    return s->pmu_sensor &&
           sensors_add(s->sensors, SENSOR_STEADY, "pmu", pmu_sensor_read, s->pmu_sensor);
}

static bool add_numa(struct sensing *s)
{
    s->numa = numa_new(s->with.config->sysroot, topology_nodes(s->with.topology));
    s->numa_sensor = s->numa ? numa_sensor_new(s->figures, s->numa, s->live) : NULL;
    return s->numa_sensor &&
           sensors_add(s->sensors, SENSOR_STEADY, "numa", numa_sensor_read, s->numa_sensor);
}

static bool add_bandwidth(struct sensing *s)
{
    s->resctrl = resctrl_new(s->with.config->sysroot, s->with.topology);
    const struct bandwidth_sources sources = {s->with.topology, s->pmu, s->resctrl, s->live,
                                              s->with.config->cross_socket_capacity};
    s->bandwidth_sensor = s->resctrl ? bandwidth_sensor_new(s->figures, &sources) : NULL;
    return s->bandwidth_sensor && sensors_add(s->sensors, SENSOR_SLOW, "bandwidth",
                                              bandwidth_sensor_read, s->bandwidth_sensor);
}

static bool add_cpus(struct sensing *s)
{
    s->cpus_sensor =
        cpus_sensor_new(s->with.config->sysroot, topology_possible_cpus(s->with.topology), s->live);
    return s->cpus_sensor &&
           sensors_add(s->sensors, SENSOR_SLOW, "cpus", cpus_sensor_read, s->cpus_sensor);
}

static bool add_blocks(struct sensing *s)
{
    s->blocks_sensor = blocks_sensor_new(s->figures, s->with.store, s->with.topology);
    return s->blocks_sensor &&
           sensors_add(s->sensors, SENSOR_SLOW, "blocks", blocks_sensor_read, s->blocks_sensor);
}

static bool add_threads(struct sensing *s)
{
    s->threads = threads_new(s->with.config->sysroot);
    s->threads_sensor = (struct threads_sensor){s->with.store, s->threads};
    return s->threads &&
           sensors_add(s->sensors, SENSOR_SLOW, "threads", threads_sensor_read, &s->threads_sensor);
}

static bool add_pressure(struct sensing *s)
{
    s->pressure_sensor = pressure_sensor_new(s->figures, s->with.config->sysroot);
    return s->pressure_sensor && sensors_add(s->sensors, SENSOR_SLOW, "pressure",
                                             pressure_sensor_read, s->pressure_sensor);
}

static bool add_processes(struct sensing *s)
{
    const struct process_sources sources = {s->with.config->sysroot, s->with.store, &perf_kernel,
                                            topology_nodes(s->with.topology)};
    s->process_sensor = process_sensor_new(&sources);
    return s->process_sensor && sensors_add(s->sensors, SENSOR_SLOW, "processes",
                                            process_sensor_read, s->process_sensor);
}

static bool add_canary(struct sensing *s)
{
    s->canary = canary_new(s->figures, simd_sets);
    return s->canary && sensors_add(s->sensors, SENSOR_SLOW, "canary", canary_run, s->canary);
}

static bool add_regression(struct sensing *s)
{
    s->regression = regression_new(s->figures, s->with.store);
    return s->regression &&
           sensors_add(s->sensors, SENSOR_FAST, "regression", regression_read, s->regression);
}

static void on_health(void *feed, enum health_component component, enum health_state before,
                      enum health_state now)
{
    feed_health(feed, component, before, now);
}

/* Behind those whose readings it is about. */
static bool add_health(struct sensing *s)
{
    const struct check_sources sources = {s->with.config->sysroot, s->threads,    s->canary,
                                          s->numa_sensor,          s->pmu_sensor, s->with.store};
    s->health = health_new(s->figures);
    s->checks = s->health ? checks_new(s->health, &sources) : NULL;
    if (s->health)
        health_tell(s->health, on_health, s->with.feed);
    return s->checks && sensors_add(s->sensors, SENSOR_FAST, "health", health_assess, s->health);
}

static void on_alert(void *sensing, uint32_t number, enum alert_state before, enum alert_state now)
{
    const struct sensing *s = sensing;
    feed_alert(s->with.feed, number, before, now);
    feed_ring(s->with.feed); /* it need not wait for the next tick */
    if (s->command)
        command_tell(s->command, number, before, now);
}

static void on_command_ended(void *self, enum command_result result)
{
    self_command_ended(self, result);
}

static bool start_command(struct sensing *s)
{
    if (!s->with.config->alert_command)
        return true;
    self_commands(s->with.self);
    s->command = command_new(s->with.config->alert_command, COMMAND_TIMEOUT_MS, on_command_ended,
                             s->with.self);
    return s->command != NULL;
}

/* The last of the fast ones, so that it is about what all have seen. */
static bool add_alerting(struct sensing *s)
{
    s->alerting = alerting_new(s->figures, s->with.store);
    if (s->alerting)
        alerting_tell(s->alerting, on_alert, s);
    return s->alerting &&
           sensors_add(s->sensors, SENSOR_FAST, "alerts", alerting_look, s->alerting);
}

bool sensing_make(struct sensing *s, const struct sensing_sources *sources)
{
    const struct topology *topology = sources->topology;
    s->with = *sources;
    s->live = live_new(topology_possible_cpus(topology), topology_nodes(topology));
    s->figures = s->live ? figures_new() : NULL;
    s->sensors = s->figures ? sensors_new(s->figures, s->with.pace) : NULL;
    return s->sensors && add_pmu(s) && add_numa(s) && add_bandwidth(s) && add_cpus(s) &&
           add_blocks(s) && add_threads(s) && add_processes(s) && add_pressure(s) &&
           add_canary(s) && add_regression(s) && add_health(s) && add_alerting(s);
}

bool sensing_start(struct sensing *s)
{
    return start_command(s) && sensors_start(s->sensors);
}

bool sensing_stop(struct sensing *s)
{
    return !s->sensors || sensors_stop(s->sensors);
}

void sensing_learn(struct sensing *s)
{
    regression_learn(s->regression);
    checks_learn(s->checks);
}

void sensing_unmake(struct sensing *s)
{
    if (s->sensors)
        sensors_free(s->sensors);
    if (s->command)
        command_free(s->command);
    if (s->alerting)
        alerting_free(s->alerting);
    if (s->health)
        health_free(s->health);
    if (s->checks)
        checks_free(s->checks);
    if (s->regression)
        regression_free(s->regression);
    if (s->canary)
        canary_free(s->canary);
    if (s->pressure_sensor)
        pressure_sensor_free(s->pressure_sensor);
    if (s->process_sensor)
        process_sensor_free(s->process_sensor);
    if (s->blocks_sensor)
        blocks_sensor_free(s->blocks_sensor);
    if (s->cpus_sensor)
        cpus_sensor_free(s->cpus_sensor);
    if (s->bandwidth_sensor)
        bandwidth_sensor_free(s->bandwidth_sensor);
    if (s->resctrl)
        resctrl_free(s->resctrl);
    if (s->numa_sensor)
        numa_sensor_free(s->numa_sensor);
    if (s->numa)
        numa_free(s->numa);
    if (s->pmu_sensor)
        pmu_sensor_free(s->pmu_sensor);
    if (s->pmu)
        pmu_free(s->pmu);
    if (s->threads)
        threads_free(s->threads);
    if (s->figures)
        figures_free(s->figures);
    if (s->live)
        live_free(s->live);
}
