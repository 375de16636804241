/* SPDX-License-Identifier: MIT */
/*
 * Looks at the machine again and again: two threads that call each sensor in the
 * order in which they were added, one on every tick, or twice a second what costs
 * more than it changes, the other, for what is slow to read, each second.  A sensor
 * sets figures of its own.  One that hangs holds up its thread alone: the figures of that become
 * absent by their age, and the log says which sensor it was.  The threads may look at snapshots and
 * plans.
 */
#ifndef ENGRAMD_SENSORS_H
#define ENGRAMD_SENSORS_H

#include "daemon/base/pace.h"
#include "daemon/snapshot/figures.h"

enum sensor_speed { SENSOR_FAST, SENSOR_STEADY, SENSOR_SLOW };

/* How long a figure of a sensor is shown after it was set, ns; one of a slow sensor longer. */
#define SENSOR_LIFETIME UINT64_C(3000000000)
#define SENSOR_LIFETIME_SLOW UINT64_C(10000000000)

struct sensors;

/* Adds a figure for each sensor: when it was read last.  NULL when there is no memory or
 * descriptor. */
struct sensors *sensors_new(struct figures *figures, struct pace *pace);
void sensors_free(struct sensors *sensors);

/* Before sensors_start().  `name` is a literal, of letters and underscores; `read` is called by the
 * thread of its speed alone.  False when there is no memory or no room. */
bool sensors_add(struct sensors *sensors, enum sensor_speed speed, const char *name,
                 void (*read)(void *argument), void *argument);

/* Calls every sensor that is due, at first all of them, for --once and for tests. */
void sensors_read(struct sensors *sensors);

/* False, with errno, when a thread cannot be started. */
bool sensors_start(struct sensors *sensors);

/* False when a thread hangs: it is left behind, and with it all that its sensors use, which must
 * not be freed. */
bool sensors_stop(struct sensors *sensors);

/* Tells the log of a sensor that hangs, and when it has come back; to be called a few times a
 * second, by one thread, which never waits. */
void sensors_supervise(struct sensors *sensors);

#endif
