/* SPDX-License-Identifier: MIT */
/*
 * Blocks that are taken and given back all the time, each time of the same few sizes: those that
 * were given back last wait here for whoever takes the next, so that nothing is allocated then.
 */
#ifndef ENGRAMD_SPARES_H
#define ENGRAMD_SPARES_H

#include <pthread.h>
#include <stddef.h>

struct spares {
    pthread_mutex_t mutex;
    struct spare *newest;
    unsigned count, most; /* blocks that wait */
};

void spares_init(struct spares *spares, unsigned most);
void spares_destroy(struct spares *spares);

/* A block of the size, bytes, with anything in it, aligned for every type; NULL when there is no
 * memory.  Any thread. */
void *spares_take(struct spares *spares, size_t size);

/* Gives a block back; of those that wait, the one that has waited longest goes if they are too
 * many.  NULL is none.  Any thread. */
void spares_give(struct spares *spares, void *block);

#endif
