/* SPDX-License-Identifier: MIT */
#include "daemon/alerts/alerting.h"
#include "alerts/alerts.h"
#include "daemon/base/clock.h"
#include "daemon/sensors/sensors.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECOVER 2 /* looks in a row */

struct instance {
    struct alert_entry entry;
    bool used, holds;
    unsigned better; /* looks in a row */
};

struct alerting {
    struct snapshot_store *store;
    struct figures *figures;
    struct signals *signals;
    uint32_t states[ALERTS]; /* figures */
    enum alert_state shown[ALERTS];
    alerting_told *told; /* NULL: nobody is */
    void *told_argument;
    uint64_t now;
    uint32_t which;     /* alert that is looked at */
    bool known[ALERTS]; /* there is what it is about */
    bool whole;         /* the snapshot that is looked at: what is not there is not so */
    struct instance instances[ALERTING_MOST];
    pthread_mutex_t mutex; /* of what is below */
    struct alert_entry report[ALERTING_MOST];
    uint32_t report_count;
    uint64_t reported; /* when, CLOCK_MONOTONIC, ns; 0: not yet */
};

const struct alert *alert_numbered(uint32_t number)
{
    return &alerts[number];
}

void alerting_tell(struct alerting *alerting, alerting_told *told, void *argument)
{
    alerting->told = told;
    alerting->told_argument = argument;
}

const char *alert_state_name(enum alert_state state)
{
    static const char *const names[] = {"inactive", "pending", "firing"};
    return names[state];
}

const char *alert_severity_name(enum alert_severity severity)
{
    static const char *const names[] = {"info", "warning", "critical"};
    return names[severity];
}

struct alerting *alerting_new(struct figures *figures, struct snapshot_store *store)
{
    struct alerting *alerting = calloc(1, sizeof *alerting);
    if (!alerting)
        return NULL;
    alerting->store = store;
    alerting->figures = figures;
    pthread_mutex_init(&alerting->mutex, NULL);
    alerting->signals = signals_new(2 * ALERTS);
    bool good = alerting->signals;
    for (uint32_t i = 0; good && i < ALERTS; i++) {
        char labels[128];
        snprintf(labels, sizeof labels, "alertname=\"%s\",severity=\"%s\"", alerts[i].name,
                 alert_severity_name(alerts[i].severity));
        alerting->states[i] = figures_add(figures, ENGRAM_ALERT_STATE, labels, SENSOR_LIFETIME);
        good = alerting->states[i] != FIGURE_NONE;
    }
    if (good)
        return alerting;
    alerting_free(alerting);
    return NULL;
}

void alerting_free(struct alerting *alerting)
{
    if (alerting->signals)
        signals_free(alerting->signals);
    pthread_mutex_destroy(&alerting->mutex);
    free(alerting);
}

/* --- Conditions --- */

static bool is_met(const struct alert *alert, double value)
{
    switch (alert->compare) {
    case ALERT_ABOVE:
        return value > alert->threshold;
    case ALERT_BELOW:
        return value < alert->threshold;
    default:
        return fabs(value - alert->threshold) < 1e-9;
    }
}

/* The numbers by which the signals of the alert that is looked at are told from others. */
static uint32_t signal_number(const struct alerting *alerting)
{
    return 2 * alerting->which;
}

static uint32_t gate_number(const struct alerting *alerting)
{
    return 2 * alerting->which + 1;
}

/* A gate is of a process, whose label is among those of what the alert is about. */
static bool is_open(const struct alerting *alerting, const char *labels)
{
    const struct alert *alert = &alerts[alerting->which];
    return alert->gate.reading == ALERT_ALWAYS ||
           signal_of_process(alerting->signals, gate_number(alerting), labels, alerting->now) >
               alert->gate_above;
}

/* --- What is on --- */

/* NULL when there are too many. */
static struct instance *instance_of(struct alerting *alerting, const char *labels)
{
    struct instance *unused = NULL;
    for (uint32_t i = 0; i < ALERTING_MOST; i++) {
        struct instance *instance = &alerting->instances[i];
        if (instance->used && instance->entry.alert == &alerts[alerting->which] &&
            strcmp(instance->entry.labels, labels) == 0)
            return instance;
        if (!instance->used && !unused)
            unused = instance;
    }
    if (!unused || strlen(labels) >= SIGNAL_LABELS_SIZE)
        return NULL;
    *unused = (struct instance){.used = true};
    unused->entry = (struct alert_entry){
        .alert = &alerts[alerting->which], .state = ALERT_PENDING, .since = alerting->now};
    memcpy(unused->entry.labels, labels, strlen(labels) + 1);
    return unused;
}

