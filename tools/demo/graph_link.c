/* SPDX-License-Identifier: MIT */
/* Changes of the graph; all of them run under the exclusive lock. */
#include "graph_internal.h"

#include "vector.h"

#include <string.h>

static uint32_t list_find(const struct graph_list *list, uint32_t id)
{
    uint32_t i = 0;

    while (i < list->count && list->ids[i] != id)
        i++;
    return i;
}

static void list_add(struct graph_list *list, uint32_t id, float similarity)
{
    list->ids[list->count] = id;
    list->similarities[list->count] = similarity;
    list->count++;
}

static void list_drop(struct graph_list *list, uint32_t id)
{
    uint32_t at = list_find(list, id);

    if (at == list->count)
        return;
    list->count--;
    list->ids[at] = list->ids[list->count];
    list->similarities[at] = list->similarities[list->count];
}

/*
 * An edge to a neighbour is redundant if another neighbour has a stronger edge to it: the path
 * over that one stays. Judged by the edges alone, so that no cosine is computed under the lock.
 */
static bool edge_is_redundant(const struct graph *graph, int layer, const struct graph_list *list,
                              uint32_t at)
{
    const struct graph_list *theirs = &graph->lists[layer][list->ids[at]];

    for (uint32_t i = 0; i < list->count; i++) {
        uint32_t found = i == at ? theirs->count : list_find(theirs, list->ids[i]);
        if (found < theirs->count && theirs->similarities[found] > list->similarities[at])
            return true;
    }
    return false;
}

/* Weakest redundant edge of a full list, else the weakest whose other end has edges to spare. */
static uint32_t find_victim(const struct graph *graph, int layer, const struct graph_list *list)
{
    uint32_t victim = list->count;
    bool victim_redundant = false;

    for (uint32_t i = 0; i < list->count; i++) {
        bool redundant = edge_is_redundant(graph, layer, list, i);
        if (!redundant && (victim_redundant || graph->lists[layer][list->ids[i]].count <= 2))
            continue;
        if (victim == list->count || (redundant && !victim_redundant) ||
            list->similarities[i] < list->similarities[victim]) {
            victim = i;
            victim_redundant = redundant;
        }
    }
    return victim;
}

static bool make_room(struct graph *graph, int layer, uint32_t id)
{
    struct graph_list *list = &graph->lists[layer][id];

    if (list->count < degree_limit(layer))
        return true;
    uint32_t victim = find_victim(graph, layer, list);
    if (victim == list->count)
        return false;
    uint32_t other = list->ids[victim];
    list_drop(&graph->lists[layer][other], id);
    list_drop(list, other);
    return true;
}

static void connect_nodes(struct graph *graph, int layer, uint32_t a, uint32_t b, float similarity)
{
    struct graph_list *list = &graph->lists[layer][a];

    if (a == b || list_find(list, b) < list->count)
        return;
    if (!make_room(graph, layer, a) || !make_room(graph, layer, b))
        return;
    list_add(list, b, similarity);
    list_add(&graph->lists[layer][b], a, similarity);
}

static uint32_t varint_bytes(uint32_t value)
{
    uint32_t bytes = 1;

    while (value >>= 7)
        bytes++;
    return bytes;
}

/*
 * Size of a list as sorted ids, each the variable-length difference from the one before; the
 * first is relative to the node itself and carries a sign bit.
 */
static uint32_t encoded_list_bytes(const struct graph_list *list, uint32_t self)
{
    uint32_t sorted[GRAPH_MAX_DEGREE];

    for (uint32_t i = 0; i < list->count; i++) {
        uint32_t at = i;
        for (; at > 0 && sorted[at - 1] > list->ids[i]; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = list->ids[i];
    }
    uint32_t bytes = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        uint32_t delta = i > 0 ? sorted[i] - sorted[i - 1] : 0;
        if (i == 0)
            delta = (sorted[0] > self ? sorted[0] - self : self - sorted[0]) << 1;
        bytes += varint_bytes(delta);
    }
    return bytes;
}

static void account_encoding(struct graph *graph, uint32_t id)
{
    struct graph_node *node = &graph->nodes[id];

    node->raw_bytes = 0;
    node->encoded_bytes = 0;
    for (int layer = 0; layer <= node->level; layer++) {
        const struct graph_list *list = &graph->lists[layer][id];
        node->raw_bytes += list->count * (uint32_t)sizeof(list->ids[0]);
        node->encoded_bytes += encoded_list_bytes(list, id);
    }
    graph->raw_bytes += node->raw_bytes;
    graph->encoded_bytes += node->encoded_bytes;
}

void graph_insert(struct graph *graph, uint32_t id, const struct graph_plan *plan)
{
    struct graph_node *node = &graph->nodes[id];

    node->level = plan->level;
    graph->size++;
    for (int layer = 0; layer <= plan->level; layer++) {
        graph->lists[layer][id].count = 0;
        for (uint32_t i = 0; i < plan->counts[layer]; i++) {
            const struct graph_link *link = &plan->links[layer][i];
            if (graph_contains(graph, link->id) &&
                graph->nodes[link->id].generation == link->generation)
                connect_nodes(graph, layer, id, link->id, link->similarity);
        }
    }
    /* All candidates may have gone since the plan was made; the node must stay reachable. */
    if (graph->lists[0][id].count == 0 && graph->entry != GRAPH_NONE)
        connect_nodes(graph, 0, id, graph->entry,
                      vector_cosine(graph_vector(graph, id), graph_vector(graph, graph->entry)));
    if (graph->entry == GRAPH_NONE || plan->level > graph->nodes[graph->entry].level)
        graph->entry = id;
    account_encoding(graph, id);
}

/* Links the neighbours that a removed node leaves behind: paths that led over it stay open. */
static void bridge_gap(struct graph *graph, int layer, const struct graph_list *orphans)
{
    for (uint32_t i = 0; i + 1 < orphans->count; i++) {
        uint32_t a = orphans->ids[i];
        uint32_t b = orphans->ids[i + 1];
        connect_nodes(graph, layer, a, b,
                      vector_cosine(graph_vector(graph, a), graph_vector(graph, b)));
    }
}

static void choose_entry(struct graph *graph)
{
    int best = LEVEL_ABSENT;

    graph->entry = GRAPH_NONE;
    for (uint32_t id = 0; id < graph->capacity && best < GRAPH_LAYERS - 1; id++) {
        if (graph->nodes[id].level > best) {
            best = graph->nodes[id].level;
            graph->entry = id;
        }
    }
}

void graph_remove(struct graph *graph, uint32_t id)
{
    struct graph_node *node = &graph->nodes[id];
    int level = node->level;

    node->level = LEVEL_ABSENT;
    node->generation++;
    graph->size--;
    graph->raw_bytes -= node->raw_bytes;
    graph->encoded_bytes -= node->encoded_bytes;
    for (int layer = 0; layer <= level; layer++) {
        struct graph_list *list = &graph->lists[layer][id];
        for (uint32_t i = 0; i < list->count; i++)
            list_drop(&graph->lists[layer][list->ids[i]], id);
        bridge_gap(graph, layer, list);
        list->count = 0;
    }
    if (graph->entry == id)
        choose_entry(graph);
}
