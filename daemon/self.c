/* SPDX-License-Identifier: MIT */
#include "daemon/self.h"
#include "daemon/clock.h"
#include "daemon/process_stat.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIZE_CLASSES 6
#define STATUS_CLASSES 6

/* Upper bounds of the classes of an export's size, in KiB. */
static const uint32_t size_class[SIZE_CLASSES] = {1, 64, 256, 1024, 4096, 16384};

struct socket_figures {
    _Atomic uint64_t ns; /* of the last collection */
    _Atomic uint64_t collections;
    atomic_bool success;
};

struct self {
    struct arena arena;
    const struct computed_family **families;
    uint32_t family_count;
    uint32_t sockets;
    const char **socket_labels;
    const char *build_labels[2];
    const char *rejection_labels[REJECTION_COUNT + 1];
    _Atomic uint32_t alive, dead, quarantined;
    _Atomic uint64_t rejected[REJECTION_COUNT];
    _Atomic uint64_t events, missed;
    _Atomic uint32_t queue_depth;             /* the fullest ring since the last snapshot */
    _Atomic uint64_t queue_oldest;            /* age of its oldest event when it was read, ns */
    _Atomic uint64_t export_ns[SIZE_CLASSES]; /* 0: none of that size yet */
    _Atomic uint64_t requests[STATUS_CLASSES];
    uint64_t process_read; /* when `process` was, CLOCK_MONOTONIC, ns */
    struct process_stat process;
    struct socket_figures figures[];
};

static const char *const no_labels[] = {"", NULL};
static const char *const export_labels[] = {"format=\"prometheus\",size_kb=\"1\"",
                                            "format=\"prometheus\",size_kb=\"64\"",
                                            "format=\"prometheus\",size_kb=\"256\"",
                                            "format=\"prometheus\",size_kb=\"1024\"",
                                            "format=\"prometheus\",size_kb=\"4096\"",
                                            "format=\"prometheus\",size_kb=\"16384\"",
                                            NULL};
static const char *const state_labels[] = {"state=\"alive\"", "state=\"dead\"",
                                           "state=\"quarantined\"", NULL};
static const char *const queue_labels[] = {"queue_type=\"metric_updates\"", NULL};
static const char *const depth_labels[] = {"queue_depth=\"1000\"", NULL};
static const char *const status_labels[] = {"code=\"1xx\"", "code=\"2xx\"", "code=\"3xx\"",
                                            "code=\"4xx\"", "code=\"5xx\"", NULL};

