/* SPDX-License-Identifier: MIT */
#include "../../tools/demo/engine.h"
#include "../../tools/demo/synth.h"

#include <check.h>

Suite *demo_suite(void);

static void random_vector(struct rng *rng, float *out)
{
    for (size_t i = 0; i < VECTOR_DIM; i++)
        out[i] = rng_normal(rng);
    vector_normalise(out);
}

static struct engine *small_engine(uint32_t capacity, struct engine_worker **worker)
{
    struct engine_config config = {.capacity = capacity, .schemas = 64, .work_limit = 24};
    struct engine *engine = engine_create(&config);

    ck_assert_ptr_nonnull(engine);
    *worker = engine_worker_create(engine, 5);
    ck_assert_ptr_nonnull(*worker);
    return engine;
}

START_TEST(recall_by_every_cue_type)
{
    VECTOR_ALIGNED float vector[VECTOR_DIM];
    struct engine_worker *worker;
    struct engine *engine = small_engine(64, &worker);
    struct recall_result recalled;
    struct store_result stored;
    struct rng rng;

    rng_seed(&rng, 6);
    random_vector(&rng, vector);
    engine_recall(worker, vector, CUE_EMBEDDING, GRAPH_NONE, &recalled);
    ck_assert_int_eq(recalled.status, ENGINE_MISS);
    engine_store(worker, vector, &stored);
    ck_assert_int_eq(stored.status, ENGINE_SUCCESS);
    ck_assert(stored.new_schema);
    for (int type = 0; type < CUE_TYPES; type++) {
        engine_recall(worker, vector, (enum cue_type)type, stored.node, &recalled);
        ck_assert_int_eq(recalled.status, ENGINE_SUCCESS);
        ck_assert_uint_eq(recalled.episode, stored.episode);
        ck_assert_float_eq_tol(recalled.hippocampal_weight + recalled.neocortical_weight, 1.0f,
                               1e-6f);
    }
    random_vector(&rng, vector);
    engine_recall(worker, vector, CUE_CONTEXT, stored.node, &recalled);
    ck_assert_int_eq(recalled.status, ENGINE_MISS);
    ck_assert(recalled.widened);
    engine_worker_destroy(worker);
    engine_destroy(engine);
}
END_TEST

START_TEST(consolidation_goes_in_order)
{
    VECTOR_ALIGNED float vectors[40][VECTOR_DIM];
    struct engine_worker *worker;
    struct engine *engine = small_engine(64, &worker);
    struct consolidation_result result;
    struct recall_result recalled;
    struct store_result stored;
    struct engine_info info;
    struct rng rng;

    rng_seed(&rng, 7);
    for (int i = 0; i < 40; i++) {
        random_vector(&rng, vectors[i]);
        engine_store(worker, vectors[i], &stored);
    }
    uint32_t moves[MEMORY_STATES] = {0};
    do {
        engine_consolidate(worker, 8, &result);
        for (uint32_t i = 0; i < result.count; i++) {
            ck_assert_int_eq(result.transitions[i].to, result.transitions[i].from + 1);
            moves[result.transitions[i].from]++;
        }
    } while (result.count > 0);
    /* 64 slots hold 8 recent and 16 consolidating ones: 40 - 8 moved once, 16 of them twice. */
    engine_inspect(engine, &info);
    ck_assert_uint_eq(info.states[MEMORY_RECENT], 8);
    ck_assert_uint_eq(info.states[MEMORY_CONSOLIDATING], 16);
    ck_assert_uint_eq(info.states[MEMORY_REMOTE], 16);
    ck_assert_uint_eq(moves[MEMORY_RECENT], 32);
    ck_assert_uint_eq(moves[MEMORY_CONSOLIDATING], 16);
    /* The oldest are the most remote. */
    for (int i = 0; i < 40; i++) {
        enum memory_state expected = i < 16   ? MEMORY_REMOTE
                                     : i < 32 ? MEMORY_CONSOLIDATING
                                              : MEMORY_RECENT;
        engine_recall(worker, vectors[i], CUE_SEMANTIC, GRAPH_NONE, &recalled);
        ck_assert_int_eq(recalled.status, ENGINE_SUCCESS);
        ck_assert_int_eq(recalled.state, expected);
    }
    engine_worker_destroy(worker);
    engine_destroy(engine);
}
END_TEST

