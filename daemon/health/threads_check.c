/* SPDX-License-Identifier: MIT */
#include "daemon/health/threads_check.h"
#include "daemon/base/clock.h"
#include "daemon/base/rate.h"
#include "daemon/health/gauges.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#define WINDOW UINT64_C(1000000000)
#define SOURCE "/proc/PID/task/TID/schedstat"

/* Share of the time in which threads could run that they waited for a CPU. */
static const struct limits waits = {0.3, 0.6};

/* Tasks that wait for each worker. */
static const struct limits waiting = {16, 64};

/* Below that many seconds a second in which threads could run, nobody is kept from anything. */
#define BUSY_LEAST 0.1

struct process {
    uint32_t pid; /* 0: unused */
    struct rate run, waited;
};

struct threads_check {
    struct threads *threads;
    struct snapshot_store *store;
    struct process processes[THREADS_PROCESSES_MOST];
};

struct threads_check *threads_check_new(struct threads *threads, struct snapshot_store *store)
{
    struct threads_check *check = calloc(1, sizeof *check);
    if (!check)
        return NULL;
    check->threads = threads;
    check->store = store;
    return check;
}

void threads_check_free(struct threads_check *check)
{
    free(check);
}

/* As many as are read have room, since those that are not there any more have been dropped. */
static struct process *process_of(struct threads_check *check, uint32_t pid)
{
    struct process *unused = NULL;
    for (uint32_t i = 0; i < THREADS_PROCESSES_MOST; i++) {
        struct process *process = &check->processes[i];
        if (process->pid == pid)
            return process;
        if (process->pid == 0)
            unused = process;
    }
    *unused = (struct process){.pid = pid, .run.window = WINDOW, .waited.window = WINDOW};
    return unused;
}

static void drop_ended(struct threads_check *check, const struct thread_times *times,
                       uint32_t count)
{
    for (uint32_t i = 0; i < THREADS_PROCESSES_MOST; i++) {
        bool there = false;
        for (uint32_t k = 0; k < count; k++)
            there |= times[k].pid == check->processes[i].pid;
        if (!there)
            check->processes[i].pid = 0;
    }
}

static struct finding judge(struct threads_check *check, const struct thread_times *times)
{
    struct process *process = process_of(check, times->pid);
    uint64_t now = clock_monotonic();
    struct rise run = rate_take(&process->run, now, times->run);
    struct rise waited = rate_take(&process->waited, now, times->waited);
    struct finding finding = finding_unknown(SOURCE);
    finding_say(&finding, "the threads of process %" PRIu32 " cannot be read", times->pid);
    if (times->unread == times->threads || run.ns == 0)
        return finding;
    double could = (double)(run.by + waited.by), share = could > 0 ? (double)waited.by / could : 0;
    if (could < BUSY_LEAST * (double)run.ns)
        share = 0;
    finding = finding_judge(share, waits, "ratio", SOURCE);
    finding_say(&finding,
                "%" PRIu32 " threads of process %" PRIu32
                " waited for a CPU for %.1f %% of the time in which they could run",
                times->threads, times->pid, share * 100);
    return finding;
}

static void add_queue(struct finding *whole, const struct snapshot *snapshot,
                      const struct series *series)
{
    double depth = gauge_value(snapshot, series);
    double workers = gauge_named(snapshot, ENGRAM_WORKERS, series->labels);
    if (isnan(depth) || !(workers > 0))
        return;
    struct finding part = finding_judge(depth / workers, waiting, "tasks",
                                        engram_catalogue[ENGRAM_WORKER_QUEUE_DEPTH].name);
    finding_say(&part, "tasks wait for each of %.0f workers: %s", workers, series->labels);
    finding_add(whole, &part);
}

/* What processes say of their own queues. */
static void add_queues(struct finding *whole, struct snapshot_store *store)
{
    uint32_t count = 0;
    const struct snapshot *snapshot = snapshot_begin(store);
    const struct series *series =
        snapshot ? gauges_of(snapshot, ENGRAM_WORKER_QUEUE_DEPTH, &count) : NULL;
    for (uint32_t i = 0; i < count; i++)
        add_queue(whole, snapshot, &series[i]);
    snapshot_end();
}

struct finding threads_check_look(void *argument)
{
    struct threads_check *check = argument;
    struct thread_times times[THREADS_PROCESSES_MOST];
    uint32_t count = threads_read(check->threads, times);
    struct finding finding = finding_unknown(SOURCE);
    finding_say(&finding, "no process that records runs in this PID namespace");
    drop_ended(check, times, count);
    for (uint32_t i = 0; i < count; i++) {
        struct finding part = judge(check, &times[i]);
        if (finding.state == HEALTH_UNKNOWN || finding.value < part.value)
            finding = part;
    }
    add_queues(&finding, check->store);
    return finding;
}
