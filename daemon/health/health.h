/* SPDX-License-Identifier: MIT */
/*
 * The health of the machine and of the engine: checks, one for each component,
 * made on every tick by one thread; what they found is turned into figures and
 * into a report that any thread may copy.
 */
#ifndef ENGRAMD_HEALTH_H
#define ENGRAMD_HEALTH_H

#include <stdint.h>

#include "daemon/health/finding.h"
#include "daemon/snapshot/figures.h"

/* A report that is older tells nothing any more, ns. */
#define HEALTH_LIFETIME UINT64_C(3000000000)

/* Looks at one component; called by the assessing thread alone. */
typedef struct finding health_check(void *argument);

/* Told of each change of what is shown, by the assessing thread. */
typedef void health_told(void *argument, enum health_component component, enum health_state before,
                         enum health_state now);

struct health;

/* Adds the figures of every component; NULL when there is no memory.  A component that has no check
 * is unknown. */
struct health *health_new(struct figures *figures);
void health_free(struct health *health);

/* Before the first assessment. */
void health_set_check(struct health *health, enum health_component component, health_check *check,
                      void *argument);
void health_tell(struct health *health, health_told *told, void *argument);

/* Makes all checks; a sensor's `read`, whose argument is the health. */
void health_assess(void *health);

struct health_entry {
    enum health_state state; /* with hysteresis */
    struct finding finding;  /* of the last look */
};

struct health_report {
    uint64_t time; /* of the assessment, CLOCK_MONOTONIC, ns; 0: there was none yet */
    struct health_entry entries[HEALTH_COMPONENT_COUNT];
};

/* Copies the newest report, for any thread; where it is too old, all of it is unknown. */
void health_report(struct health *health, struct health_report *report);

/* The most urgent state of all components. */
enum health_state health_overall(const struct health_report *report);

#endif
