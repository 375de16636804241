/* SPDX-License-Identifier: MIT */
/*
 * Life of an episode: recent, consolidating, remote, forgotten. Each transition replays the
 * episode into the prototype of its schema. Calls that change something are serialised by the
 * owner.
 */
#ifndef DEMO_CONSOLIDATE_H
#define DEMO_CONSOLIDATE_H

#include "pool.h"

#include <stdbool.h>
#include <stdint.h>

#define SCHEMA_NONE UINT32_MAX

enum memory_state { MEMORY_RECENT, MEMORY_CONSOLIDATING, MEMORY_REMOTE, MEMORY_STATES };

struct episode {
    uint64_t id;
    uint64_t entered_ns; /* when it entered its present state */
    uint32_t vector;     /* slot in the vector arena */
    uint32_t schema;
    uint32_t newer; /* neighbours in the queue of its state; POOL_NONE at the ends */
    uint32_t older;
    enum memory_state state;
};

struct memory_queue {
    uint32_t oldest;
    uint32_t newest;
    uint32_t count;
};

struct consolidation {
    const struct pool *episodes;
    const struct pool *vectors;
    struct memory_queue queues[MEMORY_STATES];
    uint32_t limits[MEMORY_STATES]; /* a queue longer than this hands its oldest on */
    struct pool prototypes;         /* normalised means, one slot a schema */
    struct pool means;
    uint32_t *replays; /* episodes averaged into each prototype */
    uint32_t *members; /* episodes stored of each schema */
    uint32_t schema_count;
};

struct memory_transition {
    enum memory_state from;
    enum memory_state to;
    uint64_t dwell_ns; /* time that the episode spent in the state it leaves */
    uint64_t work_ns;  /* time that the transition took, replay included */
};

const char *memory_state_name(enum memory_state state);

bool consolidation_init(struct consolidation *memory, const struct pool *episodes,
                        const struct pool *vectors, uint32_t schemas);
void consolidation_destroy(struct consolidation *memory);

/* Enters an episode, whose vector and schema are set, as the newest recent one. */
void consolidation_admit(struct consolidation *memory, uint32_t slot, uint64_t now_ns);
void consolidation_forget(struct consolidation *memory, uint32_t slot);
/* The episode to forget first: the oldest of the most remote state; POOL_NONE if empty. */
uint32_t consolidation_oldest(const struct consolidation *memory);
/* Moves one episode on, the later states first; false if every queue is within its limit. */
bool consolidation_step(struct consolidation *memory, struct memory_transition *transition);

/*
 * A new schema with the vector as its first prototype. When there is no room, it takes the place of
 * the least replayed one without episodes; SCHEMA_NONE if all have some.
 */
uint32_t consolidation_new_schema(struct consolidation *memory, const float *vector);
const float *consolidation_prototype(const struct consolidation *memory, uint32_t schema);

#endif
