/* SPDX-License-Identifier: MIT */
#include "daemon/sensors/bandwidth_sensor.h"
#include "daemon/base/clock.h"
#include "daemon/base/rate.h"
#include "daemon/sensors/sensors.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW UINT64_C(10000000000)
#define GIGA 1e9

/* What boxes count. */
enum boxed { READ, WRITE, RECEIVED, SENT, BOXED };
static const char *const boxed_names[BOXED] = {"memory_read_bytes", "memory_write_bytes",
                                               "cross_socket_received_bytes",
                                               "cross_socket_sent_bytes"};
static const char *const cached_names[RESCTRL_EVENTS] = {"memory_bytes", "local_memory_bytes"};

/* Bytes per second; NAN: not known. */
struct node_traffic {
    struct rate rates[RESCTRL_EVENTS];
    uint64_t bytes[RESCTRL_EVENTS];
    double local, remote; /* of its CPUs with its own memory, and with any other */
};

struct socket_traffic {
    uint32_t node; /* TOPOLOGY_NONE: it has several */
    struct rate rates[BOXED];
    double boxed[BOXED];
    bool has_links;
};

struct node_figures {
    uint32_t read, write, any;
};

struct bandwidth_sensor {
    struct figures *figures;
    struct bandwidth_sources with;
    uint32_t socket_count, node_count;
    uint32_t events[BOXED];
    uint32_t read, write, any, busy; /* between sockets */
    uint32_t totals[RESCTRL_EVENTS], available[RESCTRL_EVENTS][RESCTRL_REASONS];
    struct socket_traffic *sockets;
    struct node_traffic *nodes;
    struct node_figures *of_nodes;
};

/* --- Making it --- */

static uint32_t add(struct bandwidth_sensor *sensor, enum engram_family family, const char *labels,
                    bool *good)
{
    uint32_t figure = figures_add(sensor->figures, family, labels, SENSOR_LIFETIME_SLOW);
    *good &= figure != FIGURE_NONE;
    return figure;
}

static uint32_t add_of_node(struct bandwidth_sensor *sensor, uint32_t node, const char *direction,
                            const char *source, bool *good)
{
    char labels[96];
    snprintf(labels, sizeof labels, "direction=\"%s\",node=\"%" PRIu32 "\",source=\"%s\"",
             direction, node, source);
    return add(sensor, ENGRAM_NUMA_MEMORY_BANDWIDTH, labels, good);
}

static void add_nodes(struct bandwidth_sensor *sensor, bool *good)
{
    for (uint32_t i = 0; i < sensor->node_count; i++) {
        struct node_figures *node = &sensor->of_nodes[i];
        node->read = add_of_node(sensor, i, "read", "pmu", good);
        node->write = add_of_node(sensor, i, "write", "pmu", good);
        node->any = add_of_node(sensor, i, "any", "resctrl", good);
        for (int event = 0; event < RESCTRL_EVENTS; event++)
            sensor->nodes[i].rates[event].window = WINDOW;
    }
}

/* As the PMU's sensor does for what that counts. */
static void add_cached(struct bandwidth_sensor *sensor, enum resctrl_event event, bool *good)
{
    char labels[128];
    snprintf(labels, sizeof labels, "event=\"%s\",source=\"resctrl\"", cached_names[event]);
    sensor->totals[event] = add(sensor, ENGRAM_HARDWARE_EVENTS, labels, good);
    for (int reason = 0; reason < RESCTRL_REASONS; reason++) {
        const char *word = resctrl_word(reason);
        snprintf(labels, sizeof labels, "event=\"%s\"%s%s%s,source=\"resctrl\"",
                 cached_names[event], *word ? ",reason=\"" : "", word, *word ? "\"" : "");
        sensor->available[event][reason] = add(sensor, ENGRAM_HARDWARE_AVAILABLE, labels, good);
    }
}

static uint32_t event_named(const struct pmu *pmu, const char *name)
{
    uint32_t event = 0;
    while (event < pmu_event_count(pmu) && strcmp(pmu_event(pmu, event)->name, name) != 0)
        event++;
    return event;
}

