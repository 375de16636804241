/* SPDX-License-Identifier: MIT */
/* The parts that the engine is made of: vector kernels, pools and the graph. */
#include "../../tools/demo/graph.h"
#include "../../tools/demo/synth.h"
#include "../../tools/demo/vector.h"

#include <check.h>
#include <string.h>

Suite *demo_parts_suite(void);

#define CONCEPTS 100
#define EPISODES 2000

static void random_vector(struct rng *rng, float *out)
{
    for (size_t i = 0; i < VECTOR_DIM; i++)
        out[i] = rng_normal(rng);
    vector_normalise(out);
}

START_TEST(kernels_agree_with_scalar)
{
    /* One float past alignment: the kernels must not rely on it. */
    VECTOR_ALIGNED float a[VECTOR_DIM + 16];
    VECTOR_ALIGNED float b[VECTOR_DIM];
    const char *best = vector_simd_name();
    const char *name;
    struct rng rng;

    rng_seed(&rng, 1);
    for (int round = 0; round < 200; round++) {
        float *left = a + round % 16;
        random_vector(&rng, left);
        random_vector(&rng, b);
        /* Every other pair is near, so that the sums are not all close to 0. */
        if (round % 2)
            vector_add_scaled(b, left, 1.0f);
        ck_assert(vector_select("scalar"));
        float expected = vector_cosine(left, b);
        for (size_t i = 0; (name = vector_kernel_name(i)) != NULL; i++) {
            if (!vector_select(name))
                continue;
            ck_assert_str_eq(vector_simd_name(), name);
            ck_assert_float_eq_tol(vector_cosine(left, b), expected, 1e-4f);
        }
    }
    ck_assert(vector_select(best));
}
END_TEST

START_TEST(unknown_kernel_is_refused)
{
    const char *before = vector_simd_name();

    ck_assert(!vector_select("abacus"));
    ck_assert_str_eq(vector_simd_name(), before);
}
END_TEST

START_TEST(normalise_gives_unit_length)
{
    VECTOR_ALIGNED float v[VECTOR_DIM] = {3.0f, 4.0f};
    VECTOR_ALIGNED float zero[VECTOR_DIM] = {0.0f};

    ck_assert_float_eq_tol(vector_normalise(v), 5.0f, 1e-5f);
    ck_assert_float_eq_tol(vector_cosine(v, v), 1.0f, 1e-5f);
    ck_assert_float_eq(vector_normalise(zero), 0.0f);
    ck_assert_float_eq(zero[0], 0.0f);
}
END_TEST

START_TEST(pool_fragmentation_of_known_pattern)
{
    struct pool pool;

    ck_assert(pool_init(&pool, 100, 100));
    ck_assert_uint_eq(pool.slot_bytes, 128);
    for (uint32_t i = 0; i < 100; i++)
        ck_assert_uint_eq(pool_alloc(&pool), i);
    ck_assert_uint_eq(pool_alloc(&pool), POOL_NONE);
    ck_assert_double_eq(pool_measure(&pool).utilisation, 1.0);
    ck_assert_double_eq(pool_measure(&pool).fragmentation, 0.0);
    /* A run of 6 and four single slots: 1 - 6 / 10. The run crosses a word of the free map. */
    for (uint32_t slot = 60; slot < 66; slot++)
        pool_free(&pool, slot);
    for (uint32_t slot = 1; slot < 9; slot += 2)
        pool_free(&pool, slot);
    struct pool_stats stats = pool_measure(&pool);
    ck_assert_double_eq_tol(stats.fragmentation, 0.4, 1e-12);
    ck_assert_double_eq_tol(stats.utilisation, 0.9, 1e-12);
    ck_assert_uint_eq(stats.allocations, 100);
    ck_assert_uint_eq(stats.aligned_allocations, 100);
    pool_destroy(&pool);
}
END_TEST

START_TEST(pool_shrinks_and_grows)
{
    struct pool pool;

    ck_assert(pool_init(&pool, 3072, 32));
    for (uint32_t i = 0; i < 32; i++)
        pool_alloc(&pool);
    for (uint32_t slot = 24; slot < 32; slot++)
        pool_free(&pool, slot);
    /* Only what is free at the end can go. */
    ck_assert_uint_eq(pool_shrink(&pool, 16), 8);
    ck_assert_double_eq(pool_measure(&pool).utilisation, 1.0);
    ck_assert_uint_eq(pool_alloc(&pool), POOL_NONE);
    ck_assert_uint_eq(pool_grow(&pool, 16), 8);
    uint32_t slot = pool_alloc(&pool);
    ck_assert_uint_ge(slot, 24);
    memset(pool_slot(&pool, slot), 0xff, 3072);
    pool_destroy(&pool);
}
END_TEST

