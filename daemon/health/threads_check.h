/* SPDX-License-Identifier: MIT */
/*
 * thread_pool: whether the engine's threads get the CPUs that they could use, by
 * how long they wait on run queues, and whether tasks wait for them, by what
 * processes say.  Each process is judged by itself, and the worst counts.
 */
#ifndef ENGRAMD_THREADS_CHECK_H
#define ENGRAMD_THREADS_CHECK_H

#include "daemon/health/finding.h"
#include "daemon/machine/threads.h"
#include "daemon/snapshot/snapshot.h"

struct threads_check;

/* Looks at these threads and at this store, as long as it is there; NULL when there is no memory.
 */
struct threads_check *threads_check_new(struct threads *threads, struct snapshot_store *store);
void threads_check_free(struct threads_check *check);

/* A health_check; its argument is a threads_check. */
struct finding threads_check_look(void *check);

#endif
