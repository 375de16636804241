/* SPDX-License-Identifier: MIT */
/*
 * A machine of two sockets with a CPU each, on which all events that are known happen at rates of
 * the test's own, are counted by a kernel that is made up, and turned into figures.
 */
#ifndef TESTS_UNIT_COUNTING_H
#define TESTS_UNIT_COUNTING_H

#include "daemon/sensors/pmu_sensor.h"

void counting_start(void);
void counting_stop(void);

/* From now on, a second: on a CPU, or on both together.  NAN, as at first: it cannot be counted. */
void happens_on(int cpu, const char *event, double rate);
void happens(const char *event, double rate);

/* After what can be counted has been said; the sensor lives until the test's end. */
const struct pmu_sensor *counting_begin(void);

/* Lets seconds pass, and reads. */
void counting_pass(double seconds);

/* Makes a snapshot, and what a series is in it; NAN: absent. */
void counting_collect(void);
double counting_shown(const char *series);

#endif
