/* SPDX-License-Identifier: MIT */
#include "daemon/self.h"
#include "daemon/base/clock.h"
#include "daemon/process_stat.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#define SIZE_CLASSES 6
#define STATUS_CLASSES 6

/* Upper bounds of the classes of an export's size, in KiB. */
static const uint32_t size_class[SIZE_CLASSES] = {1, 64, 256, 1024, 4096, 16384};

struct socket_figures {
    _Atomic uint64_t ns; /* of the last collection */
    _Atomic uint64_t collections, replaced;
    uint64_t collections_before; /* of self_has_moved() */
    atomic_bool success;
    /* Of the rings, in the last collection and in the one that goes on. */
    _Atomic uint32_t depth, depth_now;   /* of the fullest */
    _Atomic uint64_t oldest, oldest_now; /* age of the oldest event when it was read, ns */
};

struct self {
    struct arena arena;
    const struct computed_family **families;
    uint32_t family_count;
    uint32_t sockets;
    const char **socket_labels;
    const char *build_labels[2], *target_labels[2];
    const char *rejection_labels[REJECTION_COUNT + 1];
    _Atomic uint32_t alive, dead, quarantined;
    _Atomic uint64_t series_refused;
    _Atomic uint64_t rejected[REJECTION_COUNT];
    atomic_bool state_writable;
    _Atomic uint64_t state_writes[2]; /* failures, successes */
    _Atomic uint64_t state_bytes, folded, forgotten, dropped;
    _Atomic uint64_t events, missed;
    _Atomic uint64_t connections, outstanding, crowded_out[SELF_CROWDED];
    atomic_bool has_commands;
    _Atomic uint64_t commands[SELF_COMMANDS];
    _Atomic uint64_t stream_clients, stream_bytes, stream_skipped, stream_cut;
    _Atomic uint64_t history_bytes, history_limit, history_series, history_left_out;
    _Atomic double history_reach;
    _Atomic uint64_t discoveries;
    uint64_t discoveries_before;
    _Atomic double tick_seconds, cpu_ratio;   /* NAN: not known */
    _Atomic uint64_t export_ns[SIZE_CLASSES]; /* 0: none of that size yet */
    _Atomic uint64_t requests[STATUS_CLASSES];
    atomic_int web_configured; /* 1 yes, -1 no, 0: there is no web configuration */
    uint64_t process_read;     /* when `process` was, CLOCK_MONOTONIC, ns */
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
static const char *const result_labels[] = {"result=\"failure\"", "result=\"success\"", NULL};
static const char *const queue_labels[] = {"queue_type=\"metric_updates\"", NULL};
static const char *const depth_labels[] = {"queue_depth=\"1000\"", NULL};
static const char *const status_labels[] = {"code=\"1xx\"", "code=\"2xx\"", "code=\"3xx\"",
                                            "code=\"4xx\"", "code=\"5xx\"", NULL};

static const char *const command_labels[SELF_COMMANDS + 1] = {
    "result=\"ok\"", "result=\"failed\"", "result=\"timed_out\"", "result=\"dropped\""};
static const char *const crowded_labels[SELF_CROWDED + 1] = {"reason=\"idle\"", "reason=\"slow\"",
                                                             "reason=\"refused\"", NULL};

/* Labels that only this machine gives are left to make_families(). */
static const struct own_family {
    enum engram_family family;
    const char *const *labels;
} own_families[] = {
    {ENGRAM_DAEMON_BUILD, NULL},
    {ENGRAM_TARGET, NULL},
    {ENGRAM_DAEMON_COLLECTOR_DURATION, NULL},
    {ENGRAM_DAEMON_COLLECTOR_SUCCESS, NULL},
    {ENGRAM_DAEMON_COLLECTOR_REPLACED, NULL},
    {ENGRAM_DAEMON_TICK, no_labels},
    {ENGRAM_DAEMON_CPU_RATIO, no_labels},
    {ENGRAM_DAEMON_REJECTED, NULL},
    {ENGRAM_DAEMON_REGIONS, state_labels},
    {ENGRAM_DAEMON_FOLDED, no_labels},
    {ENGRAM_DAEMON_FORGOTTEN, no_labels},
    {ENGRAM_DAEMON_DROPPED, no_labels},
    {ENGRAM_DAEMON_STATE_WRITABLE, no_labels},
    {ENGRAM_DAEMON_STATE_WRITES, result_labels},
    {ENGRAM_DAEMON_STATE_BYTES, no_labels},
    {ENGRAM_DAEMON_SERIES, no_labels},
    {ENGRAM_DAEMON_CONFLICTS, no_labels},
    {ENGRAM_DAEMON_SERIES_REFUSED, no_labels},
    {ENGRAM_DAEMON_PLAN, no_labels},
    {ENGRAM_DAEMON_EVENTS, no_labels},
    {ENGRAM_DAEMON_EVENTS_MISSED, no_labels},
    {ENGRAM_DAEMON_HISTORY, no_labels},
    {ENGRAM_DAEMON_HISTORY_LIMIT, no_labels},
    {ENGRAM_DAEMON_HISTORY_REACH, no_labels},
    {ENGRAM_DAEMON_HISTORY_SERIES, no_labels},
    {ENGRAM_DAEMON_HISTORY_LEFT_OUT, no_labels},
    {ENGRAM_DAEMON_RESPONSES, status_labels},
    {ENGRAM_DAEMON_WEB_CONFIG, no_labels},
    {ENGRAM_DAEMON_STREAM_CLIENTS, no_labels},
    {ENGRAM_DAEMON_STREAM_BYTES, no_labels},
    {ENGRAM_DAEMON_STREAM_SKIPPED, no_labels},
    {ENGRAM_DAEMON_STREAM_CUT, no_labels},
    {ENGRAM_DAEMON_CONNECTIONS, no_labels},
    {ENGRAM_DAEMON_OUTSTANDING, no_labels},
    {ENGRAM_DAEMON_CROWDED_OUT, crowded_labels},
    {ENGRAM_DAEMON_ALERT_COMMANDS, command_labels},
    {ENGRAM_QUEUE_UTILIZATION, queue_labels},
    {ENGRAM_AGGREGATION_LAG, depth_labels},
    {ENGRAM_EXPORT_DURATION, export_labels},
    {ENGRAM_DAEMON_CPU, no_labels},
    {ENGRAM_DAEMON_RESIDENT, no_labels},
    {ENGRAM_DAEMON_VIRTUAL, no_labels},
    {ENGRAM_DAEMON_OPEN_FDS, no_labels},
    {ENGRAM_DAEMON_MAX_FDS, no_labels},
    {ENGRAM_DAEMON_THREADS, no_labels},
    {ENGRAM_DAEMON_START, no_labels},
};

#define FAMILIES (sizeof own_families / sizeof own_families[0])

static const char *label(struct self *self, const char *name, const char *value)
{
    size_t size = strlen(name) + strlen(value) + 4;
    char *text = arena_take(&self->arena, size, 1);
    if (text)
        snprintf(text, size, "%s=\"%s\"", name, value);
    return text;
}

/* Of a machine, as OpenTelemetry names it. */
static const char *architecture_of(const char *machine)
{
    static const char *const names[][2] = {{"x86_64", "amd64"}, {"aarch64", "arm64"}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(machine, names[i][0]) == 0)
            return names[i][1];
    return machine;
}

/* A host may be called anything; what is no name is left out. */
static bool is_host_name(const char *name)
{
    return *name && name[strspn(name, "-.0123456789_abcdefghijklmnopqrstuvwxyz"
                                      "ABCDEFGHIJKLMNOPQRSTUVWXYZ")] == 0;
}

static const char *target_labels(struct self *self, const char *version)
{
    struct utsname host;
    char name[sizeof host.nodename + 16] = "", text[512];
    if (uname(&host))
        return NULL;
    if (is_host_name(host.nodename))
        snprintf(name, sizeof name, "host_name=\"%s\",", host.nodename);
    snprintf(text, sizeof text,
             "host_arch=\"%s\",%sos_type=\"linux\",service_name=\"engramd\",service_version=\"%s\"",
             architecture_of(host.machine), name, version);
    return arena_string(&self->arena, text, strlen(text));
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
    self->target_labels[0] = target_labels(self, version);
    return made && self->build_labels[0] && self->target_labels[0];
}

static const char *const *labels_here(const struct self *self, enum engram_family family)
{
    return family == ENGRAM_DAEMON_BUILD      ? self->build_labels
           : family == ENGRAM_TARGET          ? self->target_labels
           : family == ENGRAM_DAEMON_REJECTED ? self->rejection_labels
                                              : self->socket_labels;
}

static bool make_families(struct self *self)
{
    struct computed_family *own = arena_take(&self->arena, FAMILIES, sizeof *own);
    self->families = arena_take(&self->arena, FAMILIES + 1, sizeof *self->families);
    if (!own || !self->families)
        return false;
    for (size_t i = 0; i < FAMILIES; i++) {
        const struct own_family *from = &own_families[i];
        own[i].about = &engram_catalogue[from->family];
        own[i].labels = from->labels ? from->labels : labels_here(self, from->family);
        self->families[i] = &own[i];
    }
    self->family_count = FAMILIES;
    return true;
}

struct self *self_new(uint32_t sockets, const char *version, const char *revision)
{
    struct self *self = calloc(1, sizeof *self + sockets * sizeof self->figures[0]);
    if (!self)
        return NULL;
    self->sockets = sockets;
    self_paced(self, NAN, NAN);
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
    struct socket_figures *figures = &self->figures[socket];
    atomic_store(&figures->ns, ns);
    atomic_fetch_add(&figures->collections, 1);
    atomic_store(&figures->success, success);
    atomic_store(&figures->depth, atomic_exchange(&figures->depth_now, 0));
    atomic_store(&figures->oldest, atomic_exchange(&figures->oldest_now, 0));
}

void self_collector_is_out(struct self *self, uint32_t socket)
{
    atomic_store(&self->figures[socket].success, false);
}

void self_collector_replaced(struct self *self, uint32_t socket)
{
    atomic_fetch_add(&self->figures[socket].replaced, 1);
}

void self_discovered(struct self *self)
{
    atomic_fetch_add(&self->discoveries, 1);
}

static bool has_moved(uint64_t now, uint64_t *before)
{
    bool moved = now != *before;
    *before = now;
    return moved;
}

bool self_has_moved(struct self *self)
{
    bool moved = has_moved(atomic_load(&self->discoveries), &self->discoveries_before);
    for (uint32_t i = 0; i < self->sockets; i++)
        moved &= has_moved(atomic_load(&self->figures[i].collections),
                           &self->figures[i].collections_before);
    return moved;
}

void self_paced(struct self *self, double tick_seconds, double cpu_ratio)
{
    atomic_store(&self->tick_seconds, tick_seconds);
    atomic_store(&self->cpu_ratio, cpu_ratio);
}

void self_kept_history(struct self *self, const struct self_history *history)
{
    atomic_store(&self->history_bytes, history->bytes);
    atomic_store(&self->history_limit, history->limit);
    atomic_store(&self->history_series, history->series);
    atomic_store(&self->history_left_out, history->left_out);
    atomic_store(&self->history_reach, history->reach_seconds);
}

void self_saw_events(struct self *self, uint32_t socket, const struct drained *drained, bool alive)
{
    struct socket_figures *figures = &self->figures[socket];
    if (drained->count + drained->missed == 0)
        return;
    atomic_fetch_add(&self->events, drained->count);
    atomic_fetch_add(&self->missed, drained->missed);
    if (!alive)
        return;
    uint32_t depth = drained->missed ? ENGRAM_RING_SLOTS : drained->count;
    if (depth > atomic_load(&figures->depth_now))
        atomic_store(&figures->depth_now, depth);
    uint64_t now = clock_monotonic();
    uint64_t then = drained->count ? drained->records[0].time : now;
    if (then < now && now - then > atomic_load(&figures->oldest_now))
        atomic_store(&figures->oldest_now, now - then);
}

void self_regions(struct self *self, uint32_t alive, uint32_t dead, uint32_t quarantined,
                  uint64_t series_refused)
{
    atomic_store(&self->alive, alive);
    atomic_store(&self->dead, dead);
    atomic_store(&self->quarantined, quarantined);
    atomic_store(&self->series_refused, series_refused);
}

void self_rejected(struct self *self, enum rejection rejection)
{
    atomic_fetch_add(&self->rejected[rejection], 1);
}

void self_state_opened(struct self *self)
{
    atomic_store(&self->state_writable, true);
}

void self_state_written(struct self *self, bool success, uint32_t regions)
{
    atomic_fetch_add(&self->state_writes[success], 1);
    atomic_fetch_add(&self->folded, success ? regions : 0);
}

void self_state_dropped(struct self *self, uint32_t series)
{
    atomic_fetch_add(&self->dropped, series);
}

void self_state_bytes(struct self *self, uint64_t bytes)
{
    atomic_store(&self->state_bytes, bytes);
}

void self_forgot(struct self *self, uint32_t processes)
{
    atomic_fetch_add(&self->forgotten, processes);
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

void self_streams(struct self *self, uint32_t clients, uint64_t bytes)
{
    atomic_store(&self->stream_clients, clients);
    atomic_store(&self->stream_bytes, bytes);
}

void self_clients(struct self *self, uint32_t connections, uint64_t outstanding,
                  const uint64_t crowded_out[SELF_CROWDED])
{
    atomic_store(&self->connections, connections);
    atomic_store(&self->outstanding, outstanding);
    for (int i = 0; i < SELF_CROWDED; i++)
        atomic_store(&self->crowded_out[i], crowded_out[i]);
}

void self_commands(struct self *self)
{
    atomic_store(&self->has_commands, true);
}

void self_command_ended(struct self *self, unsigned result)
{
    atomic_fetch_add(&self->commands[result], 1);
}

void self_stream_skipped(struct self *self)
{
    atomic_fetch_add(&self->stream_skipped, 1);
}

void self_stream_cut(struct self *self)
{
    atomic_fetch_add(&self->stream_cut, 1);
}

void self_web_configured(struct self *self, bool good)
{
    atomic_store(&self->web_configured, good ? 1 : -1);
}

static void put(const struct plan *plan, union word *row, enum engram_family which,
                const char *labels, double value)
{
    const struct family *family = plan_catalogued(plan, which);
    const struct series *series = family ? family_series(family, labels) : NULL;
    if (series && series->rows == ROWS_COMPUTED)
        row[series->at].number = value;
}

static void fill_collectors(struct self *self, const struct plan *plan, union word *row)
{
    put(plan, row, ENGRAM_DAEMON_BUILD, self->build_labels[0], 1);
    put(plan, row, ENGRAM_TARGET, self->target_labels[0], 1);
    for (uint32_t i = 0; i < self->sockets; i++) {
        const char *socket = self->socket_labels[i];
        put(plan, row, ENGRAM_DAEMON_COLLECTOR_DURATION, socket,
            (double)atomic_load(&self->figures[i].ns) * 1e-9);
        put(plan, row, ENGRAM_DAEMON_COLLECTOR_SUCCESS, socket,
            atomic_load(&self->figures[i].success));
        put(plan, row, ENGRAM_DAEMON_COLLECTOR_REPLACED, socket,
            (double)atomic_load(&self->figures[i].replaced));
    }
    double tick = atomic_load(&self->tick_seconds), ratio = atomic_load(&self->cpu_ratio);
    if (!isnan(tick))
        put(plan, row, ENGRAM_DAEMON_TICK, "", tick);
    if (!isnan(ratio))
        put(plan, row, ENGRAM_DAEMON_CPU_RATIO, "", ratio);
}

static void fill_regions(struct self *self, const struct plan *plan, union word *row)
{
    put(plan, row, ENGRAM_DAEMON_REGIONS, state_labels[0], atomic_load(&self->alive));
    put(plan, row, ENGRAM_DAEMON_REGIONS, state_labels[1], atomic_load(&self->dead));
    put(plan, row, ENGRAM_DAEMON_REGIONS, state_labels[2], atomic_load(&self->quarantined));
    for (int i = 1; i < REJECTION_COUNT; i++)
        put(plan, row, ENGRAM_DAEMON_REJECTED, self->rejection_labels[i - 1],
            (double)atomic_load(&self->rejected[i]));
    put(plan, row, ENGRAM_DAEMON_SERIES, "", plan->series_count);
    put(plan, row, ENGRAM_DAEMON_CONFLICTS, "", plan->conflicts);
    put(plan, row, ENGRAM_DAEMON_SERIES_REFUSED, "", (double)atomic_load(&self->series_refused));
    put(plan, row, ENGRAM_DAEMON_PLAN, "", (double)plan->arena.size);
}

static bool has_ring(const struct plan *plan)
{
    for (uint32_t i = 0; i < plan->region_count; i++)
        if (plan->regions[i].ring != UINT32_MAX)
            return true;
    return false;
}

static void fill_state(struct self *self, const struct plan *plan, union word *row)
{
    uint64_t bytes = atomic_load(&self->state_bytes);
    put(plan, row, ENGRAM_DAEMON_FOLDED, "", (double)atomic_load(&self->folded));
    put(plan, row, ENGRAM_DAEMON_FORGOTTEN, "", (double)atomic_load(&self->forgotten));
    put(plan, row, ENGRAM_DAEMON_DROPPED, "", (double)atomic_load(&self->dropped));
    put(plan, row, ENGRAM_DAEMON_STATE_WRITABLE, "", atomic_load(&self->state_writable));
    for (int i = 0; i < 2; i++)
        put(plan, row, ENGRAM_DAEMON_STATE_WRITES, result_labels[i],
            (double)atomic_load(&self->state_writes[i]));
    if (bytes)
        put(plan, row, ENGRAM_DAEMON_STATE_BYTES, "", (double)bytes);
}

static uint32_t fullest_ring(const struct self *self)
{
    uint32_t depth = 0;
    for (uint32_t i = 0; i < self->sockets; i++) {
        uint32_t one = atomic_load(&self->figures[i].depth);
        depth = one > depth ? one : depth;
    }
    return depth;
}

struct self_events self_event_figures(const struct self *self)
{
    return (struct self_events){atomic_load(&self->events), atomic_load(&self->missed),
                                fullest_ring(self)};
}

/* Without a ring nothing can lag or fill: absent, not zero. */
static void fill_events(struct self *self, const struct plan *plan, union word *row)
{
    double depth = fullest_ring(self), oldest = 0;
    for (uint32_t i = 0; i < self->sockets; i++)
        oldest = fmax(oldest, (double)atomic_load(&self->figures[i].oldest));
    put(plan, row, ENGRAM_DAEMON_EVENTS, "", (double)atomic_load(&self->events));
    put(plan, row, ENGRAM_DAEMON_EVENTS_MISSED, "", (double)atomic_load(&self->missed));
    if (!has_ring(plan))
        return;
    put(plan, row, ENGRAM_QUEUE_UTILIZATION, queue_labels[0], depth / ENGRAM_RING_SLOTS);
    put(plan, row, ENGRAM_AGGREGATION_LAG, depth_labels[0], oldest * 1e-6);
}

static void fill_history(struct self *self, const struct plan *plan, union word *row)
{
    if (!atomic_load(&self->history_limit))
        return;
    put(plan, row, ENGRAM_DAEMON_HISTORY, "", (double)atomic_load(&self->history_bytes));
    put(plan, row, ENGRAM_DAEMON_HISTORY_LIMIT, "", (double)atomic_load(&self->history_limit));
    put(plan, row, ENGRAM_DAEMON_HISTORY_REACH, "", atomic_load(&self->history_reach));
    put(plan, row, ENGRAM_DAEMON_HISTORY_SERIES, "", (double)atomic_load(&self->history_series));
    put(plan, row, ENGRAM_DAEMON_HISTORY_LEFT_OUT, "",
        (double)atomic_load(&self->history_left_out));
}

static void fill_http(struct self *self, const struct plan *plan, union word *row)
{
    for (int i = 0; i < SIZE_CLASSES; i++)
        if (atomic_load(&self->export_ns[i]))
            put(plan, row, ENGRAM_EXPORT_DURATION, export_labels[i],
                (double)atomic_load(&self->export_ns[i]) * 1e-6);
    for (int i = 0; status_labels[i]; i++)
        put(plan, row, ENGRAM_DAEMON_RESPONSES, status_labels[i],
            (double)atomic_load(&self->requests[i]));
    int configured = atomic_load(&self->web_configured);
    if (configured)
        put(plan, row, ENGRAM_DAEMON_WEB_CONFIG, "", configured > 0);
}

static void fill_streams(struct self *self, const struct plan *plan, union word *row)
{
    put(plan, row, ENGRAM_DAEMON_STREAM_CLIENTS, "", (double)atomic_load(&self->stream_clients));
    put(plan, row, ENGRAM_DAEMON_STREAM_BYTES, "", (double)atomic_load(&self->stream_bytes));
    put(plan, row, ENGRAM_DAEMON_STREAM_SKIPPED, "", (double)atomic_load(&self->stream_skipped));
    put(plan, row, ENGRAM_DAEMON_STREAM_CUT, "", (double)atomic_load(&self->stream_cut));
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
    put(plan, row, ENGRAM_DAEMON_CPU, "", p->cpu_seconds);
    put(plan, row, ENGRAM_DAEMON_RESIDENT, "", p->resident_bytes);
    put(plan, row, ENGRAM_DAEMON_VIRTUAL, "", p->virtual_bytes);
    put(plan, row, ENGRAM_DAEMON_OPEN_FDS, "", p->open_fds);
    put(plan, row, ENGRAM_DAEMON_MAX_FDS, "", p->max_fds);
    put(plan, row, ENGRAM_DAEMON_THREADS, "", p->threads);
    put(plan, row, ENGRAM_DAEMON_START, "", p->start_time);
}

static void fill_clients(struct self *self, const struct plan *plan, union word *row)
{
    put(plan, row, ENGRAM_DAEMON_CONNECTIONS, "", (double)atomic_load(&self->connections));
    put(plan, row, ENGRAM_DAEMON_OUTSTANDING, "", (double)atomic_load(&self->outstanding));
    for (int i = 0; i < SELF_COMMANDS && atomic_load(&self->has_commands); i++)
        put(plan, row, ENGRAM_DAEMON_ALERT_COMMANDS, command_labels[i],
            (double)atomic_load(&self->commands[i]));
    for (int i = 0; i < SELF_CROWDED; i++)
        put(plan, row, ENGRAM_DAEMON_CROWDED_OUT, crowded_labels[i],
            (double)atomic_load(&self->crowded_out[i]));
}

void self_fill(struct self *self, const struct plan *plan, union word *row)
{
    fill_collectors(self, plan, row);
    fill_regions(self, plan, row);
    fill_state(self, plan, row);
    fill_events(self, plan, row);
    fill_history(self, plan, row);
    fill_http(self, plan, row);
    fill_streams(self, plan, row);
    fill_clients(self, plan, row);
    fill_process(self, plan, row);
}
