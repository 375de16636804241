/* SPDX-License-Identifier: MIT */
#include "daemon/sensors/process_sensor.h"
#include "daemon/base/clock.h"
#include "daemon/machine/numa_maps.h"
#include "daemon/machine/usage.h"
#include "daemon/pmu/process_events.h"
#include "daemon/sensors/sensors.h"

#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The kernel works for so many times as long as a look at memory took before there is another. */
#define MEMORY_REST 1000
#define MEMORY_REST_LEAST UINT64_C(10000000000)

/* Threads that are counted by themselves; what they start does not matter. */
#define THREADS_OF_ONE 256
#define THREADS_MOST 1024

/* What there is of each name: a value of a family each. */
enum { MINOR, MAJOR, SWITCHES, MIGRATIONS, FIXED_COLUMNS };
#define COLUMNS_MOST (FIXED_COLUMNS + NUMA_NODES_MOST + NUMA_MAPS_REASONS + PERF_REASONS)

struct column {
    enum engram_family family;
    char labels[PROCESS_MORE_SIZE];
};

struct name {
    char process[IDENTITY_SIZE]; /* "": unused */
    uint32_t owner;
    uint64_t number;             /* no two names have the same one */
    bool lacks_events;           /* of one of its processes */
    double values[COLUMNS_MOST]; /* NAN: not known */
};

/* Where the values of a name are in rows of a plan. */
struct place {
    uint64_t version, number; /* of the plan, and of the name */
    uint32_t at[COLUMNS_MOST];
};

struct process {
    uint32_t pid; /* 0: unused */
    struct name *name;
    bool there;
    struct usage usage;
    struct process_events events;
    uint64_t counts[PROCESS_EVENTS];
    enum numa_maps_reason memory_reason;
    uint64_t memory_due; /* 0: it was not looked at yet */
    uint64_t memory[NUMA_NODES_MOST];
};

struct process_sensor {
    struct process_sources sources;
    struct column columns[COLUMNS_MOST];
    uint32_t column_count, memory_column, memory_reasons, event_reasons;
    struct computed_family families[COLUMNS_MOST];
    const struct computed_family *list[COLUMNS_MOST + 1];
    const char *labels[2 * COLUMNS_MOST]; /* of all families, each NULL-terminated */
    struct process processes[PROCESS_SENSOR_NAMES];
    uint64_t names_ever;
    struct name names[PROCESS_SENSOR_NAMES];
    pthread_mutex_t mutex; /* of the two below, never held while the kernel is asked */
    struct name shown[PROCESS_SENSOR_NAMES];
    uint64_t shown_at;
    struct place places[PROCESS_SENSOR_NAMES]; /* of who fills */
};

/* --- Its families --- */

__attribute__((format(printf, 3, 4))) static void
add_column(struct process_sensor *sensor, enum engram_family family, const char *format, ...)
{
    struct column *column = &sensor->columns[sensor->column_count++];
    va_list arguments;
    va_start(arguments, format);
    column->family = family;
    vsnprintf(column->labels, sizeof column->labels, format, arguments);
    va_end(arguments);
}

static void add_reason(struct process_sensor *sensor, const char *source, const char *word)
{
    add_column(sensor, ENGRAM_PROCESS_AVAILABLE, "%s%s%ssource=\"%s\"", *word ? "reason=\"" : "",
               word, *word ? "\"," : "", source);
}

/* Columns of a family lie together. */
static void add_columns(struct process_sensor *sensor)
{
    add_column(sensor, ENGRAM_PROCESS_FAULTS, "kind=\"minor\"");
    add_column(sensor, ENGRAM_PROCESS_FAULTS, "kind=\"major\"");
    add_column(sensor, ENGRAM_PROCESS_SWITCHES, "%s", "");
    add_column(sensor, ENGRAM_PROCESS_MIGRATIONS, "%s", "");
    sensor->memory_column = sensor->column_count;
    for (uint32_t node = 0; node < sensor->sources.nodes; node++)
        add_column(sensor, ENGRAM_PROCESS_MEMORY, "node=\"%" PRIu32 "\"", node);
    sensor->memory_reasons = sensor->column_count;
    for (int reason = 0; reason < NUMA_MAPS_REASONS; reason++)
        add_reason(sensor, "numa_maps", numa_maps_word((enum numa_maps_reason)reason));
    sensor->event_reasons = sensor->column_count;
    for (int reason = 0; reason < PERF_REASONS; reason++)
        add_reason(sensor, "perf", perf_reason_word((enum perf_reason)reason));
}

