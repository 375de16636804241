/* SPDX-License-Identifier: MIT */
#include "daemon/sensors/pmu_sensor.h"
#include "daemon/base/clock.h"
#include "daemon/base/rate.h"
#include "daemon/sensors/pmu_rules.h"
#include "daemon/sensors/sensors.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW UINT64_C(10000000000)

#define NO_EVENT UINT32_MAX

/* What pmu_sensor_contention() tells. */
enum { NEARBY, FAR, INSTRUCTIONS, CONTENTION };
static const char *const contention_names[CONTENTION] = {"contended_loads_local",
                                                         "contended_loads_remote", "instructions"};

struct term {
    uint32_t event;
    double weight;
};

struct sum {
    struct term terms[PMU_TERMS];
    uint32_t count;
};

/* A rule with its events found. */
struct derived {
    const struct pmu_rule *rule; /* NULL: it has events that are not counted */
    struct sum of, by;
    uint32_t figure;
};

/* Loads that memory answered, of a socket that has one node. */
struct remote {
    uint32_t socket, figure;
    struct rate local, other;
};

struct event_figures {
    uint32_t total, coverage, available[PERF_REASONS];
    struct rate rate;
    struct pmu_count now;
    struct rise rise; /* within the window */
};

struct pmu_sensor {
    struct figures *figures;
    struct pmu *pmu;
    uint64_t born, born_cycles;
    struct derived cycle;    /* reference cycles by a core's */
    struct derived *derived; /* [pmu_rule_count] */
    struct remote *remotes;
    uint32_t remote_count, dram_local, dram_remote;
    uint32_t contention[CONTENTION]; /* events */
    struct event_figures events[];
};

/* --- Making it --- */

static bool add_event(struct pmu_sensor *sensor, uint32_t which)
{
    const struct pmu_event *event = pmu_event(sensor->pmu, which);
    struct event_figures *of = &sensor->events[which];
    char labels[160];
    of->rate.window = WINDOW;
    snprintf(labels, sizeof labels, "event=\"%s\",source=\"%s\"", event->name, event->source);
    of->total = figures_add(sensor->figures, ENGRAM_HARDWARE_EVENTS, labels, SENSOR_LIFETIME);
    of->coverage = figures_add(sensor->figures, ENGRAM_HARDWARE_COVERAGE, labels, SENSOR_LIFETIME);
    bool good = of->total != FIGURE_NONE && of->coverage != FIGURE_NONE;
    for (int reason = 0; reason < PERF_REASONS; reason++) {
        const char *word = perf_reason_word(reason);
        snprintf(labels, sizeof labels, "event=\"%s\"%s%s%s,source=\"%s\"", event->name,
                 *word ? ",reason=\"" : "", word, *word ? "\"" : "", event->source);
        of->available[reason] =
            figures_add(sensor->figures, ENGRAM_HARDWARE_AVAILABLE, labels, SENSOR_LIFETIME);
        good &= of->available[reason] != FIGURE_NONE;
    }
    return good;
}

static uint32_t event_named(const struct pmu *pmu, const char *name)
{
    for (uint32_t i = 0; i < pmu_event_count(pmu); i++)
        if (strcmp(pmu_event(pmu, i)->name, name) == 0)
            return i;
    return NO_EVENT;
}

static bool find_terms(const struct pmu *pmu, const struct pmu_term *terms, struct sum *sum)
{
    for (; sum->count < PMU_TERMS && terms[sum->count].event; sum->count++) {
        uint32_t event = event_named(pmu, terms[sum->count].event);
        if (event == NO_EVENT)
            return false;
        sum->terms[sum->count] = (struct term){event, terms[sum->count].weight};
    }
    return true;
}

static void find_events(const struct pmu *pmu, const struct pmu_rule *rule, struct derived *derived)
{
    if (find_terms(pmu, rule->of, &derived->of) && find_terms(pmu, rule->by, &derived->by))
        derived->rule = rule;
}

static bool add_rule(struct pmu_sensor *sensor, const struct pmu_rule *rule,
                     struct derived *derived)
{
    find_events(sensor->pmu, rule, derived);
    derived->figure = figures_add(sensor->figures, rule->family, rule->labels, SENSOR_LIFETIME);
    return derived->figure != FIGURE_NONE;
}