static bool add_all(struct bandwidth_sensor *sensor)
{
    bool good = sensor->sockets && sensor->nodes && sensor->of_nodes;
    if (!good)
        return false;
    for (uint32_t i = 0; i < sensor->socket_count; i++) {
        sensor->sockets[i].node = topology_only_node(sensor->with.topology, i);
        for (int event = 0; event < BOXED; event++)
            sensor->sockets[i].rates[event].window = WINDOW;
    }
    for (int event = 0; event < BOXED; event++)
        sensor->events[event] = event_named(sensor->with.pmu, boxed_names[event]);
    add_nodes(sensor, &good);
    sensor->read = add(sensor, ENGRAM_NUMA_BANDWIDTH, "direction=\"read\"", &good);
    sensor->write = add(sensor, ENGRAM_NUMA_BANDWIDTH, "direction=\"write\"", &good);
    sensor->any = add(sensor, ENGRAM_NUMA_BANDWIDTH, "direction=\"any\"", &good);
    sensor->busy = add(sensor, ENGRAM_NUMA_LINKS_BUSY, "", &good);
    for (int event = 0; event < RESCTRL_EVENTS; event++)
        add_cached(sensor, event, &good);
    return good;
}

struct bandwidth_sensor *bandwidth_sensor_new(struct figures *figures,
                                              const struct bandwidth_sources *sources)
{
    struct bandwidth_sensor *sensor = calloc(1, sizeof *sensor);
    if (!sensor)
        return NULL;
    sensor->figures = figures;
    sensor->with = *sources;
    sensor->socket_count = topology_sockets(sources->topology);
    sensor->node_count = topology_nodes(sources->topology);
    sensor->sockets = calloc(sensor->socket_count, sizeof *sensor->sockets);
    sensor->nodes = calloc(sensor->node_count, sizeof *sensor->nodes);
    sensor->of_nodes = calloc(sensor->node_count, sizeof *sensor->of_nodes);
    if (add_all(sensor))
        return sensor;
    bandwidth_sensor_free(sensor);
    return NULL;
}

void bandwidth_sensor_free(struct bandwidth_sensor *sensor)
{
    free(sensor->sockets);
    free(sensor->nodes);
    free(sensor->of_nodes);
    free(sensor);
}

/* --- By boxes --- */

/* All boxes of the socket, or nothing is known: some of them would be too little. */
static double boxed_rate(struct bandwidth_sensor *sensor, uint32_t socket, enum boxed event)
{
    struct rate *rate = &sensor->sockets[socket].rates[event];
    struct pmu_count count = pmu_counted(sensor->with.pmu, sensor->events[event], socket);
    if (event == SENT)
        sensor->sockets[socket].has_links = count.places > 0;
    if (count.reason == PERF_COUNTS && count.counting == count.places &&
        clock_monotonic() - count.time < WINDOW)
        return rise_per_second(rate_take(rate, count.time, (uint64_t)count.total));
    rate->count = 0;
    return NAN;
}

static void look_at_boxes(struct bandwidth_sensor *sensor)
{
    for (uint32_t i = 0; i < sensor->socket_count; i++)
        for (int event = 0; event < BOXED; event++)
            sensor->sockets[i].boxed[event] = boxed_rate(sensor, i, event);
}

/* Of all sockets that have links; NAN if one of them does not tell, or none is there. */
static double sum_of_links(const struct bandwidth_sensor *sensor, enum boxed event)
{
    double sum = 0;
    bool any = false;
    for (uint32_t i = 0; i < sensor->socket_count; i++)
        if (sensor->sockets[i].has_links) {
            sum += sensor->sockets[i].boxed[event];
            any = true;
        }
    return any ? sum : NAN;
}

/* --- By caches --- */

/* Adds up the caches of each node.  False when one is of several nodes, or not known. */
static bool sum_caches(struct bandwidth_sensor *sensor)
{
    const struct resctrl *resctrl = sensor->with.resctrl;
    for (uint32_t i = 0; i < sensor->node_count; i++)
        memset(sensor->nodes[i].bytes, 0, sizeof sensor->nodes[i].bytes);
    for (uint32_t i = 0; i < resctrl_domains(resctrl); i++) {
        const struct resctrl_domain *domain = resctrl_domain(resctrl, i);
        if (domain->node >= sensor->node_count)
            return false;
        for (int event = 0; event < RESCTRL_EVENTS; event++)
            sensor->nodes[domain->node].bytes[event] += domain->bytes[event];
    }
    return true;
}

static double cached_rate(struct node_traffic *node, enum resctrl_event event, bool known)
{
    if (known)
        return rise_per_second(
            rate_take(&node->rates[event], clock_monotonic(), node->bytes[event]));
    node->rates[event].count = 0;
    return NAN;
}

static void look_at_caches(struct bandwidth_sensor *sensor)
{
    const struct resctrl *resctrl = sensor->with.resctrl;
    resctrl_read(sensor->with.resctrl);
    bool placed = sum_caches(sensor);
    for (uint32_t i = 0; i < sensor->node_count; i++) {
        struct node_traffic *node = &sensor->nodes[i];
        double total =
            cached_rate(node, RESCTRL_TOTAL, placed && !resctrl_reason(resctrl, RESCTRL_TOTAL));
        node->local =
            cached_rate(node, RESCTRL_LOCAL, placed && !resctrl_reason(resctrl, RESCTRL_LOCAL));
        double remote = total - node->local;
        node->remote = remote < 0 ? 0 : remote;
        /* Alone there is nothing but its own memory, and no need to tell it apart. */
        if (sensor->node_count == 1)
            node->local = total;
    }
}

