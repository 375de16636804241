/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "daemon/collect/collector.h"
#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/collect/drain.h"
#include "shmlib/guard.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define OUT_NS UINT64_C(3000000000) /* without a collection: what is shown would be old */
#define OUT_TICKS 3
#define PIN_NS UINT64_C(1000000000)
#define REPLACE 3      /* times as long: whoever is only slow gets a chance */
#define HUNG_MOST 4    /* threads of one socket; beyond, only a restart helps */
#define STOP_SECONDS 2 /* for a thread to end */
#define CPU_SETS 4     /* of 1024 CPUs each */

struct collector {
    struct collector_options with;
    uint32_t socket;
    pthread_t thread;
    const atomic_bool *stop;
    _Atomic uint64_t beat; /* when it last ended a collection, CLOCK_MONOTONIC, ns */
    atomic_bool replaced;  /* it is to leave, without a word */
    atomic_bool has_left;
    uint64_t pinned_at;         /* when that was last tried, CLOCK_MONOTONIC, ns */
    bool unpinned;              /* and it could not be, which the log has said */
    cpu_set_t pinned[CPU_SETS]; /* where that left it */
    bool told;                  /* the log has been told that it hangs */
    struct collector *older;    /* that hung before it */
};

struct collectors {
    atomic_bool stop;
    uint32_t count;
    struct collector *newest[]; /* by socket */
};

/* One region's share of a partial, read under guard. */
struct share {
    struct collector *collector;
    const struct plan_region *region;
    struct gathering gathering;
};

static void read_share(void *argument)
{
    const struct share *share = argument;
    const struct collector *of = share->collector;
    const struct drain drain = {of->with.topology, of->with.self, of->with.feed, of->with.pace,
                                of->socket};
    gather(&share->gathering);
    drain_rings(&drain, share->region);
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
    struct plan *plan = snapshot_hold_plan(collector->with.store);
    if (!plan)
        return;
    uint64_t start = clock_monotonic();
    struct partial *partial = partial_new(collector->with.store, plan, collector->socket);
    for (uint32_t i = 0; partial && partial->host && i < plan->gauge_count; i++)
        partial->host[plan->gauges[i]].count = ENGRAM_GAUGE_UNSET;
    if (partial)
        add_bases(plan, collector->with.topology, partial);
    for (uint32_t i = 0; partial && i < plan->region_count; i++) {
        const struct plan_region *region = &plan->regions[i];
        struct share share = {collector,
                              region,
                              {.reader = region->region->reader,
                               .of = region->of,
                               .topology = collector->with.topology,
                               .socket = collector->socket,
                               .nodes = partial->nodes,
                               .host = partial->host}};
        if (!guard_run(read_share, &share))
            atomic_store(&region->region->truncated, true);
    }
    plan_release(plan);
    if (!atomic_load(&collector->replaced))
        self_collected(collector->with.self, collector->socket, clock_monotonic() - start,
                       partial != NULL);
    if (partial)
        snapshot_publish_partial(collector->with.store, collector->socket, partial);
}

static bool is_still_pinned(const struct collector *collector)
{
    cpu_set_t now[CPU_SETS] = {0};
    return collector->pinned_at && !collector->unpinned &&
           sched_getaffinity(0, sizeof now, now) == 0 &&
           CPU_EQUAL_S(sizeof now, now, collector->pinned);
}

/* Again and again, since a cpuset that is changed moves the thread, and lets it stay there. */
static void pin(struct collector *collector)
{
    uint64_t now = clock_monotonic();
    if (collector->pinned_at && now - collector->pinned_at < PIN_NS)
        return;
    bool still = is_still_pinned(collector);
    collector->pinned_at = now;
    if (still)
        return;
    bool pinned = topology_bind(collector->with.topology, collector->socket);
    if (!pinned && !collector->unpinned)
        log_event(LOG_LEVEL_WARNING, "collector runs unpinned: its socket's CPUs are not allowed",
                  "socket=%u error=%s", collector->socket, strerror(errno));
    collector->unpinned = !pinned;
    sched_getaffinity(0, sizeof collector->pinned, collector->pinned);
}

static void *collector_run(void *argument)
{
    struct collector *collector = argument;
    char name[16];
    snprintf(name, sizeof name, "collector/%u", collector->socket);
    pthread_setname_np(pthread_self(), name);
    snapshot_thread_start();
    while (!atomic_load(collector->stop) && !atomic_load(&collector->replaced)) {
        pin(collector);
        collect(collector);
        if (collector->with.pmu)
            pmu_collect(collector->with.pmu, collector->socket);
        atomic_store(&collector->beat, clock_monotonic());
        pace_spent(collector->with.pace);
        clock_sleep_until_multiple(pace_tick(collector->with.pace));
    }
    snapshot_thread_stop();
    atomic_store(&collector->has_left, true);
    return NULL;
}

