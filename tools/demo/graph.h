/* SPDX-License-Identifier: MIT */
/*
 * Layered proximity graph in the manner of HNSW over the vectors of a pool; a node's id is its
 * vector's slot. Edges are symmetric, so that a node can be removed without a search.
 *
 * One reader-writer lock guards the graph and the vectors under it. An insert is split: the costly
 * search for neighbours (graph_plan) needs the shared lock only, and the exclusive lock is held
 * for nothing but the linking.
 */
#ifndef DEMO_GRAPH_H
#define DEMO_GRAPH_H

#include "pool.h"
#include "rng.h"

#include <stdbool.h>
#include <stdint.h>

#define GRAPH_LAYERS 4
#define GRAPH_LINKS 8       /* edges that a new node asks for in each layer */
#define GRAPH_MAX_DEGREE 12 /* bound of a neighbour list */
#define GRAPH_MAX_EF 64
#define GRAPH_BUILD_EF 24
#define GRAPH_NONE UINT32_MAX

struct graph;

struct graph_hit {
    uint32_t id;
    float similarity;
};

/* What a search did. Callers add up over several searches by passing the same struct. */
struct graph_stats {
    uint32_t hops[GRAPH_LAYERS]; /* nodes expanded */
    uint32_t layer_transitions;
    uint32_t distances;   /* cosines computed */
    uint32_t reads;       /* neighbours' vectors read */
    uint32_t local_reads; /* of these, in the slot or 4 KiB page next to the read before */
    uint32_t prefetches;
};

struct graph_candidate {
    struct graph_hit hit;
    bool expanded;
};

/* Working memory of one thread; nothing is allocated during a search. */
struct graph_scratch {
    uint32_t *visited; /* stamp of the search that saw the node last */
    uint32_t stamp;
    uint32_t last_read;
    uint32_t count;
    struct graph_candidate beam[GRAPH_MAX_EF]; /* best first */
    struct rng rng;
};

struct graph_link {
    uint32_t id;
    uint32_t generation; /* a candidate removed since the plan has another generation */
    float similarity;
};

/* Where to link a new node: found under the shared lock, applied under the exclusive one. */
struct graph_plan {
    int level;
    struct graph_hit nearest; /* id GRAPH_NONE if the graph was empty */
    uint32_t counts[GRAPH_LAYERS];
    struct graph_link links[GRAPH_LAYERS][GRAPH_LINKS];
};

/* Neighbours of one node in one layer. */
struct graph_list {
    uint32_t count;
    uint32_t ids[GRAPH_MAX_DEGREE];
    float similarities[GRAPH_MAX_DEGREE];
};

struct graph *graph_create(const struct pool *vectors);
void graph_destroy(struct graph *graph);

bool graph_scratch_init(struct graph_scratch *scratch, const struct graph *graph, uint64_t seed);
void graph_scratch_destroy(struct graph_scratch *scratch);
/* Opens a new set of visited nodes. */
void graph_visit_reset(struct graph_scratch *scratch, const struct graph *graph);
/* Marks the node as visited; false if it already was. */
bool graph_visit(struct graph_scratch *scratch, uint32_t id);

/* These return true if the lock was taken by another thread and had to be waited for. */
bool graph_lock_shared(struct graph *graph);
bool graph_lock_exclusive(struct graph *graph);
void graph_unlock(struct graph *graph);

/* The rest needs the shared lock ... */

/* Descends from the top; writes up to k hits, best first, and returns how many. */
uint32_t graph_search(const struct graph *graph, struct graph_scratch *scratch, const float *query,
                      uint32_t ef, uint32_t k, struct graph_hit *hits, struct graph_stats *stats);
/* The same within layer 0, from a node that the caller knows to be near. */
uint32_t graph_search_from(const struct graph *graph, struct graph_scratch *scratch, uint32_t start,
                           const float *query, uint32_t ef, uint32_t k, struct graph_hit *hits,
                           struct graph_stats *stats);
void graph_plan(const struct graph *graph, struct graph_scratch *scratch, const float *query,
                struct graph_plan *plan, struct graph_stats *stats);
bool graph_contains(const struct graph *graph, uint32_t id);
const float *graph_vector(const struct graph *graph, uint32_t id);
const struct graph_list *graph_neighbours(const struct graph *graph, uint32_t id);
uint32_t graph_size(const struct graph *graph);
/* Bytes of the delta-encoded neighbour lists / bytes of the plain ones; 1 while there are none. */
double graph_edge_compression(const struct graph *graph);
size_t graph_memory_bytes(const struct graph *graph);

/* ... and these the exclusive lock. */

void graph_insert(struct graph *graph, uint32_t id, const struct graph_plan *plan);
void graph_remove(struct graph *graph, uint32_t id);

#endif
