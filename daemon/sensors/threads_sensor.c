/* SPDX-License-Identifier: MIT */
#include "daemon/sensors/threads_sensor.h"

void threads_sensor_read(void *argument)
{
    struct threads_sensor *sensor = argument;
    struct plan *plan = snapshot_hold_plan(sensor->store);
    uint32_t pids[THREADS_PROCESSES_MOST], count = 0;
    for (uint32_t i = 0; plan && i < plan->region_count && count < THREADS_PROCESSES_MOST; i++) {
        const struct plan_region *one = &plan->regions[i];
        if (one->alive && atomic_load(&one->region->main_process) == MAIN_PROCESS_RUNS)
            pids[count++] = one->region->reader->header.pid;
    }
    if (plan)
        plan_release(plan);
    threads_find(sensor->threads, pids, count);
}