static void take_value(void *argument, const char *labels, double value)
{
    struct alerting *alerting = argument;
    alerting->known[alerting->which] = true;
    if (!is_met(&alerts[alerting->which], value) || !is_open(alerting, labels))
        return;
    struct instance *instance = instance_of(alerting, labels);
    if (!instance)
        return;
    instance->holds = true;
    instance->entry.value = value;
}

static void look_at(struct alerting *alerting, const struct snapshot *snapshot)
{
    const struct alert *alert = &alerts[alerting->which];
    alerting->known[alerting->which] = false;
    if (alert->gate.reading != ALERT_ALWAYS)
        signal_tell(alerting->signals, gate_number(alerting), &alert->gate, snapshot, alerting->now,
                    NULL, NULL);
    signal_tell(alerting->signals, signal_number(alerting), &alert->signal, snapshot, alerting->now,
                take_value, alerting);
}

/* What does not hold is pending no longer at once, and stops firing when it did not twice. */
static void step(struct instance *instance, uint64_t now)
{
    instance->better = instance->holds ? 0 : instance->better + 1;
    if (instance->entry.state == ALERT_PENDING && instance->better)
        instance->used = false;
    else if (instance->better >= RECOVER)
        instance->used = false;
    else if (now - instance->entry.since >= instance->entry.alert->hold * ALERT_SECOND)
        instance->entry.state = ALERT_FIRING;
    instance->holds = false;
}

/* While values of a socket are missing, what is not known stays as it was. */
static void step_all(struct alerting *alerting)
{
    for (uint32_t i = 0; i < ALERTING_MOST; i++) {
        struct instance *instance = &alerting->instances[i];
        if (instance->used && (alerting->whole || alerting->known[instance->entry.alert - alerts]))
            step(instance, alerting->now);
    }
}

static void show(struct alerting *alerting, uint32_t which, enum alert_state now)
{
    enum alert_state before = alerting->shown[which];
    figures_set(alerting->figures, alerting->states[which],
                alerting->known[which] || now != ALERT_INACTIVE ? (double)now : NAN);
    alerting->shown[which] = now;
    if (before != now && alerting->told)
        alerting->told(alerting->told_argument, which, before, now);
}

/* Appends what is on of an alert to the report. */
static void report(struct alerting *alerting, uint32_t which)
{
    for (uint32_t i = 0; i < ALERTING_MOST; i++) {
        const struct instance *instance = &alerting->instances[i];
        if (instance->used && instance->entry.alert == &alerts[which])
            alerting->report[alerting->report_count++] = instance->entry;
    }
}

static void tell(struct alerting *alerting)
{
    enum alert_state states[ALERTS] = {0};
    for (uint32_t i = 0; i < ALERTING_MOST; i++) {
        const struct instance *instance = &alerting->instances[i];
        if (instance->used && instance->entry.state > states[instance->entry.alert - alerts])
            states[instance->entry.alert - alerts] = instance->entry.state;
    }
    pthread_mutex_lock(&alerting->mutex);
    alerting->report_count = 0;
    for (uint32_t which = 0; which < ALERTS; which++)
        if (states[which] != ALERT_INACTIVE)
            report(alerting, which);
    alerting->reported = alerting->now;
    pthread_mutex_unlock(&alerting->mutex);
    for (uint32_t i = 0; i < ALERTS; i++)
        show(alerting, i, states[i]);
}

void alerting_look(void *argument)
{
    struct alerting *alerting = argument;
    const struct snapshot *snapshot = snapshot_begin(alerting->store);
    bool any = snapshot;
    alerting->now = clock_monotonic();
    alerting->whole = snapshot && !snapshot->incomplete;
    for (alerting->which = 0; any && alerting->which < ALERTS; alerting->which++)
        look_at(alerting, snapshot);
    snapshot_end();
    if (!any)
        return;
    step_all(alerting);
    tell(alerting);
}

bool alerting_report(struct alerting *alerting, struct alert_entry entries[ALERTING_MOST],
                     uint32_t *count)
{
    uint64_t now = clock_monotonic();
    pthread_mutex_lock(&alerting->mutex);
    uint64_t reported = alerting->reported;
    *count = alerting->report_count;
    memcpy(entries, alerting->report, *count * sizeof *entries);
    pthread_mutex_unlock(&alerting->mutex);
    return reported && now < reported + ALERTING_LIFETIME;
}
