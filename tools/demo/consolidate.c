/* SPDX-License-Identifier: MIT */
#include "consolidate.h"

#include "clock.h"
#include "vector.h"

#include <stdlib.h>

/* The mean forgets beyond this many replays, so that a schema can follow its episodes. */
#define REPLAY_WINDOW 64

const char *memory_state_name(enum memory_state state)
{
    static const char *const names[MEMORY_STATES] = {"recent", "consolidating", "remote"};

    return names[state];
}

bool consolidation_init(struct consolidation *memory, const struct pool *episodes,
                        const struct pool *vectors, uint32_t schemas)
{
    *memory = (struct consolidation){.episodes = episodes, .vectors = vectors};
    for (int state = 0; state < MEMORY_STATES; state++)
        memory->queues[state] = (struct memory_queue){POOL_NONE, POOL_NONE, 0};
    memory->limits[MEMORY_RECENT] = episodes->capacity / 8;
    memory->limits[MEMORY_CONSOLIDATING] = episodes->capacity / 4;
    memory->limits[MEMORY_REMOTE] = episodes->capacity;
    memory->replays = calloc(schemas, sizeof(*memory->replays));
    memory->members = calloc(schemas, sizeof(*memory->members));
    bool complete = pool_init(&memory->prototypes, VECTOR_BYTES, schemas);
    complete = pool_init(&memory->means, VECTOR_BYTES, schemas) && complete;
    if (complete && memory->replays && memory->members)
        return true;
    consolidation_destroy(memory);
    return false;
}

void consolidation_destroy(struct consolidation *memory)
{
    pool_destroy(&memory->prototypes);
    pool_destroy(&memory->means);
    free(memory->replays);
    free(memory->members);
    memory->replays = NULL;
    memory->members = NULL;
}

static struct episode *episode_at(const struct consolidation *memory, uint32_t slot)
{
    return pool_slot(memory->episodes, slot);
}

static void enqueue(struct consolidation *memory, uint32_t slot, enum memory_state state,
                    uint64_t now_ns)
{
    struct memory_queue *queue = &memory->queues[state];
    struct episode *episode = episode_at(memory, slot);

    episode->state = state;
    episode->entered_ns = now_ns;
    episode->newer = POOL_NONE;
    episode->older = queue->newest;
    if (queue->newest == POOL_NONE)
        queue->oldest = slot;
    else
        episode_at(memory, queue->newest)->newer = slot;
    queue->newest = slot;
    queue->count++;
}

static void dequeue(struct consolidation *memory, uint32_t slot)
{
    const struct episode *episode = episode_at(memory, slot);
    struct memory_queue *queue = &memory->queues[episode->state];

    if (episode->older == POOL_NONE)
        queue->oldest = episode->newer;
    else
        episode_at(memory, episode->older)->newer = episode->newer;
    if (episode->newer == POOL_NONE)
        queue->newest = episode->older;
    else
        episode_at(memory, episode->newer)->older = episode->older;
    queue->count--;
}

void consolidation_admit(struct consolidation *memory, uint32_t slot, uint64_t now_ns)
{
    memory->members[episode_at(memory, slot)->schema]++;
    enqueue(memory, slot, MEMORY_RECENT, now_ns);
}

void consolidation_forget(struct consolidation *memory, uint32_t slot)
{
    memory->members[episode_at(memory, slot)->schema]--;
    dequeue(memory, slot);
}

uint32_t consolidation_oldest(const struct consolidation *memory)
{
    for (int state = MEMORY_REMOTE; state >= MEMORY_RECENT; state--) {
        if (memory->queues[state].oldest != POOL_NONE)
            return memory->queues[state].oldest;
    }
    return POOL_NONE;
}

static void replay(struct consolidation *memory, const struct episode *episode)
{
    float *mean = pool_slot(&memory->means, episode->schema);
    float *prototype = pool_slot(&memory->prototypes, episode->schema);
    const float *vector = pool_slot(memory->vectors, episode->vector);
    uint32_t *replays = &memory->replays[episode->schema];

    if (*replays < REPLAY_WINDOW)
        (*replays)++;
    float share = 1.0f / (float)*replays;
    for (size_t i = 0; i < VECTOR_DIM; i++)
        mean[i] += share * (vector[i] - mean[i]);
    vector_copy(prototype, mean);
    vector_normalise(prototype);
}

bool consolidation_step(struct consolidation *memory, struct memory_transition *transition)
{
    enum memory_state from = MEMORY_CONSOLIDATING;

    if (memory->queues[from].count <= memory->limits[from])
        from = MEMORY_RECENT;
    if (memory->queues[from].count <= memory->limits[from])
        return false;
    uint64_t start_ns = clock_now_ns();
    uint32_t slot = memory->queues[from].oldest;
    const struct episode *episode = episode_at(memory, slot);
    transition->from = from;
    transition->to = from + 1;
    transition->dwell_ns = start_ns - episode->entered_ns;
    dequeue(memory, slot);
    enqueue(memory, slot, transition->to, start_ns);
    replay(memory, episode);
    transition->work_ns = clock_now_ns() - start_ns;
    return true;
}

static uint32_t find_abandoned_schema(const struct consolidation *memory)
{
    uint32_t found = SCHEMA_NONE;

    for (uint32_t schema = 0; schema < memory->schema_count; schema++) {
        if (memory->members[schema] == 0 &&
            (found == SCHEMA_NONE || memory->replays[schema] < memory->replays[found]))
            found = schema;
    }
    return found;
}

uint32_t consolidation_new_schema(struct consolidation *memory, const float *vector)
{
    uint32_t schema = memory->schema_count;

    if (schema == memory->prototypes.capacity)
        schema = find_abandoned_schema(memory);
    else
        memory->schema_count++;
    if (schema == SCHEMA_NONE)
        return SCHEMA_NONE;
    memory->replays[schema] = 1;
    vector_copy(pool_slot(&memory->means, schema), vector);
    vector_copy(pool_slot(&memory->prototypes, schema), vector);
    return schema;
}

const float *consolidation_prototype(const struct consolidation *memory, uint32_t schema)
{
    return pool_slot(&memory->prototypes, schema);
}
