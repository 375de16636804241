/* SPDX-License-Identifier: MIT */
/* Spreading activation over layer 0 of the graph. */
#ifndef DEMO_SPREAD_H
#define DEMO_SPREAD_H

#include "graph.h"

#define SPREAD_MAX_DEPTH 3
#define SPREAD_MAX_NODES 512

struct spread_params {
    float decay;        /* share of the activation that one hop passes on */
    float threshold;    /* a node activated less than this stays silent */
    uint32_t max_depth; /* at most SPREAD_MAX_DEPTH */
};

struct spread_result {
    uint32_t depth;     /* hops to the farthest node activated */
    uint32_t activated; /* nodes, the seed included */
    uint32_t expanded;
    double coverage;         /* activated / stored */
    double branching_factor; /* nodes newly activated per node expanded */
};

/* Working memory of one thread. */
struct spread_scratch {
    uint32_t ids[SPREAD_MAX_NODES];
    float activation[SPREAD_MAX_NODES];
};

/* Needs the graph's shared lock. */
void spread_activate(const struct graph *graph, struct graph_scratch *visits,
                     struct spread_scratch *scratch, uint32_t seed,
                     const struct spread_params *params, struct spread_result *result);

#endif