static void show_events(struct bandwidth_sensor *sensor)
{
    for (int event = 0; event < RESCTRL_EVENTS; event++) {
        enum resctrl_reason now = resctrl_reason(sensor->with.resctrl, event);
        double total = (double)resctrl_bytes(sensor->with.resctrl, event);
        figures_set(sensor->figures, sensor->totals[event], now == RESCTRL_COUNTS ? total : NAN);
        for (int reason = 0; reason < RESCTRL_REASONS; reason++)
            figures_set(sensor->figures, sensor->available[event][reason],
                        reason == (int)now ? reason == RESCTRL_COUNTS : NAN);
    }
}

/* With a node without CPUs, or more than two, it is not known whose memory was remote. */
static double any_of_node(const struct bandwidth_sensor *sensor, uint32_t node)
{
    const struct node_traffic *nodes = sensor->nodes;
    if (sensor->node_count == 1)
        return nodes[0].local;
    if (sensor->node_count > 2 || !topology_node_has_cpus(sensor->with.topology, 0) ||
        !topology_node_has_cpus(sensor->with.topology, 1))
        return NAN;
    return nodes[node].local + nodes[1 - node].remote;
}

/* What is remote comes from another socket where each has one node, and no node is without. */
static bool is_remote_elsewhere(const struct bandwidth_sensor *sensor)
{
    for (uint32_t i = 0; i < sensor->socket_count; i++)
        if (sensor->sockets[i].node == TOPOLOGY_NONE)
            return false;
    return sensor->socket_count > 1 && sensor->node_count == sensor->socket_count;
}

/* --- Both --- */

static void show_nodes(struct bandwidth_sensor *sensor)
{
    for (uint32_t node = 0; node < sensor->node_count; node++) {
        double read = NAN, write = NAN;
        for (uint32_t i = 0; i < sensor->socket_count; i++)
            if (sensor->sockets[i].node == node) {
                read = sensor->sockets[i].boxed[READ];
                write = sensor->sockets[i].boxed[WRITE];
            }
        bool boxed = !isnan(read) || !isnan(write);
        figures_set(sensor->figures, sensor->of_nodes[node].read, read);
        figures_set(sensor->figures, sensor->of_nodes[node].write, write);
        figures_set(sensor->figures, sensor->of_nodes[node].any,
                    boxed ? NAN : any_of_node(sensor, node));
    }
}

/* The most that a socket sent or received, or had of other sockets' memory; all are known. */
static double busiest(const struct bandwidth_sensor *sensor, bool boxed)
{
    double most = 0;
    for (uint32_t i = 0; i < sensor->socket_count; i++) {
        const struct socket_traffic *socket = &sensor->sockets[i];
        if (!boxed)
            most = fmax(most, sensor->nodes[socket->node].remote);
        else if (socket->has_links)
            most = fmax(most, fmax(socket->boxed[RECEIVED], socket->boxed[SENT]));
    }
    return most;
}

static void show_links(struct bandwidth_sensor *sensor)
{
    double read = sum_of_links(sensor, RECEIVED), write = sum_of_links(sensor, SENT);
    bool boxed = !isnan(read) || !isnan(write);
    double any = !boxed && is_remote_elsewhere(sensor) ? 0 : NAN;
    for (uint32_t i = 0; !isnan(any) && i < sensor->node_count; i++)
        any += sensor->nodes[i].remote;
    bool known = boxed ? !isnan(read + write) : !isnan(any);
    double busy = known && sensor->with.capacity > 0
                      ? busiest(sensor, boxed) / (sensor->with.capacity * GIGA)
                      : NAN;
    figures_set(sensor->figures, sensor->read, read / GIGA);
    figures_set(sensor->figures, sensor->write, write / GIGA);
    figures_set(sensor->figures, sensor->any, any / GIGA);
    figures_set(sensor->figures, sensor->busy, busy);
    live_set(sensor->with.live, LIVE_LINKS_BUSY, 0, busy);
}

void bandwidth_sensor_read(void *argument)
{
    struct bandwidth_sensor *sensor = argument;
    look_at_boxes(sensor);
    look_at_caches(sensor);
    show_events(sensor);
    show_nodes(sensor);
    show_links(sensor);
}