static void list_families(struct process_sensor *sensor)
{
    uint32_t count = 0, label = 0;
    for (uint32_t i = 0; i < sensor->column_count; i++) {
        const struct column *column = &sensor->columns[i];
        if (i == 0 || column->family != sensor->columns[i - 1].family) {
            label += i > 0; /* the NULL of the one before */
            sensor->families[count] = (struct computed_family){
                .about = &engram_catalogue[column->family],
                .by_process = true,
                .labels = &sensor->labels[label],
            };
            sensor->list[count] = &sensor->families[count];
            count++;
        }
        sensor->labels[label++] = column->labels;
    }
}

struct process_sensor *process_sensor_new(const struct process_sources *sources)
{
    struct process_sensor *sensor = calloc(1, sizeof *sensor);
    if (!sensor)
        return NULL;
    sensor->sources = *sources;
    if (sensor->sources.nodes > NUMA_NODES_MOST)
        sensor->sources.nodes = NUMA_NODES_MOST;
    pthread_mutex_init(&sensor->mutex, NULL);
    add_columns(sensor);
    list_families(sensor);
    return sensor;
}

void process_sensor_free(struct process_sensor *sensor)
{
    for (uint32_t i = 0; i < PROCESS_SENSOR_NAMES; i++)
        process_events_close(&sensor->processes[i].events);
    pthread_mutex_destroy(&sensor->mutex);
    free(sensor);
}

const struct computed_family *const *process_sensor_families(const struct process_sensor *sensor)
{
    return sensor->list;
}

/* --- Who they are --- */

static bool is_known(const struct plan *plan, const struct name *name)
{
    for (uint32_t i = 0; i < plan->region_count; i++)
        if (strcmp(plan->regions[i].region->process, name->process) == 0)
            return true;
    return totals_known(plan->totals, name->process);
}

static void forget_names(struct process_sensor *sensor, const struct plan *plan)
{
    for (uint32_t i = 0; i < PROCESS_SENSOR_NAMES; i++)
        if (*sensor->names[i].process && !is_known(plan, &sensor->names[i]))
            sensor->names[i].process[0] = 0;
}

static void begin_name(struct process_sensor *sensor, struct name *name,
                       const struct region *region)
{
    for (uint32_t i = 0; i < COLUMNS_MOST; i++)
        name->values[i] = NAN;
    name->values[MINOR] = name->values[MAJOR] = 0;
    name->owner = region->reader->owner;
    name->number = ++sensor->names_ever;
    memcpy(name->process, region->process, sizeof name->process);
}

static bool has_process(const struct process_sensor *sensor, const struct name *name)
{
    for (uint32_t i = 0; i < PROCESS_SENSOR_NAMES; i++)
        if (sensor->processes[i].pid && sensor->processes[i].name == name)
            return true;
    return false;
}

/* One that is known; or else, for those that run now, one whose processes have all ended.  There is
 * one, since there are as many names as processes. */
static struct name *name_of(struct process_sensor *sensor, const struct region *region)
{
    struct name *room = NULL;
    for (uint32_t i = 0; i < PROCESS_SENSOR_NAMES; i++) {
        struct name *name = &sensor->names[i];
        if (strcmp(name->process, region->process) == 0 && name->owner == region->reader->owner)
            return name;
        bool better = !room || (*room->process && !*name->process);
        if (better && !has_process(sensor, name))
            room = name;
    }
    begin_name(sensor, room, region);
    return room;
}

static struct process *process_of(struct process_sensor *sensor, uint32_t pid)
{
    struct process *unused = NULL;
    for (uint32_t i = 0; i < PROCESS_SENSOR_NAMES; i++) {
        if (sensor->processes[i].pid == pid)
            return &sensor->processes[i];
        if (sensor->processes[i].pid == 0)
            unused = &sensor->processes[i];
    }
    return unused;
}

/* How many threads of a process that begins may be counted: each takes two descriptors, and a
 * microsecond each second for either. */
static uint32_t threads_left(const struct process_sensor *sensor)
{
    uint32_t counted = 0;
    for (uint32_t i = 0; i < PROCESS_SENSOR_NAMES; i++)
        counted += sensor->processes[i].events.threads;
    uint32_t left = counted < THREADS_MOST ? THREADS_MOST - counted : 0;
    return left < THREADS_OF_ONE ? left : THREADS_OF_ONE;
}