/* False, with errno, when a thread cannot be started. */
static bool start_one(struct collectors *all, uint32_t socket, const struct collector_options *with)
{
    struct collector *one = calloc(1, sizeof *one);
    if (!one)
        return false;
    one->with = *with;
    one->socket = socket;
    one->stop = &all->stop;
    one->older = all->newest[socket];
    atomic_init(&one->beat, clock_monotonic());
    errno = pthread_create(&one->thread, NULL, collector_run, one);
    if (errno) {
        free(one);
        return false;
    }
    all->newest[socket] = one;
    return true;
}

struct collectors *collectors_start(const struct collector_options *with)
{
    uint32_t sockets = topology_sockets(with->topology);
    struct collectors *all = calloc(1, sizeof *all + sockets * sizeof all->newest[0]);
    if (!all)
        return NULL;
    for (all->count = 0; all->count < sockets; all->count++) {
        if (start_one(all, all->count, with))
            continue;
        int error = errno;
        collectors_stop(all);
        errno = error;
        return NULL;
    }
    return all;
}

static bool join(const struct collector *collector)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += STOP_SECONDS;
    return pthread_timedjoin_np(collector->thread, NULL, &until) == 0;
}

bool collectors_stop(struct collectors *collectors)
{
    bool all = true;
    atomic_store(&collectors->stop, true);
    for (uint32_t i = 0; i < collectors->count; i++) {
        for (struct collector *one; (one = collectors->newest[i]) && join(one); free(one))
            collectors->newest[i] = one->older;
        all &= !collectors->newest[i];
    }
    if (all)
        free(collectors);
    return all;
}

/* Those that have come back have found themselves replaced, and left. */
static uint32_t reap(struct collector *newest)
{
    uint32_t hung = 0;
    for (struct collector **at = &newest->older, *one; (one = *at);) {
        if (!atomic_load(&one->has_left)) {
            hung++;
            at = &one->older;
            continue;
        }
        *at = one->older;
        pthread_join(one->thread, NULL);
        free(one);
    }
    return hung;
}

static void replace(struct collectors *all, struct collector *hung)
{
    atomic_store(&hung->replaced, true);
    self_collector_replaced(hung->with.self, hung->socket);
    if (start_one(all, hung->socket, &hung->with))
        log_event(LOG_LEVEL_WARNING, "a collector that hangs is replaced", "socket=%u",
                  hung->socket);
    else
        log_event(LOG_LEVEL_ERROR, "a collector that hangs cannot be replaced",
                  "socket=%u error=%s advice=%s", hung->socket, strerror(errno),
                  "restart the daemon");
}

static void tell_out(struct collector *collector)
{
    if (!collector->told)
        log_event(LOG_LEVEL_WARNING, "a collector hangs; its values are left out",
                  "socket=%u advice=%s", collector->socket,
                  "look for a thread in state D, and for a process that is stopped by a debugger");
    collector->told = true;
    self_collector_is_out(collector->with.self, collector->socket);
}

static void supervise_one(struct collectors *all, struct collector *newest)
{
    uint64_t ticks = OUT_TICKS * pace_tick(newest->with.pace),
             out = ticks > OUT_NS ? ticks : OUT_NS;
    uint64_t now = clock_monotonic(), beat = atomic_load(&newest->beat);
    uint64_t silence = now > beat ? now - beat : 0;
    uint32_t hung = reap(newest);
    if (silence < out) {
        newest->told = false;
        return;
    }
    if (snapshot_expire(newest->with.store, newest->socket))
        tell_out(newest);
    if (silence >= REPLACE * out && hung < HUNG_MOST && !atomic_load(&newest->replaced))
        replace(all, newest);
}

void collectors_supervise(struct collectors *collectors)
{
    for (uint32_t i = 0; i < collectors->count; i++)
        supervise_one(collectors, collectors->newest[i]);
}

void collect_once(struct snapshot_store *store, const struct topology *topology, struct self *self)
{
    for (uint32_t i = 0; i < topology_sockets(topology); i++) {
        struct collector one = {.with = {.store = store, .topology = topology, .self = self},
                                .socket = i};
        collect(&one);
    }
}
