/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "daemon/http/auth_worker.h"

#include <crypt.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct queue {
    struct auth_job *first, **last;
};

struct auth_worker {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    int ended;
    struct crypt_data room; /* of the thread, 32 KiB */
    /* Under the mutex. */
    struct queue given, done;
    bool stop;
};

static void queue_put(struct queue *queue, struct auth_job *job)
{
    job->next = NULL;
    *queue->last = job;
    queue->last = &job->next;
}

static struct auth_job *queue_take(struct queue *queue)
{
    struct auth_job *job = queue->first;
    if (job && !(queue->first = job->next))
        queue->last = &queue->first;
    return job;
}

static void verify(struct auth_worker *worker, struct auth_job *job)
{
    const char *hash = crypt_r(job->password, job->hash, &worker->room);
    job->right = hash && strlen(hash) == strlen(job->hash) &&
                 CRYPTO_memcmp(hash, job->hash, strlen(hash)) == 0;
    explicit_bzero(job->password, sizeof job->password);
    explicit_bzero(&worker->room, sizeof worker->room);
}

static void *verify_all(void *argument)
{
    struct auth_worker *worker = argument;
    pthread_setname_np(pthread_self(), "passwords");
    pthread_mutex_lock(&worker->mutex);
    for (;;) {
        while (!worker->given.first && !worker->stop)
            pthread_cond_wait(&worker->wake, &worker->mutex);
        if (worker->stop)
            break;
        struct auth_job *job = queue_take(&worker->given);
        pthread_mutex_unlock(&worker->mutex);
        verify(worker, job);
        pthread_mutex_lock(&worker->mutex);
        queue_put(&worker->done, job);
        eventfd_write(worker->ended, 1);
    }
    pthread_mutex_unlock(&worker->mutex);
    return NULL;
}

struct auth_worker *auth_worker_new(void)
{
    struct auth_worker *worker = calloc(1, sizeof *worker);
    if (!worker)
        return NULL;
    worker->given.last = &worker->given.first;
    worker->done.last = &worker->done.first;
    pthread_mutex_init(&worker->mutex, NULL);
    pthread_cond_init(&worker->wake, NULL);
    worker->ended = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE);
    int error =
        worker->ended < 0 ? errno : pthread_create(&worker->thread, NULL, verify_all, worker);
    if (!error)
        return worker;
    if (worker->ended >= 0)
        close(worker->ended);
    free(worker);
    errno = error;
    return NULL;
}

void auth_worker_free(struct auth_worker *worker)
{
    pthread_mutex_lock(&worker->mutex);
    worker->stop = true;
    pthread_cond_signal(&worker->wake);
    pthread_mutex_unlock(&worker->mutex);
    pthread_join(worker->thread, NULL);
    close(worker->ended);
    free(worker);
}

void auth_worker_give(struct auth_worker *worker, struct auth_job *job)
{
    pthread_mutex_lock(&worker->mutex);
    queue_put(&worker->given, job);
    pthread_cond_signal(&worker->wake);
    pthread_mutex_unlock(&worker->mutex);
}

struct auth_job *auth_worker_take(struct auth_worker *worker)
{
    eventfd_t one;
    pthread_mutex_lock(&worker->mutex);
    struct auth_job *job = queue_take(&worker->done);
    if (job)
        eventfd_read(worker->ended, &one);
    pthread_mutex_unlock(&worker->mutex);
    return job;
}

int auth_worker_fd(const struct auth_worker *worker)
{
    return worker->ended;
}