/* The first four get the labels that only this machine gives them in make_families(). */
static const struct computed_family families[] = {
    {.name = "engramd_build_info",
     .help = "Version and source revision of this daemon; always 1.",
     .type = SERIES_INFO},
    {.name = "engramd_collector_duration_seconds",
     .unit = "seconds",
     .type = SERIES_GAUGE,
     .help = "How long the last collection of a socket's values took."},
    {.name = "engramd_collector_success",
     .type = SERIES_GAUGE,
     .help = "1 if the last collection of a socket's values was published, else 0."},
    {.name = "engramd_region_rejected_total",
     .type = SERIES_COUNTER,
     .help = "Region files that were refused, by reason; the log names them."},
    {.name = "engramd_regions",
     .type = SERIES_GAUGE,
     .labels = state_labels,
     .help = "Regions by state: written by a live process, left by a dead one, quarantined."},
    {.name = "engramd_series",
     .type = SERIES_GAUGE,
     .labels = no_labels,
     .help = "Series that are served, before they are split by memory node."},
    {.name = "engramd_series_conflicts",
     .type = SERIES_GAUGE,
     .labels = no_labels,
     .help = "Series refused because a process registered their family with another type or "
             "other buckets before."},
    {.name = "engramd_plan_bytes",
     .unit = "bytes",
     .type = SERIES_GAUGE,
     .labels = no_labels,
     .help = "Memory of the names and positions of all series."},
    {.name = "engramd_events_total",
     .type = SERIES_COUNTER,
     .labels = no_labels,
     .help = "Events that were read from the rings of all processes."},
    {.name = "engramd_events_missed_total",
     .type = SERIES_COUNTER,
     .labels = no_labels,
     .help = "Events that were overwritten before they could be read."},
    {.name = "engramd_http_responses_total",
     .type = SERIES_COUNTER,
     .labels = status_labels,
     .help = "HTTP responses by class of status code."},
    {.name = "engram_lock_free_queue_utilization",
     .type = SERIES_GAUGE,
     .labels = queue_labels,
     .help = "How full the fullest event ring was at the last tick, 0 to 1."},
    {.name = "engram_streaming_aggregation_lag_ms",
     .type = SERIES_GAUGE,
     .labels = depth_labels,
     .help = "Age of the oldest event that waited in a ring at the last tick, in milliseconds; "
             "queue_depth is the class of the rings' capacity."},
    {.name = "engram_metrics_export_duration_ms",
     .type = SERIES_GAUGE,
     .labels = export_labels,
     .help = "Duration of the last export of a size class, from the snapshot to the body, in "
             "milliseconds; size_kb is the upper bound of its size on the wire in KiB."},
    {.name = "process_cpu_seconds_total",
     .unit = "seconds",
     .type = SERIES_COUNTER,
     .labels = no_labels,
     .help = "CPU time of this daemon, user and system."},
    {.name = "process_resident_memory_bytes",
     .unit = "bytes",
     .type = SERIES_GAUGE,
     .labels = no_labels,
     .help = "Resident memory of this daemon, shared regions included."},
    {.name = "process_virtual_memory_bytes",
     .unit = "bytes",
     .type = SERIES_GAUGE,
     .labels = no_labels,
     .help = "Virtual memory of this daemon; regions are sparse."},
    {.name = "process_open_fds",
     .type = SERIES_GAUGE,
     .labels = no_labels,
     .help = "Open file descriptors of this daemon."},
    {.name = "process_max_fds",
     .type = SERIES_GAUGE,
     .labels = no_labels,
     .help = "Largest number of open file descriptors that this daemon may have."},
    {.name = "process_threads",
     .type = SERIES_GAUGE,
     .labels = no_labels,
     .help = "Threads of this daemon."},
    {.name = "process_start_time_seconds",
     .unit = "seconds",
     .type = SERIES_GAUGE,
     .labels = no_labels,
     .help = "When this daemon started, seconds since the epoch."},
};

#define FAMILIES (sizeof families / sizeof families[0])

static const char *label(struct self *self, const char *name, const char *value)
{
    size_t size = strlen(name) + strlen(value) + 4;
    char *text = arena_take(&self->arena, size, 1);
    if (text)
        snprintf(text, size, "%s=\"%s\"", name, value);
    return text;
}

static bool make_labels(struct self *self, const char *version, const char *revision)
{
    char text[128];
    bool made = true;
    for (uint32_t i = 0; i < self->sockets; i++) {
        snprintf(text, sizeof text, "%u", i);
        made &= (self->socket_labels[i] = label(self, "socket", text)) != NULL;
    }
    for (int i = 1; i < REJECTION_COUNT; i++)
        made &= (self->rejection_labels[i - 1] =
                     label(self, "reason", rejection_name((enum rejection)i))) != NULL;
    snprintf(text, sizeof text, "revision=\"%s\",version=\"%s\"", revision, version);
    self->build_labels[0] = arena_string(&self->arena, text, strlen(text));
    return made && self->build_labels[0];
}

