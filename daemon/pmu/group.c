/* SPDX-License-Identifier: MIT */
#include "daemon/pmu/group.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define STRETCH_MOST_NS 5e9

/* As PERF_FORMAT_GROUP with both times lays it out. */
struct reading {
    uint64_t count, enabled, running;
    uint64_t values[PMU_GROUP_MOST]; /* of those that are open, in their order */
};

void group_init(struct group *group, const struct pmu_group *of)
{
    *group = (struct group){.of = of, .coverage = NAN};
    for (int i = 0; i < PMU_GROUP_MOST; i++) {
        group->files[i] = -1;
        group->reasons[i] = PERF_OFFLINE;
    }
}

/* The descriptor that is read, and that others are opened with; -1: none is open. */
static int leader_of(const struct group *group)
{
    for (int i = 0; i < PMU_GROUP_MOST; i++)
        if (group->files[i] >= 0)
            return group->files[i];
    return -1;
}

static void open_event(struct group *group, const struct perf_calls *calls, int cpu, int which)
{
    const struct pmu_event *event = &group->of->events[which];
    struct perf_event_attr attr = {.type = event->type,
                                   .size = sizeof attr,
                                   .config = event->config,
                                   .config1 = event->config1,
                                   .config2 = event->config2,
                                   .read_format = PERF_FORMAT_GROUP |
                                                  PERF_FORMAT_TOTAL_TIME_ENABLED |
                                                  PERF_FORMAT_TOTAL_TIME_RUNNING};
    group->files[which] = calls->open(&attr, cpu, leader_of(group));
    group->reasons[which] = group->files[which] < 0 ? perf_reason_of(errno) : PERF_COUNTS;
}

bool group_open(struct group *group, const struct perf_calls *calls, int cpu)
{
    /* The kernel reads members in the order in which they came, so none comes later. */
    if (leader_of(group) < 0)
        for (int i = 0; i < PMU_GROUP_MOST && group->of->events[i].name; i++)
            open_event(group, calls, cpu, i);
    return leader_of(group) >= 0;
}

void group_close(struct group *group, const struct perf_calls *calls)
{
    for (int i = PMU_GROUP_MOST - 1; i >= 0; i--) { /* the leader last */
        if (group->files[i] < 0)
            continue;
        calls->close(group->files[i]);
        group->files[i] = -1;
        group->reasons[i] = PERF_OFFLINE;
    }
    group->primed = false;
    group->coverage = NAN;
}

bool group_may_come(const struct group *group)
{
    for (int i = 0; i < PMU_GROUP_MOST && group->of->events[i].name; i++)
        switch (group->reasons[i]) {
        case PERF_OFFLINE:
        case PERF_BUSY:
        case PERF_NO_DESCRIPTORS:
            return true;
        default: /* it is refused for good */
            break;
        }
    return false;
}

static uint32_t count_open(const struct group *group)
{
    uint32_t count = 0;
    for (int i = 0; i < PMU_GROUP_MOST; i++)
        count += group->files[i] >= 0;
    return count;
}

/* A CPU that has gone reads as an end of file, or for ever as it was when it went: then not even
 * its time goes on, whether or not it has come back. */
static bool is_alive(const struct group *group, const struct reading *now)
{
    return !group->primed || now->enabled != group->seen;
}

static bool read_values(struct group *group, const struct perf_calls *calls,
                        struct reading *reading)
{
    size_t size = sizeof *reading - sizeof reading->values + count_open(group) * sizeof(uint64_t);
    memset(reading, 0, sizeof *reading);
    ssize_t got = calls->read(leader_of(group), reading, size);
    return got == (ssize_t)size && reading->count == count_open(group);
}

static double risen(uint64_t before, uint64_t now)
{
    return now > before ? (double)(now - before) : 0;
}

static void take_events(const struct group *group, const struct reading *now, double factor,
                        double *events)
{
    for (int i = 0, at = 0; i < PMU_GROUP_MOST; i++) {
        double scale = group->of->events[i].scale > 0 ? group->of->events[i].scale : 1;
        if (group->files[i] >= 0)
            events[i] = risen(group->values[i], now->values[at++]) * factor * scale;
    }
}

static void begin_stretch(struct group *group, const struct reading *now)
{
    group->enabled = now->enabled;
    group->running = now->running;
    for (int i = 0, at = 0; i < PMU_GROUP_MOST; i++)
        if (group->files[i] >= 0)
            group->values[i] = now->values[at++];
    group->primed = true;
}

/* What has happened in the stretch, if it ends here: it tells something, or was long enough to. */
static bool end_stretch(struct group *group, const struct reading *now, double *events)
{
    double enabled = risen(group->enabled, now->enabled);
    double running = risen(group->running, now->running);
    bool enough = enabled > 0 && running >= enabled * GROUP_COVERAGE_LEAST;
    if (!enough && enabled < STRETCH_MOST_NS)
        return false;
    group->coverage = running / enabled;
    if (enough)
        take_events(group, now, enabled / running, events);
    begin_stretch(group, now);
    return enough;
}

bool group_read(struct group *group, const struct perf_calls *calls, double events[PMU_GROUP_MOST])
{
    struct reading now;
    memset(events, 0, PMU_GROUP_MOST * sizeof events[0]);
    if (leader_of(group) < 0)
        return false;
    if (!read_values(group, calls, &now) || !is_alive(group, &now)) {
        group_close(group, calls);
        return false;
    }
    group->seen = now.enabled;
    if (group->primed)
        return end_stretch(group, &now, events);
    begin_stretch(group, &now);
    return false;
}