/* Of a socket with several nodes it cannot be told which of them loaded. */
static bool add_remote(struct pmu_sensor *sensor, const struct topology *topology, uint32_t socket)
{
    uint32_t node = topology_only_node(topology, socket);
    struct remote *remote = &sensor->remotes[sensor->remote_count];
    char labels[64];
    if (node == TOPOLOGY_NONE)
        return true;
    sensor->remote_count++;
    snprintf(labels, sizeof labels, "source=\"pmu\",source_node=\"%" PRIu32 "\"", node);
    remote->socket = socket;
    remote->local.window = remote->other.window = WINDOW;
    remote->figure =
        figures_add(sensor->figures, ENGRAM_NUMA_REMOTE_RATIO, labels, SENSOR_LIFETIME);
    return remote->figure != FIGURE_NONE;
}

static bool add_figures(struct pmu_sensor *sensor, const struct topology *topology)
{
    bool good = sensor->derived && sensor->remotes;
    find_events(sensor->pmu, &pmu_cycle, &sensor->cycle);
    for (uint32_t i = 0; good && i < pmu_event_count(sensor->pmu); i++)
        good = add_event(sensor, i);
    for (uint32_t i = 0; good && i < pmu_rule_count; i++)
        good = add_rule(sensor, &pmu_rules[i], &sensor->derived[i]);
    sensor->dram_local = event_named(sensor->pmu, "dram_loads_local");
    sensor->dram_remote = event_named(sensor->pmu, "dram_loads_remote");
    for (int i = 0; i < CONTENTION; i++)
        sensor->contention[i] = event_named(sensor->pmu, contention_names[i]);
    bool both = sensor->dram_local != NO_EVENT && sensor->dram_remote != NO_EVENT;
    for (uint32_t i = 0; good && both && i < topology_sockets(topology); i++)
        good = add_remote(sensor, topology, i);
    return good;
}

struct pmu_sensor *pmu_sensor_new(struct figures *figures, struct pmu *pmu,
                                  const struct topology *topology)
{
    struct pmu_sensor *sensor =
        calloc(1, sizeof *sensor + pmu_event_count(pmu) * sizeof sensor->events[0]);
    if (!sensor)
        return NULL;
    sensor->figures = figures;
    sensor->pmu = pmu;
    sensor->born = clock_monotonic();
    sensor->born_cycles = clock_cycles();
    sensor->derived = calloc(pmu_rule_count, sizeof *sensor->derived);
    sensor->remotes = calloc(topology_sockets(topology), sizeof *sensor->remotes);
    if (add_figures(sensor, topology))
        return sensor;
    pmu_sensor_free(sensor);
    return NULL;
}

void pmu_sensor_free(struct pmu_sensor *sensor)
{
    free(sensor->derived);
    free(sensor->remotes);
    free(sensor);
}

/* --- Reading it --- */

static bool is_counted(const struct pmu_count *count)
{
    return count->reason == PERF_COUNTS && !isnan(count->coverage);
}

static void read_event(struct pmu_sensor *sensor, uint32_t which)
{
    struct event_figures *of = &sensor->events[which];
    struct pmu_count count = pmu_counted(sensor->pmu, which, PMU_ALL_SOCKETS);
    of->now = count;
    of->rise = (struct rise){0, 0};
    if (is_counted(&count))
        of->rise = rate_take(&of->rate, count.time, (uint64_t)count.total);
    figures_set(sensor->figures, of->total, is_counted(&count) ? floor(count.total) : NAN);
    figures_set(sensor->figures, of->coverage, count.coverage);
    for (int reason = 0; reason < PERF_REASONS; reason++)
        figures_set(sensor->figures, of->available[reason],
                    count.time && reason == (int)count.reason ? reason == PERF_COUNTS : NAN);
}

/* Since the start; NAN if an event is not counted, as the two below. */
static double total_of(const struct pmu_sensor *sensor, const struct sum *sum)
{
    double total = 0;
    for (uint32_t i = 0; i < sum->count; i++) {
        const struct pmu_count *now = &sensor->events[sum->terms[i].event].now;
        total += is_counted(now) ? sum->terms[i].weight * floor(now->total) : NAN;
    }
    return total;
}

