/* SPDX-License-Identifier: MIT */
/*
 * What looking at the machine costs on each tick: a whole health assessment beside
 * 64 threads, 64 software events on each CPU, and /health over a kept connection.
 */
#include "daemon_bench.h"

#include "daemon/health/checks.h"
#include "daemon/pmu/pmu.h"

#include <pthread.h>

#define THREADS 64
#define TURN_US 460000 /* after which all CPUs are asked again, and vmstat is read */
#define GROUPS 8

static double took[2000], nodes[2000];

/* Some of them run, as those of an engine do. */
static void *idle(void *argument)
{
    (void)argument;
    for (;;)
        usleep(10000);
    return NULL;
}

static void nothing(void *argument, const struct plan *plan, const struct snapshot *snapshot,
                    union word *row)
{
    (void)argument, (void)plan, (void)snapshot, (void)row;
}

/* As many as an engine has; they are there until the end. */
static void find_threads(struct threads *threads)
{
    uint32_t self = (uint32_t)getpid();
    pthread_t thread;
    for (int i = 0; i < THREADS - 1; i++)
        if (pthread_create(&thread, NULL, idle, NULL))
            die("pthread_create");
    threads_find(threads, &self, 1);
}

static void look(const struct check_sources *sources, struct health *health, size_t times,
                 useconds_t rest)
{
    for (size_t i = 0; i < times; i++) {
        usleep(rest);
        double start = now_us();
        numa_sensor_read(sources->numa);
        nodes[i] = now_us() - start;
        health_assess(health);
        took[i] = now_us() - start;
    }
}

static void bench_health(size_t times, size_t turns)
{
    struct topology *topology = topology_load("/");
    struct figures *figures = figures_new();
    struct numa *numa = numa_new("/", topology_nodes(topology));
    struct pmu *pmu = pmu_new(topology, pmu_generic, PMU_GENERIC_GROUPS, &perf_kernel);
    struct check_sources sources = {.sysroot = "/",
                                    .threads = threads_new("/"),
                                    .canary = canary_new(figures, simd_sets),
                                    .numa = numa_sensor_new(figures, numa, live_new(1, 1)),
                                    .pmu = pmu_sensor_new(figures, pmu, topology),
                                    .store = snapshot_store_new(topology, nothing, NULL)};
    struct health *health = health_new(figures);
    if (!health || !sources.store || !sources.pmu || !checks_new(health, &sources))
        die("no memory");
    snapshot_thread_start();
    find_threads(sources.threads);
    canary_run(sources.canary);
    look(&sources, health, times, 2000); /* caches are somebody else's by the next tick */
    figure_spread("what nodes have and how they compare", "engram", "us", nodes, times);
    figure_spread("that and health, beside 64 threads", "engram", "us", took, times);
    look(&sources, health, turns, TURN_US);
    figure_spread("that and health, when vmstat is read", "engram", "us", took, turns);
    snapshot_thread_stop();
    for (size_t i = 0; i < times; i++) {
        double start = now_us();
        canary_run(sources.canary);
        took[i] = now_us() - start;
    }
    figure_spread("a core's turn of the canary", "engram", "us", took, times);
}

static void bench_pmu(size_t times)
{
    static struct pmu_group groups[GROUPS];
    struct topology *topology = topology_load("/");
    for (int i = 0; i < GROUPS * PMU_GROUP_MOST; i++) /* the first four are the kernel's */
        groups[i / PMU_GROUP_MOST].events[i % PMU_GROUP_MOST] = pmu_generic[0].events[i % 4];
    struct pmu *pmu = pmu_new(topology, groups, GROUPS, &perf_kernel);
    pmu_collect(pmu, 0);
    struct pmu_count counted = pmu_counted(pmu, 0, 0);
    if (counted.reason != PERF_COUNTS) {
        figure_absent("64 software events of each CPU", perf_reason_word(counted.reason));
        times = 0;
    }
    for (size_t i = 0; i < times; i++) {
        usleep(TURN_US);
        double start = now_us();
        pmu_collect(pmu, 0);
        took[i] = (now_us() - start) / counted.places;
    }
    if (times)
        figure_spread("64 software events of each CPU", "engram", "us", took, times);
    pmu_free(pmu);
    topology_free(topology);
}

static void bench_answer(size_t times)
{
    static char room[1 << 16];
    struct served child = start_daemon(NULL, "--series-limit", "10000");
    int fd = ask(1, child.port, NULL, 0);
    for (size_t i = 0; i < times; i++) {
        double start = now_us();
        if (exchange(fd, "GET /api/v1/health HTTP/1.1\r\nHost: localhost\r\n\r\n", room,
                     sizeof room) < 0)
            die("/api/v1/health");
        took[i] = now_us() - start;
    }
    figure_spread("/health over a kept connection", "engram", "us", took, times);
    close(fd);
    stop(child);
}

int main(void)
{
    make_regions();
    bench_health(quick() ? 300 : 1998, quick() ? 3 : 36);
    bench_pmu(quick() ? 3 : 36);
    bench_answer(quick() ? 600 : 1998);
    remove_regions();
    return 0;
}
