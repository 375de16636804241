/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "daemon/sensors/sensors.h"
#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/snapshot/snapshot.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define LANES 2
#define SENSORS_MOST 32
#define BEHIND 8 /* of a period's parts, one is left to collectors */
#define SLOW_NS UINT64_C(1000000000)
#define STEADY_NS UINT64_C(450000000) /* ticks may come early, and half a second is not missed */
#define HANGS_NS SENSOR_LIFETIME
#define STOP_SECONDS 2

struct sensor {
    const char *name;
    void (*read)(void *argument);
    void *argument;
    uint32_t read_at;    /* figure */
    uint64_t every, due; /* CLOCK_MONOTONIC, ns */
};

struct lane {
    struct sensors *all;
    const char *name;
    struct sensor list[SENSORS_MOST];
    uint32_t count;
    bool slow;
    pthread_t thread;
    bool started;
    atomic_uint current;   /* of the list: which sensor is being read */
    _Atomic uint64_t beat; /* when its reading began, CLOCK_MONOTONIC, ns; 0: none is */
    bool told;             /* the log knows that it hangs */
};

struct sensors {
    struct figures *figures;
    struct pace *pace;
    atomic_bool stop;
    int stopped; /* eventfd, readable once they are to stop */
    struct lane lanes[LANES];
};

struct sensors *sensors_new(struct figures *figures, struct pace *pace)
{
    static const char *const names[LANES] = {"sensors", "sensors/slow"};
    struct sensors *sensors = calloc(1, sizeof *sensors);
    if (!sensors)
        return NULL;
    sensors->stopped = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (sensors->stopped < 0) {
        free(sensors);
        return NULL;
    }
    sensors->figures = figures;
    sensors->pace = pace;
    for (int i = 0; i < LANES; i++) {
        sensors->lanes[i].all = sensors;
        sensors->lanes[i].name = names[i];
        sensors->lanes[i].slow = i == LANES - 1;
    }
    return sensors;
}

void sensors_free(struct sensors *sensors)
{
    close(sensors->stopped);
    free(sensors);
}

bool sensors_add(struct sensors *sensors, enum sensor_speed speed, const char *name,
                 void (*read)(void *argument), void *argument)
{
    struct lane *lane = &sensors->lanes[speed == SENSOR_SLOW];
    char labels[64];
    if (lane->count == SENSORS_MOST)
        return false;
    snprintf(labels, sizeof labels, "sensor=\"%s\"", name);
    uint32_t read_at = figures_add(sensors->figures, ENGRAM_DAEMON_SENSOR_READ, labels, UINT64_MAX);
    lane->list[lane->count++] = (struct sensor){name, read, argument, read_at,
                                                .every = speed == SENSOR_STEADY ? STEADY_NS : 0};
    return read_at != FIGURE_NONE;
}

static double wall_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void read_due(struct lane *lane)
{
    for (uint32_t i = 0; i < lane->count && !atomic_load(&lane->all->stop); i++) {
        struct sensor *sensor = &lane->list[i];
        uint64_t now = clock_monotonic();
        if (now < sensor->due)
            continue;
        sensor->due = now + sensor->every;
        atomic_store(&lane->current, i);
        atomic_store(&lane->beat, now);
        sensor->read(sensor->argument);
        figures_set(lane->all->figures, sensor->read_at, wall_clock());
    }
    atomic_store(&lane->beat, 0);
}

void sensors_read(struct sensors *sensors)
{
    for (int i = 0; i < LANES; i++)
        read_due(&sensors->lanes[i]);
}

/* However wide it is, a figure is set again before it is too old. */
static uint64_t tick_of(const struct lane *lane)
{
    uint64_t tick = pace_tick(lane->all->pace);
    return tick < SLOW_NS ? tick : SLOW_NS;
}

/* Until collectors, who begin whenever the clock is a multiple of the period, have brought what is
 * to be looked at, or until they are to stop. */
static void rest(const struct lane *lane)
{
    uint64_t period = lane->slow ? SLOW_NS : tick_of(lane);
    uint64_t left = period - (clock_monotonic() - period / BEHIND) % period;
    struct timespec wait = {(time_t)(left / 1000000000), (long)(left % 1000000000)};
    ppoll(&(struct pollfd){.fd = lane->all->stopped, .events = POLLIN}, 1, &wait, NULL);
}

static void *lane_run(void *argument)
{
    struct lane *lane = argument;
    pthread_setname_np(pthread_self(), lane->name);
    snapshot_thread_start();
    while (!atomic_load(&lane->all->stop)) {
        read_due(lane);
        pace_spent(lane->all->pace);
        rest(lane);
    }
    snapshot_thread_stop();
    return NULL;
}

bool sensors_start(struct sensors *sensors)
{
    for (int i = 0; i < LANES; i++) {
        struct lane *lane = &sensors->lanes[i];
        if (lane->count == 0)
            continue;
        errno = pthread_create(&lane->thread, NULL, lane_run, lane);
        if (errno)
            return false;
        lane->started = true;
    }
    return true;
}

bool sensors_stop(struct sensors *sensors)
{
    struct timespec until;
    bool all = true;
    atomic_store(&sensors->stop, true);
    eventfd_write(sensors->stopped, 1);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += STOP_SECONDS;
    for (int i = 0; i < LANES; i++)
        if (sensors->lanes[i].started)
            all &= pthread_timedjoin_np(sensors->lanes[i].thread, NULL, &until) == 0;
    return all;
}

static void supervise_lane(struct lane *lane)
{
    uint64_t now = clock_monotonic(), beat = atomic_load(&lane->beat);
    bool hangs = beat && now > beat && now - beat > HANGS_NS;
    if (hangs == lane->told)
        return;
    lane->told = hangs;
    const char *name = lane->list[atomic_load(&lane->current)].name;
    if (hangs)
        log_event(LOG_LEVEL_WARNING, "a sensor hangs; values of its thread are left out",
                  "sensor=%s thread=%s advice=%s", name, lane->name,
                  "look for a thread of engramd in state D");
    else
        log_event(LOG_LEVEL_INFO, "sensors are read again", "thread=%s", lane->name);
}

void sensors_supervise(struct sensors *sensors)
{
    for (int i = 0; i < LANES; i++)
        supervise_lane(&sensors->lanes[i]);
}
