/* SPDX-License-Identifier: MIT */
#include "daemon/sensors/cpus_sensor.h"
#include "daemon/machine/fields.h"
#include "daemon/machine/source.h"

#include <math.h>
#include <stdlib.h>

#define TEXT_SIZE (256 << 10) /* of which CPUs take some 100 bytes each, and come first */

/* proc(5): user, nice, system, idle, iowait, irq, softirq, steal; guests are in the first two. */
enum { USER, NICE, SYSTEM, IDLE, IOWAIT, IRQ, SOFTIRQ, STEAL, TIMES };

struct cpu {
    uint64_t all, idle; /* ticks since the boot; 0: not read yet */
};

struct cpus_sensor {
    struct machine_source stat;
    struct live *live;
    uint32_t count;
    struct cpu *cpus;
    char text[TEXT_SIZE];
};

struct cpus_sensor *cpus_sensor_new(const char *sysroot, uint32_t cpus, struct live *live)
{
    struct cpus_sensor *sensor = calloc(1, sizeof *sensor);
    if (!sensor)
        return NULL;
    sensor->live = live;
    sensor->count = cpus;
    sensor->cpus = calloc(cpus, sizeof *sensor->cpus);
    if (source_init(&sensor->stat, sysroot, "/proc/stat") && sensor->cpus)
        return sensor;
    cpus_sensor_free(sensor);
    return NULL;
}

void cpus_sensor_free(struct cpus_sensor *sensor)
{
    source_close(&sensor->stat);
    free(sensor->cpus);
    free(sensor);
}

/* Idle times may go back, see proc(5). */
static double busy_share(const struct cpu *before, const struct cpu *now)
{
    uint64_t all = now->all - before->all, idle = now->idle - before->idle;
    return before->all && now->all > before->all && idle <= all ? 1 - (double)idle / (double)all
                                                                : NAN;
}

static void take_cpu(struct cpus_sensor *sensor, const char *number)
{
    uint64_t values[TIMES + 1];
    struct cpu now = {0, 0};
    if (fields_numbers(number, values, TIMES + 1) < TIMES + 1 || values[0] >= sensor->count)
        return;
    const uint64_t *times = values + 1;
    for (int i = 0; i < TIMES; i++)
        now.all += times[i];
    now.idle = times[IDLE] + times[IOWAIT];
    struct cpu *cpu = &sensor->cpus[values[0]];
    live_set(sensor->live, LIVE_CPU_BUSY, (uint32_t)values[0], busy_share(cpu, &now));
    *cpu = now;
}

void cpus_sensor_read(void *argument)
{
    struct cpus_sensor *sensor = argument;
    const char *at = sensor->text, *line, *number;
    source_read(&sensor->stat, sensor->text, sizeof sensor->text);
    while ((line = fields_line(&at)))
        if ((number = fields_behind(line, "cpu")) && *number != ' ')
            take_cpu(sensor, number);
}