static void insert_episode(struct graph *graph, struct graph_scratch *scratch, struct pool *pool,
                           const float *vector)
{
    struct graph_plan plan;
    struct graph_stats stats = {.distances = 0};

    graph_lock_exclusive(graph);
    graph_plan(graph, scratch, vector, &plan, &stats);
    uint32_t id = pool_alloc(pool);
    vector_copy(pool_slot(pool, id), vector);
    graph_insert(graph, id, &plan);
    graph_unlock(graph);
}

static double recall_at_1(struct graph *graph, struct graph_scratch *scratch)
{
    struct graph_stats stats = {.distances = 0};
    struct graph_hit hit;
    uint32_t found = 0;

    graph_lock_shared(graph);
    for (uint32_t id = 0; id < EPISODES; id++) {
        if (!graph_contains(graph, id))
            continue;
        graph_search(graph, scratch, graph_vector(graph, id), 16, 1, &hit, &stats);
        found += hit.id == id;
    }
    /* It must be a search, not a scan; and every read of a vector is for a cosine. */
    ck_assert_uint_lt(stats.distances / graph_size(graph), EPISODES / 8);
    ck_assert_uint_eq(stats.reads, stats.distances);
    ck_assert_uint_le(stats.local_reads, stats.reads);
    ck_assert_uint_gt(stats.hops[0], stats.hops[3]);
    double share = (double)found / graph_size(graph);
    graph_unlock(graph);
    return share;
}

static void check_symmetry(struct graph *graph)
{
    graph_lock_shared(graph);
    for (uint32_t id = 0; id < EPISODES; id++) {
        const struct graph_list *list = graph_neighbours(graph, id);
        for (uint32_t i = 0; graph_contains(graph, id) && i < list->count; i++) {
            const struct graph_list *back = graph_neighbours(graph, list->ids[i]);
            uint32_t at = 0;
            while (at < back->count && back->ids[at] != id)
                at++;
            ck_assert_uint_lt(at, back->count);
            ck_assert(graph_contains(graph, list->ids[i]));
        }
    }
    graph_unlock(graph);
}

START_TEST(graph_finds_what_is_stored)
{
    VECTOR_ALIGNED float vector[VECTOR_DIM];
    struct graph_scratch scratch;
    struct synth synth;
    struct pool pool;
    struct rng rng;

    rng_seed(&rng, 2);
    ck_assert(synth_init(&synth, CONCEPTS, 3));
    ck_assert(pool_init(&pool, VECTOR_BYTES, EPISODES));
    struct graph *graph = graph_create(&pool);
    ck_assert_ptr_nonnull(graph);
    ck_assert(graph_scratch_init(&scratch, graph, 4));
    for (uint32_t i = 0; i < EPISODES; i++) {
        synth_episode(&synth, synth_pick(&synth, &rng), &rng, vector);
        insert_episode(graph, &scratch, &pool, vector);
    }
    ck_assert_double_ge(recall_at_1(graph, &scratch), 0.9);
    check_symmetry(graph);
    /* Compression must be real, and no list can encode in less than a byte an edge. */
    ck_assert_double_ge(graph_edge_compression(graph), 0.25);
    ck_assert_double_lt(graph_edge_compression(graph), 0.6);
    /* Replace half of them: the rest must still be found. */
    for (uint32_t id = 0; id < EPISODES; id += 2) {
        graph_remove(graph, id);
        pool_free(&pool, id);
    }
    ck_assert_uint_eq(graph_size(graph), EPISODES / 2);
    check_symmetry(graph);
    ck_assert_double_ge(recall_at_1(graph, &scratch), 0.9);
    for (uint32_t i = 0; i < EPISODES / 2; i++) {
        synth_episode(&synth, synth_pick(&synth, &rng), &rng, vector);
        insert_episode(graph, &scratch, &pool, vector);
    }
    ck_assert_double_ge(recall_at_1(graph, &scratch), 0.9);
    for (uint32_t id = 0; id < EPISODES; id++)
        graph_remove(graph, id);
    ck_assert_uint_eq(graph_size(graph), 0);
    ck_assert_double_eq(graph_edge_compression(graph), 1.0);
    graph_scratch_destroy(&scratch);
    graph_destroy(graph);
    pool_destroy(&pool);
    synth_destroy(&synth);
}
END_TEST

Suite *demo_parts_suite(void)
{
    Suite *suite = suite_create("demo_parts");
    TCase *tests = tcase_create("parts");

    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, kernels_agree_with_scalar);
    tcase_add_test(tests, unknown_kernel_is_refused);
    tcase_add_test(tests, normalise_gives_unit_length);
    tcase_add_test(tests, pool_fragmentation_of_known_pattern);
    tcase_add_test(tests, pool_shrinks_and_grows);
    tcase_add_test(tests, graph_finds_what_is_stored);
    suite_add_tcase(suite, tests);
    return suite;
}
