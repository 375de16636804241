/* SPDX-License-Identifier: MIT */
/* The demo's audit of its graph: a sound one has no violation, and each that is put in is found. */
#include "../../tools/demo/graph_audit.h"
#include "../../tools/demo/graph_internal.h"
#include "../../tools/demo/synth.h"
#include "../../tools/demo/vector.h"
#include "suites.h"

#include <math.h>

#define NODES 300

static struct pool pool;
static struct graph *graph;
static struct graph_scratch scratch;
static struct graph_audit audit;

static void insert(const float *vector)
{
    struct graph_plan plan;
    struct graph_stats stats = {.distances = 0};
    graph_plan(graph, &scratch, vector, &plan, &stats);
    uint32_t id = pool_alloc(&pool);
    vector_copy(pool_slot(&pool, id), vector);
    graph_insert(graph, id, &plan);
}

static void start(void)
{
    VECTOR_ALIGNED float vector[VECTOR_DIM];
    struct synth synth;
    struct rng rng;
    rng_seed(&rng, 5);
    ck_assert(synth_init(&synth, 20, 6));
    ck_assert(pool_init(&pool, VECTOR_BYTES, NODES + 50));
    graph = graph_create(&pool);
    ck_assert(graph_scratch_init(&scratch, graph, 7));
    for (int i = 0; i < NODES; i++) {
        synth_episode(&synth, synth_pick(&synth, &rng), &rng, vector);
        insert(vector);
    }
    synth_destroy(&synth);
    audit = (struct graph_audit){.next = 0};
}

static void stop(void)
{
    graph_scratch_destroy(&scratch);
    graph_destroy(graph);
    pool_destroy(&pool);
}

static void audit_all(void)
{
    while (!graph_audit_step(&audit, graph, 64))
        continue;
}

static void expect(uint64_t dangling, uint64_t asymmetric, uint64_t duplicate, uint64_t over)
{
    audit_all();
    ck_assert_uint_eq(audit.last[GRAPH_DANGLING], dangling);
    ck_assert_uint_eq(audit.last[GRAPH_ASYMMETRIC], asymmetric);
    ck_assert_uint_eq(audit.last[GRAPH_DUPLICATE], duplicate);
    ck_assert_uint_eq(audit.last[GRAPH_OVER_DEGREE], over);
}

/* A node with so many edges in layer 0 that none is its first one's only. */
static struct graph_list *list_of_many(void)
{
    for (uint32_t id = 0; id < NODES; id++)
        if (graph->lists[0][id].count > 3 && graph->lists[0][id].count < GRAPH_MAX_DEGREE)
            return &graph->lists[0][id];
    ck_abort_msg("no such node");
    return NULL;
}

START_TEST(a_sound_graph_has_no_violation)
{
    expect(0, 0, 0, 0);
    ck_assert_uint_eq(audit.nodes, NODES);
    for (uint32_t id = 0; id < NODES; id += 3)
        graph_remove(graph, id);
    expect(0, 0, 0, 0);
    ck_assert_uint_eq(audit.nodes, 2 * NODES - NODES / 3);
}
END_TEST

START_TEST(edge_to_nowhere)
{
    struct graph_list *list = list_of_many();
    uint32_t before = list->ids[0];
    list->ids[0] = NODES + 1; /* is in the pool, and no node */
    expect(1, 1, 0, 0);       /* and the one back goes to who does not know of it */
    list->ids[0] = GRAPH_NONE;
    expect(1, 1, 0, 0);
    list->ids[0] = before;
    expect(0, 0, 0, 0);
}
END_TEST

START_TEST(edge_that_does_not_go_back)
{
    list_of_many()->count--;
    expect(0, 1, 0, 0);
}
END_TEST

START_TEST(edge_that_is_there_twice)
{
    struct graph_list *list = list_of_many();
    list->ids[list->count] = list->ids[0];
    list->count++;
    expect(0, 0, 2, 0);
}
END_TEST

START_TEST(edge_to_itself)
{
    struct graph_list *list = list_of_many();
    list->ids[list->count++] = (uint32_t)(list - graph->lists[0]);
    expect(0, 0, 1, 0);
}
END_TEST

START_TEST(too_many_edges)
{
    struct graph_list *list = list_of_many();
    uint32_t count = list->count;
    list->count = GRAPH_MAX_DEGREE + 1;
    for (uint32_t i = count; i < GRAPH_MAX_DEGREE; i++)
        list->ids[i] = GRAPH_NONE;
    audit_all();
    ck_assert_uint_eq(audit.last[GRAPH_OVER_DEGREE], 1);
}
END_TEST

START_TEST(probes_find_what_is_there)
{
    ck_assert_double_ge(graph_audit_probe(graph, &scratch, 100), 0.9);
    for (uint32_t id = 0; id < NODES; id++) /* nothing leads anywhere */
        for (int layer = 0; layer < GRAPH_LAYERS; layer++)
            graph->lists[layer][id].count = 0;
    ck_assert_double_le(graph_audit_probe(graph, &scratch, 100), 0.1);
}
END_TEST

START_TEST(nothing_to_probe_is_not_known)
{
    for (uint32_t id = 0; id < NODES; id++)
        graph_remove(graph, id);
    ck_assert(isnan(graph_audit_probe(graph, &scratch, 10)));
    expect(0, 0, 0, 0);
}
END_TEST

Suite *demo_audit_suite(void)
{
    Suite *suite = suite_create("demo_audit");
    TCase *tests = tcase_create("demo_audit");
    tcase_add_checked_fixture(tests, start, stop);
    tcase_add_test(tests, a_sound_graph_has_no_violation);
    tcase_add_test(tests, edge_to_nowhere);
    tcase_add_test(tests, edge_that_does_not_go_back);
    tcase_add_test(tests, edge_that_is_there_twice);
    tcase_add_test(tests, edge_to_itself);
    tcase_add_test(tests, too_many_edges);
    tcase_add_test(tests, probes_find_what_is_there);
    tcase_add_test(tests, nothing_to_probe_is_not_known);
    suite_add_tcase(suite, tests);
    return suite;
}
