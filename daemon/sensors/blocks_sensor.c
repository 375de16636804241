/* SPDX-License-Identifier: MIT */
#include "daemon/sensors/blocks_sensor.h"
#include "daemon/sensors/sensors.h"
#include "shmlib/guard.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Hundreds of CPUs have many blocks, and these seldom become more. */
#define EVERY 5

struct blocks_sensor {
    struct figures *figures;
    struct snapshot_store *store;
    const struct topology *topology;
    uint32_t nodes;
    uint32_t *of_nodes; /* figures */
    uint64_t *bytes;    /* of each node */
    const struct reader *reading;
    uint32_t turn;
};

static bool add_node(struct blocks_sensor *sensor, uint32_t node)
{
    char labels[64];
    snprintf(labels, sizeof labels, "component=\"metrics_counters\",node=\"%" PRIu32 "\"", node);
    sensor->of_nodes[node] =
        figures_add(sensor->figures, ENGRAM_NUMA_ALLOCATION, labels, SENSOR_LIFETIME_SLOW);
    return sensor->of_nodes[node] != FIGURE_NONE;
}

struct blocks_sensor *blocks_sensor_new(struct figures *figures, struct snapshot_store *store,
                                        const struct topology *topology)
{
    struct blocks_sensor *sensor = calloc(1, sizeof *sensor);
    if (!sensor)
        return NULL;
    sensor->figures = figures;
    sensor->store = store;
    sensor->topology = topology;
    sensor->nodes = topology_nodes(topology);
    sensor->of_nodes = calloc(sensor->nodes, sizeof *sensor->of_nodes);
    sensor->bytes = calloc(sensor->nodes, sizeof *sensor->bytes);
    bool good = sensor->of_nodes && sensor->bytes;
    for (uint32_t node = 0; good && node < sensor->nodes; node++)
        if (topology_node_has_cpus(topology, node))
            good = add_node(sensor, node);
        else
            sensor->of_nodes[node] = FIGURE_NONE;
    if (good)
        return sensor;
    blocks_sensor_free(sensor);
    return NULL;
}

void blocks_sensor_free(struct blocks_sensor *sensor)
{
    free(sensor->of_nodes);
    free(sensor->bytes);
    free(sensor);
}

/* Under guard: its file may be cut short at any time. */
static void add_region(void *argument)
{
    struct blocks_sensor *sensor = argument;
    const struct engram_region *h = &sensor->reading->header;
    for (uint32_t cpu = 0; cpu < h->cpus; cpu++) {
        uint32_t node = topology_node_of_cpu(sensor->topology, cpu);
        for (uint32_t chunk = 0; chunk < h->chunks; chunk++)
            if (reader_has_block(sensor->reading, chunk, cpu))
                sensor->bytes[node] += ENGRAM_CHUNK_SIZE;
    }
}

void blocks_sensor_read(void *argument)
{
    struct blocks_sensor *sensor = argument;
    if (sensor->turn++ % EVERY)
        return;
    struct plan *plan = snapshot_hold_plan(sensor->store);
    memset(sensor->bytes, 0, sensor->nodes * sizeof *sensor->bytes);
    for (uint32_t i = 0; plan && i < plan->region_count; i++) {
        sensor->reading = plan->regions[i].region->reader;
        guard_run(add_region, sensor); /* who cuts it short loses what he has on show */
    }
    if (plan)
        plan_release(plan);
    for (uint32_t node = 0; node < sensor->nodes; node++)
        figures_set(sensor->figures, sensor->of_nodes[node], (double)sensor->bytes[node]);
}
