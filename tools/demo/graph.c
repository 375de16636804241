/* SPDX-License-Identifier: MIT */
#include "graph_internal.h"

#include "vector.h"

#include <stdlib.h>
#include <string.h>

/* Carried down from layer to layer: one alone too often leads into the wrong cluster. */
#define DESCENT_EF 3

struct graph *graph_create(const struct pool *vectors)
{
    struct graph *graph = calloc(1, sizeof(*graph));

    if (!graph)
        return NULL;
    if (!graph_lock_init(&graph->lock)) {
        free(graph);
        return NULL;
    }
    graph->vectors = vectors;
    graph->capacity = vectors->capacity;
    graph->entry = GRAPH_NONE;
    graph->nodes = calloc(graph->capacity, sizeof(*graph->nodes));
    bool complete = graph->nodes != NULL;
    for (int layer = 0; layer < GRAPH_LAYERS; layer++) {
        graph->lists[layer] = calloc(graph->capacity, sizeof(struct graph_list));
        complete = complete && graph->lists[layer];
    }
    if (!complete) {
        graph_destroy(graph);
        return NULL;
    }
    for (uint32_t id = 0; id < graph->capacity; id++)
        graph->nodes[id].level = LEVEL_ABSENT;
    return graph;
}

void graph_destroy(struct graph *graph)
{
    if (!graph)
        return;
    for (int layer = 0; layer < GRAPH_LAYERS; layer++)
        free(graph->lists[layer]);
    free(graph->nodes);
    pthread_rwlock_destroy(&graph->lock);
    free(graph);
}

bool graph_scratch_init(struct graph_scratch *scratch, const struct graph *graph, uint64_t seed)
{
    memset(scratch, 0, sizeof(*scratch));
    rng_seed(&scratch->rng, seed);
    scratch->visited = calloc(graph->capacity, sizeof(*scratch->visited));
    return scratch->visited != NULL;
}

void graph_scratch_destroy(struct graph_scratch *scratch)
{
    free(scratch->visited);
    scratch->visited = NULL;
}

void graph_visit_reset(struct graph_scratch *scratch, const struct graph *graph)
{
    /* Stamps make a reset free of cost, but for once in 2^32 searches. */
    if (++scratch->stamp == 0) {
        memset(scratch->visited, 0, graph->capacity * sizeof(*scratch->visited));
        scratch->stamp = 1;
    }
}

bool graph_visit(struct graph_scratch *scratch, uint32_t id)
{
    if (scratch->visited[id] == scratch->stamp)
        return false;
    scratch->visited[id] = scratch->stamp;
    return true;
}

const float *graph_vector(const struct graph *graph, uint32_t id)
{
    return pool_slot(graph->vectors, id);
}

bool graph_contains(const struct graph *graph, uint32_t id)
{
    return id < graph->capacity && graph->nodes[id].level != LEVEL_ABSENT;
}

const struct graph_list *graph_neighbours(const struct graph *graph, uint32_t id)
{
    return &graph->lists[0][id];
}

uint32_t graph_size(const struct graph *graph)
{
    return graph->size;
}

double graph_edge_compression(const struct graph *graph)
{
    return graph->raw_bytes ? (double)graph->encoded_bytes / (double)graph->raw_bytes : 1.0;
}

size_t graph_memory_bytes(const struct graph *graph)
{
    size_t per_node = sizeof(struct graph_node) + GRAPH_LAYERS * sizeof(struct graph_list);

    return sizeof(*graph) + graph->capacity * per_node;
}

static float read_similarity(const struct graph *graph, struct graph_scratch *scratch, uint32_t id,
                             const float *query, struct graph_stats *stats)
{
    uint32_t last = scratch->last_read;
    uintptr_t page = (uintptr_t)graph_vector(graph, id) / 4096;

    stats->distances++;
    stats->reads++;
    if (last != GRAPH_NONE &&
        (id == last + 1 || id + 1 == last || page == (uintptr_t)graph_vector(graph, last) / 4096))
        stats->local_reads++;
    scratch->last_read = id;
    return vector_cosine(query, graph_vector(graph, id));
}

/* Keeps the beam sorted and at most ef long; the worst candidate falls out. */
static void beam_offer(struct graph_scratch *scratch, uint32_t ef, uint32_t id, float similarity)
{
    uint32_t at = scratch->count;

    if (at == ef) {
        if (similarity <= scratch->beam[ef - 1].hit.similarity)
            return;
        at--;
    } else {
        scratch->count++;
    }
    for (; at > 0 && scratch->beam[at - 1].hit.similarity < similarity; at--)
        scratch->beam[at] = scratch->beam[at - 1];
    scratch->beam[at] = (struct graph_candidate){.hit = {id, similarity}};
}

static void beam_expand(const struct graph *graph, struct graph_scratch *scratch, int layer,
                        uint32_t node, const float *query, uint32_t ef, struct graph_stats *stats)
{
    const struct graph_list *list = &graph->lists[layer][node];
    uint32_t fresh[GRAPH_MAX_DEGREE];
    uint32_t count = 0;

    for (uint32_t i = 0; i < list->count; i++) {
        if (!graph_visit(scratch, list->ids[i]))
            continue;
        /* The first lines of each; the hardware sees the stream and fetches the rest. */
        const float *ahead = graph_vector(graph, list->ids[i]);
        __builtin_prefetch(ahead);
        __builtin_prefetch(ahead + 16);
        fresh[count++] = list->ids[i];
    }
    stats->prefetches += 2 * count;
    stats->hops[layer]++;
    for (uint32_t i = 0; i < count; i++)
        beam_offer(scratch, ef, fresh[i], read_similarity(graph, scratch, fresh[i], query, stats));
}

