/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "daemon/collector.h"
#include "daemon/clock.h"
#include "daemon/log.h"
#include "shmlib/events.h"
#include "shmlib/guard.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct collector {
    struct snapshot_store *store;
    const struct topology *topology;
    struct self *self;
    uint32_t socket;
    uint64_t tick; /* ns */
    pthread_t thread;
    atomic_bool *stop;
};

struct collectors {
    atomic_bool stop;
    uint32_t count;
    struct collector each[];
};

/* One region's share of a partial, read under guard. */
struct share {
    struct collector *collector;
    const struct plan_region *region;
    struct gathering gathering;
};

static void drain_copy(const struct share *share, struct copy copy)
{
    struct region *region = share->region->region;
    uint64_t *cursor =
        &region->cursors[copy.of_cpu ? region->reader->header.nodes + copy.index : copy.index];
    struct drained drained;
    events_drain(region->reader, copy, share->region->ring, cursor, &drained);
    self_saw_events(share->collector->self, share->collector->socket, &drained,
                    share->region->alive);
}

static void drain_rings(const struct share *share)
{
    const struct engram_region *h = &share->region->region->reader->header;
    if (share->region->ring == UINT32_MAX)
        return;
    for (uint32_t cpu = 0; cpu < h->cpus; cpu++)
        if (gathers_cpu(&share->gathering, cpu))
            drain_copy(share, (struct copy){true, cpu});
    for (uint32_t node = 0; node < h->nodes; node++)
        if (gathers_node(&share->gathering, node))
            drain_copy(share, (struct copy){false, node});
}

static void read_share(void *argument)
{
    const struct share *share = argument;
    gather(&share->gathering);
    drain_rings(share);
}

/* Starts the rows at what ended processes left. */
static void add_bases(const struct plan *plan, const struct topology *topology,
                      struct partial *partial)
{
    for (uint32_t i = 0; i < plan->base_count; i++) {
        const struct plan_base *base = &plan->bases[i];
        const struct engram_descriptor *d = base->total->record.descriptor;
        bool single = d->placement == ENGRAM_SINGLE;
        uint32_t rows = total_row_count(plan->totals, d);
        for (uint32_t row = 0; row < rows; row++) {
            union word *to =
                single ? partial->host : partial->nodes[topology_shown_node(topology, row)];
            if (to)
                sum_add(d, to + base->at, base->total->rows[row]);
        }
    }
}

static void collect(struct collector *collector)
{
    struct plan *plan = snapshot_hold_plan(collector->store);
    if (!plan)
        return;
    uint64_t start = clock_monotonic();
    struct partial *partial = partial_new(plan, collector->topology, collector->socket);
    for (uint32_t i = 0; partial && partial->host && i < plan->gauge_count; i++)
        partial->host[plan->gauges[i]].count = ENGRAM_GAUGE_UNSET;
    if (partial)
        add_bases(plan, collector->topology, partial);
    for (uint32_t i = 0; partial && i < plan->region_count; i++) {
        const struct plan_region *region = &plan->regions[i];
        struct share share = {collector,
                              region,
                              {.reader = region->region->reader,
                               .of = region->of,
                               .topology = collector->topology,
                               .socket = collector->socket,
                               .nodes = partial->nodes,
                               .host = partial->host}};
        if (!guard_run(read_share, &share))
            atomic_store(&region->region->truncated, true);
    }
    plan_release(plan);
    self_collected(collector->self, collector->socket, clock_monotonic() - start, partial != NULL);
    if (partial)
        snapshot_publish_partial(collector->store, collector->socket, partial);
}

static void pin(const struct collector *collector)
{
    if (!topology_bind(collector->topology, collector->socket))
        log_event(LOG_LEVEL_WARNING, "collector runs unpinned: its socket's CPUs are not allowed",
                  "socket=%u error=%s", collector->socket, strerror(errno));
}

static void *collector_run(void *argument)
{
    struct collector *collector = argument;
    pin(collector);
    snapshot_thread_start();
    while (!atomic_load(collector->stop)) {
        collect(collector);
        clock_sleep_until_multiple(collector->tick);
    }
    snapshot_thread_stop();
    return NULL;
}

struct collectors *collectors_start(struct snapshot_store *store, const struct topology *topology,
                                    struct self *self, uint32_t tick_ms)
{
    uint32_t sockets = topology_sockets(topology);
    struct collectors *all = calloc(1, sizeof *all + sockets * sizeof all->each[0]);
    if (!all)
        return NULL;
    for (uint32_t i = 0; i < sockets; i++) {
        struct collector *one = &all->each[i];
        *one = (struct collector){.store = store, .topology = topology, .self = self, .socket = i};
        one->tick = (uint64_t)tick_ms * 1000000;
        one->stop = &all->stop;
        int error = pthread_create(&one->thread, NULL, collector_run, one);
        if (error) {
            collectors_stop(all);
            errno = error;
            return NULL;
        }
        all->count++;
    }
    return all;
}

void collectors_stop(struct collectors *collectors)
{
    atomic_store(&collectors->stop, true);
    for (uint32_t i = 0; i < collectors->count; i++)
        pthread_join(collectors->each[i].thread, NULL);
    free(collectors);
}

void collect_once(struct snapshot_store *store, const struct topology *topology, struct self *self)
{
    for (uint32_t i = 0; i < topology_sockets(topology); i++) {
        struct collector one = {.store = store, .topology = topology, .self = self, .socket = i};
        collect(&one);
    }
}
