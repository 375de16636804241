/* SPDX-License-Identifier: MIT */
/*
 * What is shown of a component while what is found changes: one look that is off
 * moves nothing.
 */
#ifndef ENGRAMD_HYSTERESIS_H
#define ENGRAMD_HYSTERESIS_H

#include "daemon/health/finding.h"

/* Looks in a row that it takes. */
#define HYSTERESIS_DEGRADE 2
#define HYSTERESIS_FAIL 3
#define HYSTERESIS_RECOVER 2 /* also from being unknown, and to it */

struct hysteresis {
    enum health_state shown;               /* at first HEALTH_UNKNOWN */
    unsigned unknown, bad, failed, better; /* looks in a row, up to the last */
    enum health_state best; /* the worst of those that were better than what is shown */
};

/* Takes in what was found, and returns what is to be shown. */
enum health_state hysteresis_step(struct hysteresis *hysteresis, enum health_state found);

#endif
