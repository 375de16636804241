/* SPDX-License-Identifier: MIT */
#include "daemon/health/health.h"
#include "daemon/base/clock.h"
#include "daemon/health/hysteresis.h"
#include "daemon/health/passes.h"
#include "daemon/sensors/sensors.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct component {
    health_check *check;
    void *argument;
    struct hysteresis hysteresis;
    struct passes passes;
    uint32_t status, duration, success; /* figures */
};

struct health {
    struct figures *figures;
    struct component components[HEALTH_COMPONENT_COUNT];
    health_told *told;
    void *told_argument;
    pthread_mutex_t mutex; /* held for a copy of the report */
    struct health_report report;
};

static struct finding no_source(void *argument)
{
    struct finding finding = finding_unknown("");
    (void)argument;
    finding_say(&finding, "this version has no source for it");
    return finding;
}

static bool add_component(struct health *health, enum health_component which)
{
    struct component *component = &health->components[which];
    char labels[64];
    snprintf(labels, sizeof labels, "component=\"%s\"", health_component_name(which));
    component->check = no_source;
    component->hysteresis.shown = HEALTH_UNKNOWN;
    component->status = figures_add(health->figures, ENGRAM_HEALTH_STATUS, labels, SENSOR_LIFETIME);
    component->duration =
        figures_add(health->figures, ENGRAM_HEALTH_DURATION, labels, SENSOR_LIFETIME);
    component->success =
        figures_add(health->figures, ENGRAM_HEALTH_SUCCESS, labels, SENSOR_LIFETIME);
    return component->status != FIGURE_NONE && component->duration != FIGURE_NONE &&
           component->success != FIGURE_NONE;
}

struct health *health_new(struct figures *figures)
{
    struct health *health = calloc(1, sizeof *health);
    if (!health)
        return NULL;
    health->figures = figures;
    pthread_mutex_init(&health->mutex, NULL);
    for (int i = 0; i < HEALTH_COMPONENT_COUNT; i++)
        if (!add_component(health, i)) {
            health_free(health);
            return NULL;
        }
    return health;
}

void health_free(struct health *health)
{
    pthread_mutex_destroy(&health->mutex);
    free(health);
}

void health_set_check(struct health *health, enum health_component component, health_check *check,
                      void *argument)
{
    health->components[component].check = check;
    health->components[component].argument = argument;
}

void health_tell(struct health *health, health_told *told, void *argument)
{
    health->told = told;
    health->told_argument = argument;
}

static struct health_entry look(struct health *health, enum health_component which)
{
    struct component *component = &health->components[which];
    uint64_t start = clock_monotonic();
    struct health_entry entry = {.finding = component->check(component->argument)};
    uint64_t end = clock_monotonic();
    enum health_state before = component->hysteresis.shown;
    entry.state = hysteresis_step(&component->hysteresis, entry.finding.state);
    passes_take(&component->passes, end, entry.finding.state);
    figures_set(health->figures, component->duration, (double)(end - start) * 1e-6);
    figures_set(health->figures, component->status, entry.state);
    figures_set(health->figures, component->success, passes_ratio(&component->passes));
    if (entry.state != before && health->told)
        health->told(health->told_argument, which, before, entry.state);
    return entry;
}

void health_assess(void *argument)
{
    struct health *health = argument;
    struct health_report report = {0};
    for (int i = 0; i < HEALTH_COMPONENT_COUNT; i++)
        report.entries[i] = look(health, i);
    report.time = clock_monotonic();
    pthread_mutex_lock(&health->mutex);
    health->report = report;
    pthread_mutex_unlock(&health->mutex);
}

static void forget(struct health_report *report, const char *why)
{
    for (int i = 0; i < HEALTH_COMPONENT_COUNT; i++) {
        report->entries[i] = (struct health_entry){HEALTH_UNKNOWN, finding_unknown("")};
        finding_say(&report->entries[i].finding, "%s", why);
    }
}

void health_report(struct health *health, struct health_report *report)
{
    pthread_mutex_lock(&health->mutex);
    *report = health->report;
    pthread_mutex_unlock(&health->mutex);
    uint64_t now = clock_monotonic();
    if (report->time == 0)
        forget(report, "nothing has been looked at yet");
    else if (now > report->time && now - report->time > HEALTH_LIFETIME)
        forget(report, "nothing is looked at any more: a sensor hangs");
}

enum health_state health_overall(const struct health_report *report)
{
    enum health_state worst = HEALTH_HEALTHY;
    for (int i = 0; i < HEALTH_COMPONENT_COUNT; i++)
        if (health_worse(report->entries[i].state, worst))
            worst = report->entries[i].state;
    return worst;
}