/* What it did before the daemon has seen it is not told. */
static void begin_process(struct process_sensor *sensor, struct process *process,
                          const struct region *region, const struct usage *usage)
{
    *process = (struct process){.pid = region->reader->header.pid, .usage = *usage};
    process->name = name_of(sensor, region);
    process_events_open(&process->events, sensor->sources.perf, sensor->sources.sysroot,
                        process->pid, threads_left(sensor));
}

/* --- What they did --- */

static double risen(uint64_t before, uint64_t now)
{
    return now > before ? (double)(now - before) : 0;
}

static void add(struct process *process, uint32_t column, double rise)
{
    double *value = &process->name->values[column];
    *value = isnan(*value) ? rise : *value + rise;
}

static void take_events(struct process *process)
{
    uint64_t counts[PROCESS_EVENTS];
    process_events_read(&process->events, counts);
    for (uint32_t i = 0; i < PROCESS_EVENTS; i++) {
        if (process->events.reason == PERF_COUNTS)
            add(process, SWITCHES + i, risen(process->counts[i], counts[i]));
        process->counts[i] = counts[i];
    }
}

static void end_process(struct process *process)
{
    take_events(process);
    process_events_close(&process->events);
    process->pid = 0;
}

static void take_usage(struct process *process, const struct usage *usage)
{
    add(process, MINOR, risen(process->usage.minor_faults, usage->minor_faults));
    add(process, MAJOR, risen(process->usage.major_faults, usage->major_faults));
    process->usage = *usage;
}

/* A number that another process has now is another's. */
static void read_region(struct process_sensor *sensor, const struct region *region)
{
    struct usage usage;
    struct process *process = process_of(sensor, region->reader->header.pid);
    if (!process || !usage_read(sensor->sources.sysroot, region->reader->header.pid, &usage))
        return;
    if (process->pid && process->usage.start != usage.start)
        end_process(process);
    if (!process->pid)
        begin_process(sensor, process, region, &usage);
    process->there = true;
    take_usage(process, &usage);
    take_events(process);
}

static bool runs(const struct plan_region *one)
{
    return one->alive && atomic_load(&one->region->main_process) == MAIN_PROCESS_RUNS;
}

static void read_processes(struct process_sensor *sensor, const struct plan *plan)
{
    for (uint32_t i = 0; i < PROCESS_SENSOR_NAMES; i++)
        sensor->processes[i].there = false;
    for (uint32_t i = 0; i < plan->region_count; i++)
        if (runs(&plan->regions[i]))
            read_region(sensor, plan->regions[i].region);
    for (uint32_t i = 0; i < PROCESS_SENSOR_NAMES; i++)
        if (sensor->processes[i].pid && !sensor->processes[i].there)
            end_process(&sensor->processes[i]);
}

/* --- Where their memory lies --- */

/* Of one process at a time: who waits longest. */
static struct process *whose_turn(struct process_sensor *sensor, uint64_t now)
{
    struct process *next = NULL;
    for (uint32_t i = 0; i < PROCESS_SENSOR_NAMES; i++) {
        struct process *process = &sensor->processes[i];
        if (process->pid && process->memory_due <= now &&
            (!next || process->memory_due < next->memory_due))
            next = process;
    }
    return next;
}

static void read_memory(struct process_sensor *sensor)
{
    uint64_t began = clock_monotonic(), bytes[NUMA_NODES_MOST];
    struct process *process = whose_turn(sensor, began);
    if (!process)
        return;
    process->memory_reason =
        numa_maps_read(sensor->sources.sysroot, process->pid, bytes, sensor->sources.nodes);
    memcpy(process->memory, bytes, sizeof bytes);
    uint64_t now = clock_monotonic(), rest = (now - began) * MEMORY_REST;
    process->memory_due = now + (rest > MEMORY_REST_LEAST ? rest : MEMORY_REST_LEAST);
}

/* --- What is told by name --- */

static void clear_gauges(struct process_sensor *sensor)
{
    for (uint32_t i = 0; i < PROCESS_SENSOR_NAMES; i++) {
        sensor->names[i].lacks_events = false;
        for (uint32_t k = sensor->memory_column; k < sensor->column_count; k++)
            sensor->names[i].values[k] = NAN;
    }
}

