/* SPDX-License-Identifier: MIT */
/*
 * Which alerts are on: each of alerts/alerts.def is looked at on every tick, for each series or
 * group that it is about, and is pending until it has held for as long as it must, then firing,
 * until it was not so twice in a row.
 */
#ifndef ENGRAMD_ALERTING_H
#define ENGRAMD_ALERTING_H

#include "daemon/alerts/signal.h"
#include "daemon/snapshot/figures.h"

#define ALERTING_MOST 256 /* that are on at a time; more are not told of */

/* What was found longer ago tells nothing any more, ns. */
#define ALERTING_LIFETIME UINT64_C(3000000000)

/* The numbers are those of engram_alert_state. */
enum alert_state { ALERT_INACTIVE, ALERT_PENDING, ALERT_FIRING };

struct alert_entry {
    const struct alert *alert;
    enum alert_state state;          /* pending or firing */
    char labels[SIGNAL_LABELS_SIZE]; /* of what it is about, in exposition form */
    double value;                    /* now */
    uint64_t since;                  /* it holds, CLOCK_MONOTONIC, ns */
};

struct alerting;

/* Adds its figures; NULL when there is no memory. */
struct alerting *alerting_new(struct figures *figures, struct snapshot_store *store);
void alerting_free(struct alerting *alerting);

/* Told of each change of an alert's state, the highest of all that it is about, by its number; by
 * the thread that looks. */
typedef void alerting_told(void *argument, uint32_t number, enum alert_state before,
                           enum alert_state now);

/* Before the first look. */
void alerting_tell(struct alerting *alerting, alerting_told *told, void *argument);

const struct alert *alert_numbered(uint32_t number); /* as alerts.def has them, from 0 */
const char *alert_state_name(enum alert_state state);
const char *alert_severity_name(enum alert_severity severity);

/* Looks at all of them; a sensor's `read`, whose argument is an alerting. */
void alerting_look(void *alerting);

/* Copies what is on, in the order of its definitions, and how many; for any thread.  False when
 * nobody has looked lately, so that nothing is known. */
bool alerting_report(struct alerting *alerting, struct alert_entry entries[ALERTING_MOST],
                     uint32_t *count);

#endif
