/* SPDX-License-Identifier: MIT */
/* Shared by graph.c (life cycle, search), graph_link.c (insert, remove) and graph_lock.c. */
#ifndef DEMO_GRAPH_INTERNAL_H
#define DEMO_GRAPH_INTERNAL_H

#include "graph.h"

#include <pthread.h>

#define GRAPH_UPPER_DEGREE 8
#define LEVEL_ABSENT (-1)

struct graph_node {
    int level; /* highest layer that the node is in, or LEVEL_ABSENT */
    uint32_t generation;
    uint32_t raw_bytes; /* of the lists as they were on insert */
    uint32_t encoded_bytes;
};

struct graph {
    pthread_rwlock_t lock;
    const struct pool *vectors;
    uint32_t capacity;
    uint32_t size;
    uint32_t entry; /* a node of the highest level, or GRAPH_NONE */
    struct graph_node *nodes;
    struct graph_list *lists[GRAPH_LAYERS];
    uint64_t raw_bytes;
    uint64_t encoded_bytes;
};

bool graph_lock_init(pthread_rwlock_t *lock);

static inline uint32_t degree_limit(int layer)
{
    return layer == 0 ? GRAPH_MAX_DEGREE : GRAPH_UPPER_DEGREE;
}

#endif
