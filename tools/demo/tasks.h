/* SPDX-License-Identifier: MIT */
/*
 * Upkeep that can wait: each worker leaves it in a queue of its own and does some of it between two
 * operations; one that has none left steals from another.
 */
#ifndef DEMO_TASKS_H
#define DEMO_TASKS_H

#include <stdbool.h>
#include <stdint.h>

enum task { TASK_CONSOLIDATE, TASK_SHRINK, TASK_GROW };

/* What a worker got when it asked for a task. */
enum task_source {
    TASK_NONE, /* it has none, and did not look at others */
    TASK_OWN,
    TASK_STOLEN,
    TASK_FAILED /* to steal: others had none either */
};

struct tasks;

struct tasks *tasks_create(uint32_t workers); /* NULL when there is no memory */
void tasks_destroy(struct tasks *tasks);

/* Leaves a task with a worker; false when its queue is full. */
bool tasks_put(struct tasks *tasks, uint32_t worker, enum task task);

/* Takes the oldest of the worker's own; if it has none and is to steal, of another worker's. */
enum task_source tasks_take(struct tasks *tasks, uint32_t worker, bool steal, enum task *task);

uint32_t tasks_waiting(const struct tasks *tasks); /* of all workers */

#endif