static void tell_reason(double *columns, int reason)
{
    columns[reason] = reason == 0;
}

static void tell_process(struct process_sensor *sensor, const struct process *process)
{
    double *values = process->name->values;
    tell_reason(values + sensor->event_reasons, (int)process->events.reason);
    if (process->memory_due == 0)
        return;
    tell_reason(values + sensor->memory_reasons, (int)process->memory_reason);
    for (uint32_t node = 0; node < sensor->sources.nodes; node++) {
        double *value = &values[sensor->memory_column + node];
        *value = (isnan(*value) ? 0 : *value) + (double)process->memory[node];
    }
}

/* Where one of a name's processes cannot be read, the name's sum is not known. */
static void tell_lacks(struct process_sensor *sensor, const struct process *process)
{
    double *values = process->name->values;
    if (process->events.reason != PERF_COUNTS) {
        process->name->lacks_events = true;
        values[sensor->event_reasons] = NAN;
    }
    if (process->memory_reason != NUMA_MAPS_READ)
        values[sensor->memory_reasons] = NAN;
    for (uint32_t node = 0; node < sensor->sources.nodes; node++)
        if (process->memory_reason != NUMA_MAPS_READ || process->memory_due == 0)
            values[sensor->memory_column + node] = NAN;
}

static void tell_names(struct process_sensor *sensor)
{
    clear_gauges(sensor);
    for (uint32_t i = 0; i < PROCESS_SENSOR_NAMES; i++)
        if (sensor->processes[i].pid)
            tell_process(sensor, &sensor->processes[i]);
    for (uint32_t i = 0; i < PROCESS_SENSOR_NAMES; i++)
        if (sensor->processes[i].pid)
            tell_lacks(sensor, &sensor->processes[i]);
}

static void show(struct process_sensor *sensor)
{
    pthread_mutex_lock(&sensor->mutex);
    memcpy(sensor->shown, sensor->names, sizeof sensor->shown);
    for (uint32_t i = 0; i < PROCESS_SENSOR_NAMES; i++)
        if (sensor->shown[i].lacks_events)
            sensor->shown[i].values[SWITCHES] = sensor->shown[i].values[MIGRATIONS] = NAN;
    sensor->shown_at = clock_monotonic();
    pthread_mutex_unlock(&sensor->mutex);
}

void process_sensor_read(void *argument)
{
    struct process_sensor *sensor = argument;
    struct plan *plan = snapshot_hold_plan(sensor->sources.store);
    if (!plan)
        return;
    read_processes(sensor, plan);
    forget_names(sensor, plan);
    plan_release(plan);
    read_memory(sensor);
    tell_names(sensor);
    show(sensor);
}

/* --- The row --- */

static void find_words(const struct process_sensor *sensor, const struct name *name,
                       const struct plan *plan, struct place *place)
{
    for (uint32_t i = 0; i < sensor->column_count; i++) {
        const struct column *column = &sensor->columns[i];
        const struct family *family = plan_catalogued(plan, column->family);
        char labels[PROCESS_LABELS_SIZE];
        process_labels(labels, name->process, name->owner, column->labels);
        const struct series *series = family ? family_series(family, labels) : NULL;
        place->at[i] = series && series->rows == ROWS_COMPUTED ? series->at : UINT32_MAX;
    }
    place->version = plan->set.version;
    place->number = name->number;
}

static void fill_name(struct process_sensor *sensor, uint32_t which, const struct plan *plan,
                      union word *row)
{
    const struct name *name = &sensor->shown[which];
    struct place *place = &sensor->places[which];
    if (place->version != plan->set.version || place->number != name->number)
        find_words(sensor, name, plan, place);
    for (uint32_t i = 0; i < sensor->column_count; i++)
        if (place->at[i] != UINT32_MAX && !isnan(name->values[i]))
            row[place->at[i]].number = name->values[i];
}

void process_sensor_fill(struct process_sensor *sensor, const struct plan *plan, union word *row)
{
    uint64_t now = clock_monotonic();
    pthread_mutex_lock(&sensor->mutex);
    bool fresh = sensor->shown_at && now < sensor->shown_at + SENSOR_LIFETIME_SLOW;
    for (uint32_t i = 0; fresh && i < PROCESS_SENSOR_NAMES; i++)
        if (*sensor->shown[i].process)
            fill_name(sensor, i, plan, row);
    pthread_mutex_unlock(&sensor->mutex);
}