/* Best-first search of one layer from what is in the beam already. */
static void beam_search(const struct graph *graph, struct graph_scratch *scratch, int layer,
                        const float *query, uint32_t ef, struct graph_stats *stats)
{
    graph_visit_reset(scratch, graph);
    for (uint32_t i = 0; i < scratch->count; i++) {
        scratch->beam[i].expanded = false;
        graph_visit(scratch, scratch->beam[i].hit.id);
    }
    for (;;) {
        uint32_t next = 0;
        while (next < scratch->count && scratch->beam[next].expanded)
            next++;
        if (next == scratch->count)
            return;
        scratch->beam[next].expanded = true;
        beam_expand(graph, scratch, layer, scratch->beam[next].hit.id, query, ef, stats);
    }
}

static void beam_start(const struct graph *graph, struct graph_scratch *scratch, uint32_t start,
                       const float *query, struct graph_stats *stats)
{
    scratch->last_read = GRAPH_NONE;
    scratch->count = 0;
    beam_offer(scratch, 1, start, read_similarity(graph, scratch, start, query, stats));
}

/* Descends to the given layer: the beam is left with the best nodes of the layer above it. */
static void descend(const struct graph *graph, struct graph_scratch *scratch, int to,
                    const float *query, struct graph_stats *stats)
{
    beam_start(graph, scratch, graph->entry, query, stats);
    for (int layer = graph->nodes[graph->entry].level; layer > to; layer--) {
        beam_search(graph, scratch, layer, query, DESCENT_EF, stats);
        stats->layer_transitions++;
    }
}

static uint32_t finish(const struct graph *graph, struct graph_scratch *scratch, const float *query,
                       uint32_t ef, uint32_t k, struct graph_hit *hits, struct graph_stats *stats)
{
    if (scratch->count > ef)
        scratch->count = ef;
    beam_search(graph, scratch, 0, query, ef > GRAPH_MAX_EF ? GRAPH_MAX_EF : ef, stats);
    uint32_t count = scratch->count < k ? scratch->count : k;
    for (uint32_t i = 0; i < count; i++)
        hits[i] = scratch->beam[i].hit;
    return count;
}

uint32_t graph_search(const struct graph *graph, struct graph_scratch *scratch, const float *query,
                      uint32_t ef, uint32_t k, struct graph_hit *hits, struct graph_stats *stats)
{
    if (graph->entry == GRAPH_NONE)
        return 0;
    descend(graph, scratch, 0, query, stats);
    return finish(graph, scratch, query, ef, k, hits, stats);
}

uint32_t graph_search_from(const struct graph *graph, struct graph_scratch *scratch, uint32_t start,
                           const float *query, uint32_t ef, uint32_t k, struct graph_hit *hits,
                           struct graph_stats *stats)
{
    if (!graph_contains(graph, start))
        return graph_search(graph, scratch, query, ef, k, hits, stats);
    beam_start(graph, scratch, start, query, stats);
    return finish(graph, scratch, query, ef, k, hits, stats);
}

/* Geometric with ratio 1/8: each layer holds about an eighth of the one below. */
static int draw_level(struct rng *rng)
{
    int level = 0;

    while (level < GRAPH_LAYERS - 1 && rng_below(rng, 8) == 0)
        level++;
    return level;
}

/*
 * Takes a candidate only if it is nearer to the new node than to every neighbour taken before.
 * Without this all edges would end within one cluster, and a search could not leave it.
 */
static bool is_diverse(const struct graph *graph, const struct graph_link *taken, uint32_t count,
                       const struct graph_hit *candidate, struct graph_stats *stats)
{
    const float *vector = graph_vector(graph, candidate->id);

    for (uint32_t i = 0; i < count; i++) {
        stats->distances++;
        if (vector_cosine(vector, graph_vector(graph, taken[i].id)) > candidate->similarity)
            return false;
    }
    return true;
}

static uint32_t select_links(const struct graph *graph, const struct graph_scratch *scratch,
                             struct graph_link *links, struct graph_stats *stats)
{
    bool taken[GRAPH_MAX_EF] = {false};
    uint32_t count = 0;

    /* The second pass fills up with the nearest of those that the first turned down. */
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < scratch->count && count < GRAPH_LINKS; i++) {
            const struct graph_hit *hit = &scratch->beam[i].hit;
            if (taken[i] || (pass == 0 && !is_diverse(graph, links, count, hit, stats)))
                continue;
            taken[i] = true;
            links[count++] =
                (struct graph_link){hit->id, graph->nodes[hit->id].generation, hit->similarity};
        }
    }
    return count;
}

void graph_plan(const struct graph *graph, struct graph_scratch *scratch, const float *query,
                struct graph_plan *plan, struct graph_stats *stats)
{
    memset(plan->counts, 0, sizeof(plan->counts));
    plan->level = draw_level(&scratch->rng);
    plan->nearest = (struct graph_hit){GRAPH_NONE, -1.0f};
    if (graph->entry == GRAPH_NONE)
        return;
    int top = graph->nodes[graph->entry].level;
    int layer = plan->level < top ? plan->level : top;
    descend(graph, scratch, layer, query, stats);
    for (; layer >= 0; layer--) {
        beam_search(graph, scratch, layer, query, GRAPH_BUILD_EF, stats);
        plan->counts[layer] = select_links(graph, scratch, plan->links[layer], stats);
    }
    plan->nearest = scratch->beam[0].hit;
}
