/* SPDX-License-Identifier: MIT */
/*
 * In place of the kernel's hardware counters: each counts as fast as a file says, for machines that
 * have none.  $ENGRAM_TEST_COUNTERS names it; a line has type and configuration of an event, as of
 * struct perf_event_attr and in hexadecimal, how many it counts a second, and for how much of the
 * time it has a counter.  The file may be replaced at any time.  What it does not name is not
 * supported; software events are the kernel's.  Without the variable, all are.
 */
#define _GNU_SOURCE
#include "daemon/base/clock.h"
#include "daemon/pmu/perf.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FIRST (1 << 24) /* no descriptor of the kernel's */
#define EVENTS_MOST 4096

static struct event {
    uint64_t type, config, time;
    double value, enabled, running;
    int leader;
} events[EVENTS_MOST];
static int count; /* they are never closed for good: tests are short */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

struct said {
    double rate, share;
};

static bool find(const struct event *event, struct said *said)
{
    const char *path = getenv("ENGRAM_TEST_COUNTERS");
    FILE *file = path ? fopen(path, "re") : NULL;
    unsigned long type, config;
    bool found = false;
    while (file && !found &&
           fscanf(file, "%lx %lx %lf %lf", &type, &config, &said->rate, &said->share) == 4)
        found = type == event->type && config == event->config;
    if (file)
        fclose(file);
    return found;
}

static int open_counter(struct perf_event_attr *attr, int cpu, int group)
{
    struct event event = {.type = attr->type, .config = attr->config};
    struct said said;
    if (attr->type == PERF_TYPE_SOFTWARE || !getenv("ENGRAM_TEST_COUNTERS"))
        return (int)syscall(SYS_perf_event_open, attr, -1, cpu, group, PERF_FLAG_FD_CLOEXEC);
    if (!find(&event, &said) || count == EVENTS_MOST) {
        errno = ENOENT;
        return -1;
    }
    pthread_mutex_lock(&mutex);
    event.leader = group < 0 ? count : group - FIRST;
    event.time = clock_monotonic();
    events[count++] = event;
    pthread_mutex_unlock(&mutex);
    return FIRST + count - 1;
}

static void go_on(struct event *event)
{
    struct said said = {0, 1};
    uint64_t now = clock_monotonic();
    double passed = (double)(now - event->time);
    find(event, &said);
    event->enabled += passed;
    event->running += passed * said.share;
    event->value += passed * said.share * said.rate * 1e-9;
    event->time = now;
}

/* As PERF_FORMAT_GROUP with both times. */
static ssize_t read_counters(int file, void *to, size_t size)
{
    uint64_t *words = to;
    size_t most = size / sizeof *words;
    if (file < FIRST)
        return read(file, to, size);
    pthread_mutex_lock(&mutex);
    words[0] = 0;
    for (int i = file - FIRST; i < count && words[0] + 3 < most; i++) {
        if (events[i].leader != file - FIRST)
            continue;
        go_on(&events[i]);
        words[3 + words[0]++] = (uint64_t)events[i].value;
    }
    words[1] = (uint64_t)events[file - FIRST].enabled;
    words[2] = (uint64_t)events[file - FIRST].running;
    pthread_mutex_unlock(&mutex);
    return (ssize_t)((3 + words[0]) * sizeof *words);
}

static void close_counter(int file)
{
    if (file < FIRST)
        close(file);
}

static int open_thread(struct perf_event_attr *attr, int thread)
{
    attr->inherit = 1;
    attr->inherit_thread = 1;
    return (int)syscall(SYS_perf_event_open, attr, thread, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

const struct perf_calls perf_kernel = {open_counter, read_counters, close_counter, open_thread};
