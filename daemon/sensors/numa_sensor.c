/* SPDX-License-Identifier: MIT */
#include "daemon/sensors/numa_sensor.h"
#include "daemon/base/clock.h"
#include "daemon/base/rate.h"
#include "daemon/sensors/sensors.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define AT_ONCE 8
#define WINDOW UINT64_C(10000000000)

/* Within the window, of fewer than which a share tells nothing: a MiB a second slows nobody,
 * wherever it lies, and on a machine that is idle a single page would be all of them. */
#define PAGES_LEAST 2560

static const struct {
    enum numa_field field;
    const char *component;
} components[] = {
    {NUMA_USED, "used"}, {NUMA_FILE, "file"}, {NUMA_ANONYMOUS, "anonymous"}, {NUMA_SLAB, "slab"}};

#define COMPONENTS (sizeof components / sizeof components[0])

struct node_figures {
    uint32_t memory[COMPONENTS], remote;
    struct rate local, other;
    struct rise local_rise, other_rise;
    struct numa_node now;
};

struct numa_sensor {
    struct figures *figures;
    struct numa *numa;
    struct live *live;
    uint32_t next; /* node */
    uint32_t imbalance;
    struct numa_view view;
    struct node_figures nodes[NUMA_NODES_MOST];
};

/* Pages of a node that were allocated from elsewhere: with two nodes it is known from where. */
static uint32_t add_remote(struct numa_sensor *sensor, uint32_t target)
{
    char labels[96];
    if (numa_nodes(sensor->numa) == 2)
        snprintf(labels, sizeof labels, "source=\"software\",source_node=\"%u\",target_node=\"%u\"",
                 1 - target, target);
    else
        snprintf(labels, sizeof labels, "source=\"software\",target_node=\"%u\"", target);
    return figures_add(sensor->figures, ENGRAM_NUMA_REMOTE_RATIO, labels, SENSOR_LIFETIME);
}

static bool add_node(struct numa_sensor *sensor, uint32_t which)
{
    struct node_figures *node = &sensor->nodes[which];
    char labels[64];
    bool good = true;
    node->local.window = node->other.window = WINDOW;
    for (uint32_t i = 0; i < COMPONENTS; i++) {
        snprintf(labels, sizeof labels, "component=\"%s\",node=\"%u\"", components[i].component,
                 which);
        node->memory[i] =
            figures_add(sensor->figures, ENGRAM_NUMA_ALLOCATION, labels, SENSOR_LIFETIME);
        good &= node->memory[i] != FIGURE_NONE;
    }
    node->remote = add_remote(sensor, which);
    return good && node->remote != FIGURE_NONE;
}

struct numa_sensor *numa_sensor_new(struct figures *figures, struct numa *numa, struct live *live)
{
    struct numa_sensor *sensor = calloc(1, sizeof *sensor);
    bool good = sensor;
    if (sensor) {
        sensor->figures = figures;
        sensor->numa = numa;
        sensor->live = live;
        sensor->view.links = NAN;
        sensor->imbalance = figures_add(figures, ENGRAM_NUMA_IMBALANCE,
                                        "metric_type=\"memory_allocation\"", SENSOR_LIFETIME);
        good = sensor->imbalance != FIGURE_NONE;
    }
    for (uint32_t i = 0; sensor && i < NUMA_NODES_MOST; i++)
        sensor->view.taken[i] = sensor->view.remote[i] = NAN;
    for (uint32_t i = 0; good && i < numa_nodes(numa); i++)
        good = add_node(sensor, i);
    if (good)
        return sensor;
    free(sensor);
    return NULL;
}

void numa_sensor_free(struct numa_sensor *sensor)
{
    free(sensor);
}

/* --- Each node --- */

static void take_allocations(struct node_figures *node)
{
    uint64_t now = clock_monotonic();
    node->local_rise = node->other_rise = (struct rise){0, 0};
    if (!node->now.known[NUMA_LOCAL] || !node->now.known[NUMA_OTHER])
        return;
    node->local_rise = rate_take(&node->local, now, node->now.values[NUMA_LOCAL]);
    node->other_rise = rate_take(&node->other, now, node->now.values[NUMA_OTHER]);
}

static double taken_share(const struct numa_node *now)
{
    if (!now->known[NUMA_TOTAL] || !now->known[NUMA_AVAILABLE])
        return NAN;
    double available = (double)now->values[NUMA_AVAILABLE] / (double)now->values[NUMA_TOTAL];
    return available < 1 ? 1 - available : 0;
}

static void read_node(struct numa_sensor *sensor, uint32_t which)
{
    struct node_figures *node = &sensor->nodes[which];
    numa_read(sensor->numa, which, &node->now);
    take_allocations(node);
    sensor->view.taken[which] = taken_share(&node->now);
    live_set(sensor->live, LIVE_NODE_TAKEN, which, sensor->view.taken[which]);
    for (uint32_t i = 0; i < COMPONENTS; i++) {
        enum numa_field field = components[i].field;
        figures_set(sensor->figures, node->memory[i],
                    node->now.known[field] ? (double)node->now.values[field] : NAN);
    }
}

/* --- How they compare --- */

/* Where another node is that it could have come from, and enough came from somewhere. */
static double remote_share(const struct numa_sensor *sensor, uint32_t target)
{
    bool two = numa_nodes(sensor->numa) == 2;
    const struct node_figures *node = &sensor->nodes[target];
    /* Of two nodes, what ran on the other one allocated there and here. */
    const struct rise local = two ? sensor->nodes[1 - target].local_rise : node->local_rise;
    uint64_t pages = node->other_rise.by + local.by;
    if (sensor->view.nodes < 2 || pages < PAGES_LEAST)
        return NAN;
    return (double)node->other_rise.by / (double)pages;
}

static void compare(struct numa_sensor *sensor)
{
    struct numa_view *view = &sensor->view;
    double most = 0, least = 1;
    view->nodes = 0;
    for (uint32_t i = 0; i < numa_nodes(sensor->numa); i++) {
        if (isnan(view->taken[i]))
            continue;
        view->nodes++;
        most = fmax(most, view->taken[i]);
        least = fmin(least, view->taken[i]);
    }
    view->links = live_get(sensor->live, LIVE_LINKS_BUSY, 0);
    view->imbalance = view->nodes > 1 ? most - least : NAN;
    figures_set(sensor->figures, sensor->imbalance, view->imbalance);
    for (uint32_t i = 0; i < numa_nodes(sensor->numa); i++) {
        view->remote[i] = remote_share(sensor, i);
        figures_set(sensor->figures, sensor->nodes[i].remote, view->remote[i]);
    }
}

void numa_sensor_read(void *argument)
{
    struct numa_sensor *sensor = argument;
    uint32_t nodes = numa_nodes(sensor->numa);
    for (uint32_t i = 0; i < nodes && i < AT_ONCE; i++) {
        read_node(sensor, sensor->next);
        sensor->next = (sensor->next + 1) % nodes;
    }
    compare(sensor);
}

const struct numa_view *numa_sensor_view(const struct numa_sensor *sensor)
{
    return &sensor->view;
}