START_TEST(full_store_forgets_the_oldest)
{
    VECTOR_ALIGNED float first[VECTOR_DIM];
    VECTOR_ALIGNED float vector[VECTOR_DIM];
    struct engine_worker *worker;
    struct engine *engine = small_engine(64, &worker);
    struct recall_result recalled;
    struct store_result stored;
    struct engine_info info;
    struct rng rng;

    rng_seed(&rng, 8);
    random_vector(&rng, first);
    engine_store(worker, first, &stored);
    for (int i = 0; i < 64; i++) {
        random_vector(&rng, vector);
        engine_store(worker, vector, &stored);
        ck_assert_int_eq(stored.status, ENGINE_SUCCESS);
    }
    ck_assert_uint_gt(stored.forgotten, 0);
    ck_assert_uint_gt(stored.recovery_ns, 0);
    engine_recall(worker, first, CUE_EMBEDDING, GRAPH_NONE, &recalled);
    ck_assert_int_eq(recalled.status, ENGINE_MISS);
    engine_inspect(engine, &info);
    ck_assert_uint_eq(info.episodes, 65 - stored.forgotten);
    ck_assert_uint_eq(info.pools[POOL_VECTORS].used, info.episodes);
    ck_assert_uint_eq(info.pools[POOL_EPISODES].used, info.episodes);
    engine_worker_destroy(worker);
    engine_destroy(engine);
}
END_TEST

START_TEST(pressure_takes_slots_and_gives_them_back)
{
    VECTOR_ALIGNED float vector[VECTOR_DIM];
    struct engine_worker *worker;
    struct engine *engine = small_engine(64, &worker);
    struct adapt_result adapted;
    struct store_result stored;
    struct engine_info info;
    struct rng rng;

    rng_seed(&rng, 9);
    for (int i = 0; i < 64; i++) {
        random_vector(&rng, vector);
        engine_store(worker, vector, &stored);
    }
    engine_adapt(worker, POOL_SHRINK, 16, &adapted);
    ck_assert_uint_eq(adapted.slots, 16);
    ck_assert_uint_eq(adapted.forgotten, 16);
    engine_store(worker, vector, &stored);
    ck_assert_int_eq(stored.status, ENGINE_SUCCESS);
    ck_assert_uint_lt(stored.node, 48);
    engine_adapt(worker, POOL_GROW, 64, &adapted);
    ck_assert_uint_eq(adapted.slots, 16);
    engine_inspect(engine, &info);
    ck_assert_uint_eq(info.pools[POOL_VECTORS].limit, 64);
    engine_worker_destroy(worker);
    engine_destroy(engine);
}
END_TEST

START_TEST(large_batch_is_resized)
{
    VECTOR_ALIGNED float vectors[40][VECTOR_DIM];
    const float *pointers[40];
    struct engine_worker *worker;
    struct engine *engine = small_engine(64, &worker);
    struct recall_result hits[40];
    struct batch_result result;
    struct engine_info info;
    struct rng rng;

    rng_seed(&rng, 10);
    for (int i = 0; i < 40; i++) {
        random_vector(&rng, vectors[i]);
        pointers[i] = vectors[i];
    }
    engine_batch_store(worker, pointers, 16, &result);
    ck_assert_int_eq(result.backpressure, BACKPRESSURE_NONE);
    /* 24 units at most: 24 left become 24, so only the 40 are halved. */
    engine_batch_recall(worker, pointers, 40, hits, &result);
    ck_assert_int_eq(result.backpressure, BACKPRESSURE_ADAPTIVE_RESIZE);
    ck_assert_uint_eq(result.resizes, 1);
    ck_assert_uint_eq(result.completed, 40);
    ck_assert_uint_eq(result.chunks, 2);
    ck_assert_uint_eq(result.misses, 24);
    for (uint32_t i = 0; i < 16; i++)
        ck_assert_uint_eq(hits[i].episode, i + 1);
    engine_inspect(engine, &info);
    ck_assert_uint_eq(info.work_in_flight, 0);
    engine_worker_destroy(worker);
    engine_destroy(engine);
}
END_TEST

static void run_drm(float association, const float *lure, struct rng *rng, bool test_lure,
                    struct completion_result *result)
{
    static struct drm_list list;
    struct partial_cue cue;
    struct engine_worker *worker;
    struct engine *engine = small_engine(64, &worker);
    struct store_result stored;

