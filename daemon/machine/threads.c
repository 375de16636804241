/* SPDX-License-Identifier: MIT */
#include "daemon/machine/threads.h"
#include "daemon/base/small_file.h"
#include "daemon/machine/fields.h"

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_SIZE 512

struct thread {
    uint32_t pid, tid;
    int file;  /* -1: it cannot be read */
    bool seen; /* run and waited are of an earlier look */
    uint64_t run, waited;
};

struct list {
    struct thread threads[THREADS_MOST];
    uint32_t count;
    struct thread_times processes[THREADS_PROCESSES_MOST];
    uint32_t process_count;
};

struct threads {
    char *sysroot;
    pthread_mutex_t mutex; /* of `now` */
    struct list now;
    struct list next; /* of who finds them */
};

struct threads *threads_new(const char *sysroot)
{
    struct threads *threads = calloc(1, sizeof *threads);
    char *copy = threads ? strdup(strcmp(sysroot, "/") == 0 ? "" : sysroot) : NULL;
    if (!copy) {
        free(threads);
        return NULL;
    }
    threads->sysroot = copy;
    pthread_mutex_init(&threads->mutex, NULL);
    return threads;
}

static void close_files(struct list *list)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (list->threads[i].file >= 0)
            close(list->threads[i].file);
    list->count = 0;
}

void threads_free(struct threads *threads)
{
    close_files(&threads->now);
    pthread_mutex_destroy(&threads->mutex);
    free(threads->sysroot);
    free(threads);
}

/* --- Who they are --- */

static struct thread *find_thread(struct list *list, uint32_t pid, uint32_t tid)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (list->threads[i].pid == pid && list->threads[i].tid == tid)
            return &list->threads[i];
    return NULL;
}

static struct thread_times *find_process(struct list *list, uint32_t pid)
{
    for (uint32_t i = 0; i < list->process_count; i++)
        if (list->processes[i].pid == pid)
            return &list->processes[i];
    return NULL;
}

/* One that is known keeps its file; what is left in `now` is closed afterwards. */
static void add_thread(struct threads *threads, struct thread_times *process, uint32_t tid)
{
    struct list *next = &threads->next;
    char path[PATH_SIZE];
    process->threads++;
    if (next->count == THREADS_MOST) {
        process->unread++;
        return;
    }
    struct thread *thread = &next->threads[next->count++];
    const struct thread *known = find_thread(&threads->now, process->pid, tid);
    *thread = (struct thread){.pid = process->pid, .tid = tid, .file = -1};
    if (known && known->file >= 0)
        return;
    snprintf(path, sizeof path, "%s/proc/%" PRIu32 "/task/%" PRIu32 "/schedstat", threads->sysroot,
             process->pid, tid);
    thread->file = open(path, O_RDONLY | O_CLOEXEC);
    process->unread += thread->file < 0;
}

static void list_process(struct threads *threads, uint32_t pid)
{
    struct list *next = &threads->next;
    char path[PATH_SIZE];
    if (next->process_count == THREADS_PROCESSES_MOST || find_process(next, pid))
        return;
    struct thread_times *process = &next->processes[next->process_count++];
    *process = (struct thread_times){.pid = pid};
    snprintf(path, sizeof path, "%s/proc/%" PRIu32 "/task", threads->sysroot, pid);
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return;
    struct listing listing;
    listing_start(&listing, directory);
    for (const char *name; (name = listing_next(&listing));) {
        uint32_t tid = (uint32_t)strtoul(name, NULL, 10);
        if (tid)
            add_thread(threads, process, tid);
    }
    close(directory);
}

/* Under the mutex: what those that stay have done. */
static void take_over(struct threads *threads)
{
    for (uint32_t i = 0; i < threads->next.count; i++) {
        struct thread *thread = &threads->next.threads[i], *known;
        known = thread->file < 0 ? find_thread(&threads->now, thread->pid, thread->tid) : NULL;
        if (known) {
            *thread = *known;
            known->file = -1;
        }
    }
    for (uint32_t i = 0; i < threads->next.process_count; i++) {
        struct thread_times *process = &threads->next.processes[i];
        const struct thread_times *known = find_process(&threads->now, process->pid);
        process->run = known ? known->run : 0;
        process->waited = known ? known->waited : 0;
    }
}

void threads_find(struct threads *threads, const uint32_t *pids, uint32_t count)
{
    threads->next.count = threads->next.process_count = 0;
    for (uint32_t i = 0; i < count; i++)
        list_process(threads, pids[i]);
    pthread_mutex_lock(&threads->mutex);
    take_over(threads);
    struct list old = threads->now;
    threads->now = threads->next;
    pthread_mutex_unlock(&threads->mutex);
    close_files(&old);
}

/* --- What they do --- */

static uint64_t risen(uint64_t before, uint64_t now)
{
    return now > before ? now - before : 0;
}

static void read_thread(struct list *list, struct thread *thread)
{
    char text[96];
    uint64_t values[2];
    struct thread_times *process = find_process(list, thread->pid);
    ssize_t length = thread->file >= 0 ? pread(thread->file, text, sizeof text - 1, 0) : -1;
    text[length > 0 ? length : 0] = 0;
    if (fields_numbers(text, values, 2) < 2) /* it has ended */
        return;
    if (thread->seen) {
        process->run += risen(thread->run, values[0]);
        process->waited += risen(thread->waited, values[1]);
    }
    thread->seen = true;
    thread->run = values[0];
    thread->waited = values[1];
}

uint32_t threads_read(struct threads *threads, struct thread_times *times)
{
    struct list *list = &threads->now;
    pthread_mutex_lock(&threads->mutex);
    for (uint32_t i = 0; i < list->count; i++)
        read_thread(list, &list->threads[i]);
    uint32_t count = list->process_count;
    memcpy(times, list->processes, count * sizeof *times);
    pthread_mutex_unlock(&threads->mutex);
    return count;
}
