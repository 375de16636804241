/* SPDX-License-Identifier: MIT */
#include "graph_internal.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* Some tens of microseconds: longer than any recall or insert holds the lock. */
#define LOCK_SPINS 1000

bool graph_lock_init(pthread_rwlock_t *lock)
{
    pthread_rwlockattr_t attr;

    pthread_rwlockattr_init(&attr);
    /* The default prefers readers, and under steady recall no store would ever get in. */
    pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    int error = pthread_rwlock_init(lock, &attr);
    pthread_rwlockattr_destroy(&attr);
    return error == 0;
}

static void pause_briefly(void)
{
#if defined(__x86_64__)
    _mm_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* The lock is held for microseconds, and to sleep and be woken costs more: hence the spin. */
static bool lock_waited(pthread_rwlock_t *lock, int (*try_lock)(pthread_rwlock_t *),
                        int (*block)(pthread_rwlock_t *))
{
    if (try_lock(lock) == 0)
        return false;
    for (int spin = 0; spin < LOCK_SPINS; spin++) {
        pause_briefly();
        if (try_lock(lock) == 0)
            return true;
    }
    block(lock);
    return true;
}

bool graph_lock_shared(struct graph *graph)
{
    return lock_waited(&graph->lock, pthread_rwlock_tryrdlock, pthread_rwlock_rdlock);
}

bool graph_lock_exclusive(struct graph *graph)
{
    return lock_waited(&graph->lock, pthread_rwlock_trywrlock, pthread_rwlock_wrlock);
}

void graph_unlock(struct graph *graph)
{
    pthread_rwlock_unlock(&graph->lock);
}