    drm_list_make(&list, lure, association, rng);
    for (int i = 0; i < DRM_ITEMS; i++)
        engine_store(worker, list.items[i], &stored);
    partial_cue_make(&cue, test_lure ? list.lure : list.items[0], 0.6f, rng);
    engine_drm_trial(worker, &list, &cue, result);
    engine_worker_destroy(worker);
    engine_destroy(engine);
}

START_TEST(drm_lure_is_remembered_falsely)
{
    VECTOR_ALIGNED float lure[VECTOR_DIM];
    struct completion_result result;
    struct rng rng;

    rng_seed(&rng, 11);
    random_vector(&rng, lure);
    /* Strong association: the lure comes back although it was never stored. */
    run_drm(0.85f, lure, &rng, true, &result);
    ck_assert_int_eq(result.status, ENGINE_SUCCESS);
    ck_assert(result.verdict.false_memory);
    ck_assert(result.verdict.accepted);
    /* Weak association: the same, but not plausible enough to be believed. */
    run_drm(0.45f, lure, &rng, true, &result);
    ck_assert(!result.verdict.accepted);
    /* A studied item of a weakly associated list is a true memory. */
    run_drm(0.45f, lure, &rng, false, &result);
    ck_assert(!result.verdict.false_memory);
    ck_assert(result.verdict.accepted);
}
END_TEST

START_TEST(completion_fills_in_the_unknown)
{
    VECTOR_ALIGNED float full[VECTOR_DIM];
    VECTOR_ALIGNED float completion[VECTOR_DIM];
    struct partial_cue cue;
    struct rng rng;

    rng_seed(&rng, 12);
    random_vector(&rng, full);
    partial_cue_make(&cue, full, 0.5f, &rng);
    ck_assert_float_lt(vector_cosine(cue.values, full), 0.9f);
    const struct completion_source source = {full, 1.0f};
    complete_pattern(&cue, &source, 1, completion);
    ck_assert_float_eq_tol(vector_cosine(completion, full), 1.0f, 1e-4f);
}
END_TEST

START_TEST(activation_spreads_and_stops)
{
    struct spread_params params = {0.9f, 0.05f, 3};
    VECTOR_ALIGNED float vector[VECTOR_DIM];
    struct engine_worker *worker;
    struct engine *engine = small_engine(256, &worker);
    struct spread_outcome spread;
    struct store_result stored;
    struct synth synth;
    struct rng rng;

    rng_seed(&rng, 13);
    ck_assert(synth_init(&synth, 4, 14));
    for (uint32_t i = 0; i < 200; i++) {
        synth_episode(&synth, i % 4, &rng, vector);
        engine_store(worker, vector, &stored);
    }
    engine_spread(worker, stored.node, &params, &spread);
    ck_assert_int_eq(spread.status, ENGINE_SUCCESS);
    ck_assert_uint_eq(spread.spread.depth, 3);
    ck_assert_double_eq_tol(spread.spread.coverage, spread.spread.activated / 200.0, 1e-12);
    ck_assert_double_gt(spread.spread.branching_factor, 1.0);
    params.max_depth = 1;
    engine_spread(worker, stored.node, &params, &spread);
    ck_assert_uint_eq(spread.spread.depth, 1);
    ck_assert_uint_le(spread.spread.activated, 1 + GRAPH_MAX_DEGREE);
    params.threshold = 1.0f;
    engine_spread(worker, stored.node, &params, &spread);
    ck_assert_uint_eq(spread.spread.depth, 0);
    ck_assert_uint_eq(spread.spread.activated, 1);
    engine_spread(worker, GRAPH_NONE, &params, &spread);
    ck_assert_int_eq(spread.status, ENGINE_MISS);
    synth_destroy(&synth);
    engine_worker_destroy(worker);
    engine_destroy(engine);
}
END_TEST

Suite *demo_suite(void)
{
    Suite *suite = suite_create("demo_engine");
    TCase *tests = tcase_create("engine");

    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, recall_by_every_cue_type);
    tcase_add_test(tests, consolidation_goes_in_order);
    tcase_add_test(tests, full_store_forgets_the_oldest);
    tcase_add_test(tests, pressure_takes_slots_and_gives_them_back);
    tcase_add_test(tests, large_batch_is_resized);
    tcase_add_test(tests, drm_lure_is_remembered_falsely);
    tcase_add_test(tests, completion_fills_in_the_unknown);
    tcase_add_test(tests, activation_spreads_and_stops);
    suite_add_tcase(suite, tests);
    return suite;
}
