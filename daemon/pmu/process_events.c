/* SPDX-License-Identifier: MIT */
#include "daemon/pmu/process_events.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_SIZE 512

static const uint64_t configs[PROCESS_EVENTS] = {PERF_COUNT_SW_CONTEXT_SWITCHES,
                                                 PERF_COUNT_SW_CPU_MIGRATIONS};

static void close_first(struct process_events *events, const int *files, int count)
{
    for (int i = 0; i < count; i++)
        events->calls->close(files[i]);
}

/* One that has just ended is no fault. */
static bool open_thread(struct process_events *events, int thread, uint32_t most)
{
    if (events->threads == most) {
        events->reason = PERF_MANY_THREADS;
        return false;
    }
    int *files = events->files[events->threads];
    for (int i = 0; i < PROCESS_EVENTS; i++) {
        struct perf_event_attr attr = {
            .type = PERF_TYPE_SOFTWARE, .size = sizeof attr, .config = configs[i]};
        files[i] = events->calls->open_thread(&attr, thread);
        if (files[i] >= 0)
            continue;
        bool ended = errno == ESRCH;
        if (!ended)
            events->reason = perf_reason_of(errno);
        close_first(events, files, i);
        return ended;
    }
    events->threads++;
    return true;
}

static void open_threads(struct process_events *events, DIR *tasks, uint32_t most)
{
    struct dirent *entry;
    events->files = calloc(most + 1, sizeof *events->files);
    while (events->files && (entry = readdir(tasks))) {
        int thread = (int)strtol(entry->d_name, NULL, 10);
        if (thread > 0 && !open_thread(events, thread, most))
            return;
    }
}

void process_events_open(struct process_events *events, const struct perf_calls *calls,
                         const char *sysroot, uint32_t pid, uint32_t most)
{
    char path[PATH_SIZE];
    *events = (struct process_events){.calls = calls, .reason = PERF_COUNTS};
    snprintf(path, sizeof path, "%s/proc/%" PRIu32 "/task",
             strcmp(sysroot, "/") == 0 ? "" : sysroot, pid);
    DIR *tasks = opendir(path);
    if (tasks) {
        open_threads(events, tasks, most);
        closedir(tasks);
    }
    if (events->reason == PERF_COUNTS && events->threads == 0)
        events->reason = PERF_FAILED;
    if (events->reason != PERF_COUNTS)
        process_events_close(events);
}

void process_events_read(const struct process_events *events, uint64_t counts[PROCESS_EVENTS])
{
    memset(counts, 0, PROCESS_EVENTS * sizeof *counts);
    for (uint32_t thread = 0; thread < events->threads; thread++)
        for (int i = 0; i < PROCESS_EVENTS; i++) {
            uint64_t count;
            if (events->calls->read(events->files[thread][i], &count, sizeof count) == sizeof count)
                counts[i] += count;
        }
}

void process_events_close(struct process_events *events)
{
    for (uint32_t i = 0; i < events->threads; i++)
        close_first(events, events->files[i], PROCESS_EVENTS);
    free(events->files);
    events->files = NULL;
    events->threads = 0;
}