/* The families with the labels that only this machine gives them. */
static bool make_families(struct self *self)
{
    struct computed_family *own = arena_take(&self->arena, FAMILIES, sizeof *own);
    self->families = arena_take(&self->arena, FAMILIES + 1, sizeof *self->families);
    if (!own || !self->families)
        return false;
    memcpy(own, families, sizeof families);
    for (size_t i = 0; i < FAMILIES; i++) {
        if (!own[i].unit)
            own[i].unit = "";
        self->families[i] = &own[i];
    }
    own[0].labels = self->build_labels;
    own[1].labels = self->socket_labels;
    own[2].labels = self->socket_labels;
    own[3].labels = self->rejection_labels;
    self->family_count = FAMILIES;
    return true;
}

struct self *self_new(uint32_t sockets, const char *version, const char *revision)
{
    struct self *self = calloc(1, sizeof *self + sockets * sizeof self->figures[0]);
    if (!self)
        return NULL;
    self->sockets = sockets;
    self->socket_labels = arena_take(&self->arena, sockets + 1, sizeof *self->socket_labels);
    if (self->socket_labels && make_labels(self, version, revision) && make_families(self))
        return self;
    self_free(self);
    return NULL;
}

void self_free(struct self *self)
{
    arena_free(&self->arena);
    free(self);
}

const struct computed_family *const *self_families(const struct self *self)
{
    return self->families;
}

uint32_t self_family_count(const struct self *self)
{
    return self->family_count;
}

void self_collected(struct self *self, uint32_t socket, uint64_t ns, bool success)
{
    atomic_store(&self->figures[socket].ns, ns);
    atomic_fetch_add(&self->figures[socket].collections, 1);
    atomic_store(&self->figures[socket].success, success);
}

uint64_t self_collections(const struct self *self)
{
    uint64_t fewest = UINT64_MAX;
    for (uint32_t i = 0; i < self->sockets; i++) {
        uint64_t count = atomic_load(&self->figures[i].collections);
        fewest = count < fewest ? count : fewest;
    }
    return fewest;
}

static void raise_to(_Atomic uint64_t *most, uint64_t value)
{
    uint64_t seen = atomic_load(most);
    while (seen < value && !atomic_compare_exchange_weak(most, &seen, value))
        continue;
}

void self_saw_events(struct self *self, const struct drained *drained, bool alive)
{
    if (drained->count + drained->missed == 0)
        return;
    atomic_fetch_add(&self->events, drained->count);
    atomic_fetch_add(&self->missed, drained->missed);
    if (!alive)
        return;
    uint32_t depth = drained->missed ? ENGRAM_RING_SLOTS : drained->count;
    if (depth > atomic_load(&self->queue_depth))
        atomic_store(&self->queue_depth, depth);
    uint64_t now = clock_monotonic();
    if (drained->count && drained->records[0].time < now)
        raise_to(&self->queue_oldest, now - drained->records[0].time);
}

void self_regions(struct self *self, uint32_t alive, uint32_t dead, uint32_t quarantined)
{
    atomic_store(&self->alive, alive);
    atomic_store(&self->dead, dead);
    atomic_store(&self->quarantined, quarantined);
}

void self_rejected(struct self *self, enum rejection rejection)
{
    atomic_fetch_add(&self->rejected[rejection], 1);
}

void self_exported(struct self *self, uint64_t ns, uint64_t bytes)
{
    for (int i = 0; i < SIZE_CLASSES; i++)
        if (bytes <= (uint64_t)size_class[i] << 10) {
            atomic_store(&self->export_ns[i], ns);
            return;
        }
}

void self_requested(struct self *self, int status)
{
    if (status >= 100 && status < 600)
        atomic_fetch_add(&self->requests[status / 100 - 1], 1);
}

static void put(const struct plan *plan, union word *row, const char *name, const char *labels,
                double value)
{
    const struct family *family = plan_family(plan, name);
    const struct series *series = family ? family_series(family, labels) : NULL;
    if (series && series->rows == ROWS_COMPUTED)
        row[series->at].number = value;
}

