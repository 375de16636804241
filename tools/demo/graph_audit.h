/* SPDX-License-Identifier: MIT */
/*
 * Checks what the graph promises, some nodes at a time, so that nobody waits long
 * for the lock; and how well it finds what is in it.
 */
#ifndef DEMO_GRAPH_AUDIT_H
#define DEMO_GRAPH_AUDIT_H

#include "graph.h"

enum graph_violation {
    GRAPH_DANGLING,    /* an edge to a node that is not in that layer */
    GRAPH_ASYMMETRIC,  /* an edge that does not go back */
    GRAPH_DUPLICATE,   /* an edge to where one goes already, or to the node itself */
    GRAPH_OVER_DEGREE, /* more edges than a node may have */
    GRAPH_VIOLATIONS
};

struct graph_audit {
    uint32_t next;                    /* node */
    uint64_t nodes;                   /* audited, ever */
    uint64_t found[GRAPH_VIOLATIONS]; /* in the round that is going on */
    uint64_t last[GRAPH_VIOLATIONS];  /* in the last whole round */
};

/* Audits the next `nodes` of the graph; true when that ended a round.  Needs the shared lock. */
bool graph_audit_step(struct graph_audit *audit, const struct graph *graph, uint32_t nodes);

/* Searches for up to `probes` nodes at random by their own vectors: the share that is found, or NAN
 * if there is none to search for.  Needs the shared lock. */
double graph_audit_probe(const struct graph *graph, struct graph_scratch *scratch, uint32_t probes);

#endif
