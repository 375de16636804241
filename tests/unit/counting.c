/* SPDX-License-Identifier: MIT */
#include "counting.h"
#include "fixture.h"

#include "daemon/pmu/model.h"

#include <check.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SECOND UINT64_C(1000000000)
#define GROUPS (PMU_GENERIC_GROUPS + MODEL_GROUPS)
#define EVENTS (GROUPS * PMU_GROUP_MOST)
#define CPUS 2
#define FILES 1024
#define FIRST 100 /* descriptor */

static struct pipeline pipeline;
static struct figures *figures;
static struct pmu *pmu;
static struct pmu_sensor *sensor;
static struct pmu_group groups[GROUPS];
static uint64_t now;

/* --- The kernel, which knows an event by where it is in the groups --- */

static struct {
    double rate, count;
} events[EVENTS][CPUS];

static struct {
    int cpu, leader;
    uint64_t event;
} files[FILES];
static int file_count;

static int fake_open(struct perf_event_attr *attr, int cpu, int group)
{
    errno = cpu < CPUS ? ENOENT : ENODEV; /* the real machine may have more */
    if (cpu >= CPUS || isnan(events[attr->config][cpu].rate))
        return -1;
    ck_assert_int_lt(file_count, FILES);
    files[file_count].cpu = cpu;
    files[file_count].leader = group < 0 ? FIRST + file_count : group;
    files[file_count].event = attr->config;
    return FIRST + file_count++;
}

static ssize_t fake_read(int leader, void *to, size_t size)
{
    uint64_t *words = to, count = 0;
    for (int i = 0; i < file_count; i++)
        if (files[i].leader == leader)
            words[3 + count++] = (uint64_t)events[files[i].event][files[i].cpu].count;
    words[0] = count;
    words[1] = words[2] = now;
    ck_assert_uint_eq(size, (3 + count) * sizeof *words);
    return (ssize_t)size;
}

static void fake_close(int file)
{
    (void)file;
}

static const struct perf_calls fake = {.open = fake_open, .read = fake_read, .close = fake_close};

/* --- The machine --- */

static void compute(void *argument, const struct plan *plan, const struct snapshot *snapshot,
                    union word *row)
{
    (void)argument, (void)snapshot;
    figures_fill(figures, plan, row);
}

void counting_start(void)
{
    fixture_start();
    pipeline_start(&pipeline, TWO_NODES, compute, NULL);
    figures = figures_new();
    memcpy(groups, pmu_generic, sizeof pmu_generic);
    setenv("LIBPFM_FORCE_PMU", "perf", 1); /* whatever this machine is */
    model_groups(groups + PMU_GENERIC_GROUPS);
    for (uint64_t i = 0; i < EVENTS; i++) {
        groups[i / PMU_GROUP_MOST].events[i % PMU_GROUP_MOST].config = i;
        events[i][0].rate = events[i][1].rate = NAN;
    }
    fixture_clock(now = 1000 * SECOND);
}

void counting_stop(void)
{
    pmu_sensor_free(sensor);
    pmu_free(pmu);
    pipeline_stop(&pipeline);
    figures_free(figures);
    fixture_clock(0);
    fixture_stop();
}

void happens_on(int cpu, const char *event, double rate)
{
    for (int i = 0; i < EVENTS; i++) {
        const char *name = groups[i / PMU_GROUP_MOST].events[i % PMU_GROUP_MOST].name;
        if (name && strcmp(name, event) == 0)
            events[i][cpu].rate = rate;
    }
}

void happens(const char *event, double rate)
{
    happens_on(0, event, rate / 4);
    happens_on(1, event, rate / 4 * 3);
}

const struct pmu_sensor *counting_begin(void)
{
    pmu = pmu_new(pipeline.topology, groups, GROUPS, &fake);
    sensor = pmu_sensor_new(figures, pmu, pipeline.topology);
    ck_assert_ptr_nonnull(sensor);
    return sensor;
}

void counting_pass(double seconds)
{
    for (int i = 0; i < EVENTS * CPUS; i++)
        events[i / CPUS][i % CPUS].count += events[i / CPUS][i % CPUS].rate * seconds;
    fixture_clock(now += (uint64_t)(seconds * (double)SECOND));
    for (uint32_t socket = 0; socket < CPUS; socket++)
        pmu_collect(pmu, socket);
    pmu_sensor_read(sensor);
}

void counting_collect(void)
{
    pipeline_collect(&pipeline, figures_families(figures));
}

double counting_shown(const char *series)
{
    return shown_value(pipeline.store, series);
}
