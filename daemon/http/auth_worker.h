/* SPDX-License-Identifier: MIT */
/*
 * Verifies passwords by bcrypt, which is made to take long, in a thread of its own:
 * 50 ms at cost 10 that the event loop must not spend.  One thread, so that whoever
 * tries passwords takes one core and no more.
 */
#ifndef ENGRAMD_AUTH_WORKER_H
#define ENGRAMD_AUTH_WORKER_H

#include <stdbool.h>

#include "daemon/http/web_config.h"

#define AUTH_PASSWORD_SIZE 512 /* with its NUL; of more, libcrypt takes none */

struct auth_worker;

/* One password and the hash that it is to have.  It belongs to the thread from auth_worker_give()
 * until auth_worker_take(). */
struct auth_job {
    char password[AUTH_PASSWORD_SIZE];
    char hash[WEB_BCRYPT_LENGTH + 1];
    bool right;
    struct auth_job *next;
};

/* Starts the thread; NULL with errno. */
struct auth_worker *auth_worker_new(void);

/* Ends it after the job that it is at.  Others that were given are not verified any more, and are
 * still the caller's to free. */
void auth_worker_free(struct auth_worker *worker);

/* How many may wait is the caller's to bound. */
void auth_worker_give(struct auth_worker *worker, struct auth_job *job);

/* A job that is done, in the order in which they were given; NULL when there is none. */
struct auth_job *auth_worker_take(struct auth_worker *worker);

/* A descriptor that is readable while a job is done. */
int auth_worker_fd(const struct auth_worker *worker);

#endif
