/* SPDX-License-Identifier: MIT */
#include "tasks.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define ROOM 256 /* of a queue, a power of two */

struct queue {
    _Alignas(64) pthread_mutex_t lock;
    atomic_uint count; /* changed under the lock, looked at without it */
    uint32_t first;
    enum task tasks[ROOM];
};

struct tasks {
    uint32_t workers;
    struct queue queues[];
};

struct tasks *tasks_create(uint32_t workers)
{
    struct tasks *tasks = aligned_alloc(64, sizeof *tasks + workers * sizeof tasks->queues[0]);
    if (!tasks)
        return NULL;
    tasks->workers = workers;
    for (uint32_t i = 0; i < workers; i++) {
        pthread_mutex_init(&tasks->queues[i].lock, NULL);
        atomic_init(&tasks->queues[i].count, 0);
        tasks->queues[i].first = 0;
    }
    return tasks;
}

void tasks_destroy(struct tasks *tasks)
{
    for (uint32_t i = 0; tasks && i < tasks->workers; i++)
        pthread_mutex_destroy(&tasks->queues[i].lock);
    free(tasks);
}

bool tasks_put(struct tasks *tasks, uint32_t worker, enum task task)
{
    struct queue *queue = &tasks->queues[worker];
    pthread_mutex_lock(&queue->lock);
    uint32_t count = atomic_load(&queue->count);
    if (count < ROOM) {
        queue->tasks[(queue->first + count) % ROOM] = task;
        atomic_store(&queue->count, count + 1);
    }
    pthread_mutex_unlock(&queue->lock);
    return count < ROOM;
}

static bool take(struct queue *queue, enum task *task)
{
    if (atomic_load_explicit(&queue->count, memory_order_relaxed) == 0)
        return false;
    pthread_mutex_lock(&queue->lock);
    uint32_t count = atomic_load(&queue->count);
    if (count) {
        *task = queue->tasks[queue->first];
        queue->first = (queue->first + 1) % ROOM;
        atomic_store(&queue->count, count - 1);
    }
    pthread_mutex_unlock(&queue->lock);
    return count;
}

enum task_source tasks_take(struct tasks *tasks, uint32_t worker, bool steal, enum task *task)
{
    if (take(&tasks->queues[worker], task))
        return TASK_OWN;
    if (!steal || tasks->workers == 1)
        return TASK_NONE;
    for (uint32_t i = 1; i < tasks->workers; i++)
        if (take(&tasks->queues[(worker + i) % tasks->workers], task))
            return TASK_STOLEN;
    return TASK_FAILED;
}

uint32_t tasks_waiting(const struct tasks *tasks)
{
    uint32_t waiting = 0;
    for (uint32_t i = 0; i < tasks->workers; i++)
        waiting += atomic_load_explicit(&tasks->queues[i].count, memory_order_relaxed);
    return waiting;
}