static double per_second(const struct pmu_sensor *sensor, const struct sum *sum)
{
    double rate = 0;
    for (uint32_t i = 0; i < sum->count; i++)
        rate += sum->terms[i].weight * rise_per_second(sensor->events[sum->terms[i].event].rise);
    return rate;
}

static double share_of(const struct pmu_sensor *sensor, const struct derived *derived)
{
    double by = per_second(sensor, &derived->by);
    return by > 0 ? per_second(sensor, &derived->of) / by : NAN;
}

/* How long a core's cycle takes now, ns.  Reference cycles are at the rate of the time stamp
 * counter, whatever the core's clock: Intel's manual, volume 3, CPU_CLK_UNHALTED.REF_TSC. */
static double cycle_ns(const struct pmu_sensor *sensor)
{
    uint64_t counted = clock_cycles() - sensor->born_cycles;
    double tick = (double)(clock_monotonic() - sensor->born) / (double)counted;
    return counted && sensor->cycle.rule ? share_of(sensor, &sensor->cycle) * tick : NAN;
}

static double value_of(const struct pmu_sensor *sensor, const struct derived *derived)
{
    if (!derived->rule)
        return NAN;
    switch (derived->rule->formula) {
    case FORMULA_COUNT:
        return total_of(sensor, &derived->of);
    case FORMULA_PER_SECOND:
        return per_second(sensor, &derived->of);
    case FORMULA_SHARE:
        return share_of(sensor, derived);
    case FORMULA_PERCENT:
        return share_of(sensor, derived) * 100;
    case FORMULA_HIT: { /* speculation may miss more often than it hits what is counted */
        double missed = share_of(sensor, derived);
        return missed > 1 ? 0 : 1 - missed;
    }
    case FORMULA_LATENCY:
        return share_of(sensor, derived) * cycle_ns(sensor);
    }
    return NAN;
}

static void read_remote(struct pmu_sensor *sensor, struct remote *remote)
{
    struct pmu_count local = pmu_counted(sensor->pmu, sensor->dram_local, remote->socket);
    struct pmu_count other = pmu_counted(sensor->pmu, sensor->dram_remote, remote->socket);
    double share = NAN;
    if (is_counted(&local) && is_counted(&other)) {
        struct rise here = rate_take(&remote->local, local.time, (uint64_t)local.total);
        struct rise there = rate_take(&remote->other, other.time, (uint64_t)other.total);
        double loads = (double)(here.by + there.by);
        share = loads > 0 ? (double)there.by / loads : NAN;
    }
    figures_set(sensor->figures, remote->figure, share);
}

void pmu_sensor_read(void *argument)
{
    struct pmu_sensor *sensor = argument;
    for (uint32_t i = 0; i < pmu_event_count(sensor->pmu); i++)
        read_event(sensor, i);
    for (uint32_t i = 0; i < pmu_rule_count; i++)
        figures_set(sensor->figures, sensor->derived[i].figure,
                    value_of(sensor, &sensor->derived[i]));
    for (uint32_t i = 0; i < sensor->remote_count; i++)
        read_remote(sensor, &sensor->remotes[i]);
}

bool pmu_sensor_contention(const struct pmu_sensor *sensor, struct pmu_contention *contention)
{
    double totals[CONTENTION];
    *contention = (struct pmu_contention){.time = UINT64_MAX};
    for (int i = 0; i < CONTENTION; i++) {
        uint32_t event = sensor->contention[i];
        struct pmu_count now = {.reason = PERF_NOT_SUPPORTED};
        if (event != NO_EVENT)
            now = sensor->events[event].now;
        contention->lacking = contention_names[i];
        contention->reason = now.reason;
        if (!is_counted(&now))
            return false;
        contention->time = now.time < contention->time ? now.time : contention->time;
        totals[i] = now.total;
    }
    contention->contended = (uint64_t)(totals[NEARBY] + totals[FAR]);
    contention->instructions = (uint64_t)totals[INSTRUCTIONS];
    return true;
}
