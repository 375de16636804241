/* SPDX-License-Identifier: MIT */
#include "daemon/base/spares.h"

#include <stdlib.h>

/* In front of each block. */
struct spare {
    _Alignas(max_align_t) size_t size;
    struct spare *older;
};

void spares_init(struct spares *spares, unsigned most)
{
    *spares = (struct spares){.most = most};
    pthread_mutex_init(&spares->mutex, NULL);
}

void spares_destroy(struct spares *spares)
{
    for (struct spare *one; (one = spares->newest); free(one))
        spares->newest = one->older;
    pthread_mutex_destroy(&spares->mutex);
}

void *spares_take(struct spares *spares, size_t size)
{
    struct spare *found = NULL;
    pthread_mutex_lock(&spares->mutex);
    for (struct spare **at = &spares->newest; *at; at = &(*at)->older) {
        if ((*at)->size != size)
            continue;
        found = *at;
        *at = found->older;
        spares->count--;
        break;
    }
    pthread_mutex_unlock(&spares->mutex);
    if (!found) {
        found = malloc(sizeof *found + size);
        if (!found)
            return NULL;
        found->size = size;
    }
    return found + 1;
}

/* Under the mutex: takes the last of the list out. */
static struct spare *oldest(struct spares *spares)
{
    struct spare **at = &spares->newest, *last;
    while ((*at)->older)
        at = &(*at)->older;
    last = *at;
    *at = NULL;
    spares->count--;
    return last;
}

void spares_give(struct spares *spares, void *block)
{
    struct spare *given = block ? (struct spare *)block - 1 : NULL, *gone = NULL;
    if (!given)
        return;
    pthread_mutex_lock(&spares->mutex);
    given->older = spares->newest;
    spares->newest = given;
    if (++spares->count > spares->most)
        gone = oldest(spares);
    pthread_mutex_unlock(&spares->mutex);
    free(gone);
}