static void fill_collectors(struct self *self, const struct plan *plan, union word *row)
{
    put(plan, row, "engramd_build_info", self->build_labels[0], 1);
    for (uint32_t i = 0; i < self->sockets; i++) {
        const char *socket = self->socket_labels[i];
        put(plan, row, "engramd_collector_duration_seconds", socket,
            (double)atomic_load(&self->figures[i].ns) * 1e-9);
        put(plan, row, "engramd_collector_success", socket, atomic_load(&self->figures[i].success));
    }
}

static void fill_regions(struct self *self, const struct plan *plan, union word *row)
{
    put(plan, row, "engramd_regions", state_labels[0], atomic_load(&self->alive));
    put(plan, row, "engramd_regions", state_labels[1], atomic_load(&self->dead));
    put(plan, row, "engramd_regions", state_labels[2], atomic_load(&self->quarantined));
    for (int i = 1; i < REJECTION_COUNT; i++)
        put(plan, row, "engramd_region_rejected_total", self->rejection_labels[i - 1],
            (double)atomic_load(&self->rejected[i]));
    put(plan, row, "engramd_series", "", plan->series_count);
    put(plan, row, "engramd_series_conflicts", "", plan->conflicts);
    put(plan, row, "engramd_plan_bytes", "", (double)plan->arena.size);
}

static bool has_ring(const struct plan *plan)
{
    for (uint32_t i = 0; i < plan->region_count; i++)
        if (plan->regions[i].ring != UINT32_MAX)
            return true;
    return false;
}

/* Without a ring nothing can lag or fill: absent, not zero. */
static void fill_events(struct self *self, const struct plan *plan, union word *row)
{
    double depth = atomic_exchange(&self->queue_depth, 0);
    double oldest = (double)atomic_exchange(&self->queue_oldest, 0);
    put(plan, row, "engramd_events_total", "", (double)atomic_load(&self->events));
    put(plan, row, "engramd_events_missed_total", "", (double)atomic_load(&self->missed));
    if (!has_ring(plan))
        return;
    put(plan, row, "engram_lock_free_queue_utilization", queue_labels[0],
        depth / ENGRAM_RING_SLOTS);
    put(plan, row, "engram_streaming_aggregation_lag_ms", depth_labels[0], oldest * 1e-6);
}

static void fill_http(struct self *self, const struct plan *plan, union word *row)
{
    for (int i = 0; i < SIZE_CLASSES; i++)
        if (atomic_load(&self->export_ns[i]))
            put(plan, row, "engram_metrics_export_duration_ms", export_labels[i],
                (double)atomic_load(&self->export_ns[i]) * 1e-6);
    for (int i = 0; status_labels[i]; i++)
        put(plan, row, "engramd_http_responses_total", status_labels[i],
            (double)atomic_load(&self->requests[i]));
}

/* Read once a second: it is the most expensive thing here. */
static void fill_process(struct self *self, const struct plan *plan, union word *row)
{
    uint64_t now = clock_monotonic();
    if (!self->process_read || now - self->process_read >= UINT64_C(1000000000)) {
        process_stat_read(&self->process);
        self->process_read = now;
    }
    const struct process_stat *p = &self->process;
    if (!p->valid)
        return;
    put(plan, row, "process_cpu_seconds_total", "", p->cpu_seconds);
    put(plan, row, "process_resident_memory_bytes", "", p->resident_bytes);
    put(plan, row, "process_virtual_memory_bytes", "", p->virtual_bytes);
    put(plan, row, "process_open_fds", "", p->open_fds);
    put(plan, row, "process_max_fds", "", p->max_fds);
    put(plan, row, "process_threads", "", p->threads);
    put(plan, row, "process_start_time_seconds", "", p->start_time);
}

void self_fill(struct self *self, const struct plan *plan, union word *row)
{
    fill_collectors(self, plan, row);
    fill_regions(self, plan, row);
    fill_events(self, plan, row);
    fill_http(self, plan, row);
    fill_process(self, plan, row);
}
