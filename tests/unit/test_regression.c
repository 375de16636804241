/* SPDX-License-Identifier: MIT */
/* Operations that become slower, and some that only seem to. */
#include "fixture.h"
#include "suites.h"

#include "daemon/regression/comparison.h"
#include "daemon/regression/regression.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SECOND UINT64_C(1000000000)

/* --- Comparing --- */

static struct comparison comparison;
static uint64_t seed;

/* The sum of twelve uniform numbers is about normal. */
static double noise(void)
{
    double sum = 0;
    for (int i = 0; i < 12; i++) {
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        sum += (double)(seed >> 11) / 9007199254740992.0;
    }
    return sum - 6;
}

static void add(int count, double mean, double deviation)
{
    for (int i = 0; i < count; i++)
        comparison_add(&comparison, mean + deviation * noise());
}

static void begin(void)
{
    comparison = (struct comparison){0};
    seed = 1;
}

START_TEST(what_is_usual_is_learned_first)
{
    ck_assert(isnan(comparison_usual(&comparison)));
    add(COMPARISON_USUAL, 100, 0);
    add(COMPARISON_LATEST - 1, 200, 0);
    ck_assert(!comparison.larger);
    ck_assert_double_eq(comparison_usual(&comparison), 100);
    ck_assert_double_eq(comparison_latest(&comparison), 200);
}
END_TEST

/* Against a mean of 100, whose stretches differ by so much. */
static const struct {
    double mean, deviation;
    bool larger;
} means[] = {
    {100, 2, false}, {104, 2, false},                   /* significant, and too little */
    {107, 2, true},  {50, 2, false},  {106, 50, false}, /* enough, and maybe chance */
    {300, 50, true}, {106, 0, true},
};

START_TEST(mean_is_larger)
{
    add(COMPARISON_USUAL, 100, means[_i].deviation);
    add(3 * COMPARISON_LATEST, means[_i].mean, means[_i].deviation);
    ck_assert_int_eq(comparison.larger, means[_i].larger);
}
END_TEST

START_TEST(it_takes_three_in_a_row_to_turn)
{
    add(COMPARISON_USUAL, 100, 1);
    add(2 * COMPARISON_LATEST, 200, 1);
    add(COMPARISON_LATEST, 100, 1);
    add(3 * COMPARISON_LATEST - 1, 200, 1);
    ck_assert(!comparison.larger);
    add(1, 200, 1);
    ck_assert(comparison.larger);
    add(3 * COMPARISON_LATEST - 1, 100, 1);
    ck_assert(comparison.larger);
    add(1, 100, 1);
    ck_assert(!comparison.larger);
}
END_TEST

/* Nothing changes in 200 hours, however much is left to chance.  One test alone would find a change
 * in one minute of twenty. */
START_TEST(chance_is_hardly_taken_for_a_change)
{
    int wrong = 0;
    for (int hour = 0; hour < 200; hour++) {
        begin();
        seed = (uint64_t)hour + 1;
        add(COMPARISON_USUAL, 100, 50);
        for (int i = 0; i < 720; i++) {
            add(1, 100, 50);
            wrong += comparison.larger;
        }
    }
    ck_assert_int_le(wrong, 200 * 720 / 100);
}
END_TEST

/* --- Operations --- */

static struct pipeline pipeline;
static struct figures *figures;
static struct regression *regression;
static struct engram_engine engine;
static uint64_t now;

static void start(void)
{
    fixture_start();
    figures = figures_new();
    pipeline_start(&pipeline, ONE_NODE, fill_figures, figures);
    regression = regression_new(figures, pipeline.store);
    fixture_process("p");
    engram_engine_register(&engine, "scalar");
    fixture_clock(now = 1000 * SECOND);
    seed = 1;
    log_capture();
}

static void stop(void)
{
    log_release(false);
    regression_free(regression);
    pipeline_stop(&pipeline);
    figures_free(figures);
    fixture_clock(0);
    fixture_stop();
}

static double detected(void)
{
    return shown_value(pipeline.store, "engram_performance_regression_detected{metric=\"latency\","
                                       "significance=\"5_percent\"}");
}

static double learned(void)
{
    return shown_value(pipeline.store,
                       "engram_performance_baseline_learned_ratio{metric=\"latency\"}");
}

/* Recalls take so long, s, for some stretches of five seconds; stores always as long. */
static void recall(int stretches, int each, double seconds)
{
    for (int i = 0; i < stretches; i++) {
        for (int k = 0; k < each; k++) {
            engram_histogram_record(engine.recall[0][0], seconds * (1 + 0.02 * noise()));
            engram_histogram_record(engine.store[0], 0.001 * (1 + 0.02 * noise()));
        }
        fixture_clock(now += 5 * SECOND);
        pipeline_collect(&pipeline, figures_families(figures));
        regression_read(regression);
    }
    pipeline_collect(&pipeline, figures_families(figures));
}

START_TEST(operation_that_becomes_slower_is_told)
{
    recall(1 + COMPARISON_USUAL / 2, 100, 1e-4);
    ck_assert(isnan(detected()));
    ck_assert_double_eq(learned(), 0.5);
    recall(COMPARISON_USUAL / 2 + COMPARISON_LATEST, 100, 1e-4);
    ck_assert_double_eq(learned(), 1);
    ck_assert_double_eq(detected(), 0);
    recall(3 * COMPARISON_LATEST, 100, 1.2e-4);
    ck_assert_double_eq(detected(), 1);
    ck_assert_ptr_nonnull(strstr(log_captured(), "operation=recall"));
    ck_assert_ptr_null(strstr(log_captured(), "operation=store"));
    recall(3 * COMPARISON_LATEST, 100, 1e-4);
    ck_assert_double_eq(detected(), 0);
    ck_assert_ptr_nonnull(strstr(log_captured(), "as long as usual again"));
}
END_TEST

START_TEST(usual_is_learned_anew_when_asked)
{
    recall(1 + COMPARISON_USUAL + COMPARISON_LATEST, 100, 1e-4);
    recall(3 * COMPARISON_LATEST, 100, 2e-4);
    ck_assert_double_eq(detected(), 1);
    regression_learn(regression);
    recall(1, 100, 2e-4);
    ck_assert(isnan(detected()));
    recall(COMPARISON_USUAL + COMPARISON_LATEST, 100, 2e-4);
    ck_assert_double_eq(detected(), 0);
}
END_TEST

START_TEST(few_operations_tell_nothing)
{
    recall(1 + COMPARISON_USUAL + COMPARISON_LATEST, 5, 1e-4);
    ck_assert(isnan(detected()));
    ck_assert_double_eq(learned(), 0);
}
END_TEST

Suite *regression_suite(void)
{
    Suite *suite = suite_create("regression");
    TCase *comparing = tcase_create("comparing");
    tcase_add_checked_fixture(comparing, begin, NULL);
    tcase_add_test(comparing, what_is_usual_is_learned_first);
    tcase_add_loop_test(comparing, mean_is_larger, 0, sizeof means / sizeof means[0]);
    tcase_add_test(comparing, it_takes_three_in_a_row_to_turn);
    tcase_add_test(comparing, chance_is_hardly_taken_for_a_change);
    suite_add_tcase(suite, comparing);
    TCase *operations = tcase_create("operations");
    tcase_add_checked_fixture(operations, start, stop);
    tcase_add_test(operations, operation_that_becomes_slower_is_told);
    tcase_add_test(operations, usual_is_learned_anew_when_asked);
    tcase_add_test(operations, few_operations_tell_nothing);
    suite_add_tcase(suite, operations);
    return suite;
}
