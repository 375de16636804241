/* SPDX-License-Identifier: MIT */
/* Cache lines that are contended, by counters that are made up: machines that have them are not at
 * hand. */
#include "counting.h"
#include "suites.h"

#include "daemon/health/cache_check.h"
#include "daemon/health/health.h"

#include <math.h>
#include <string.h>

#define TICK 0.5
#define USUAL 500.0 /* loads a second, of a million instructions */

static struct cache_check *check;

static void start(void)
{
    counting_start();
    happens("instructions", 1e6);
    happens("cycles", 1e6);
    happens("contended_loads_local", USUAL);
    happens("contended_loads_remote", 0);
}

static void stop(void)
{
    cache_check_free(check);
    counting_stop();
}

static void begin(void)
{
    check = cache_check_new(counting_begin());
    ck_assert_ptr_nonnull(check);
}

static struct finding look_for(double seconds)
{
    struct finding finding = cache_check_look(check);
    for (double passed = 0; passed < seconds; passed += TICK) {
        counting_pass(TICK);
        finding = cache_check_look(check);
    }
    return finding;
}

static void learn(void)
{
    begin();
    ck_assert_int_eq(look_for(303).state, HEALTH_HEALTHY);
}

START_TEST(what_is_usual_is_learned_first)
{
    begin();
    struct finding finding = look_for(290);
    ck_assert_int_eq(finding.state, HEALTH_UNKNOWN);
    ck_assert_msg(strstr(finding.reason, "being learned"), "%s", finding.reason);
    ck_assert_double_eq_tol(finding.value, 0.5, 1e-3);
    finding = look_for(20);
    ck_assert_int_eq(finding.state, HEALTH_HEALTHY);
    ck_assert_double_eq_tol(finding.threshold, 1.5, 1e-2);
}
END_TEST

START_TEST(much_more_than_usual_is_seen_and_passes)
{
    learn();
    happens("contended_loads_remote", 4 * USUAL);
    ck_assert_int_eq(look_for(2).state, HEALTH_DEGRADED);
    happens("contended_loads_remote", 20 * USUAL);
    ck_assert_int_eq(look_for(2).state, HEALTH_UNHEALTHY);
    happens("contended_loads_remote", 0);
    ck_assert_int_eq(look_for(3).state, HEALTH_HEALTHY);
}
END_TEST

START_TEST(what_is_amiss_does_not_become_usual)
{
    learn();
    happens("contended_loads_remote", 4 * USUAL);
    ck_assert_int_eq(look_for(3000).state, HEALTH_DEGRADED);
}
END_TEST

START_TEST(slow_change_becomes_usual)
{
    learn();
    for (int step = 0; step < 6; step++) {
        happens("contended_loads_remote", step * USUAL / 2);
        ck_assert_int_eq(look_for(3600).state, HEALTH_HEALTHY);
    }
}
END_TEST

START_TEST(usual_is_learned_anew_when_asked)
{
    learn();
    happens("contended_loads_local", 5 * USUAL);
    ck_assert_int_eq(look_for(2).state, HEALTH_DEGRADED);
    cache_check_learn(check);
    ck_assert_int_eq(look_for(290).state, HEALTH_UNKNOWN);
    ck_assert_int_eq(look_for(20).state, HEALTH_HEALTHY);
}
END_TEST

/* Three times next to nothing is next to nothing. */
START_TEST(little_is_never_amiss)
{
    happens("contended_loads_local", 10);
    learn();
    happens("contended_loads_local", 900);
    ck_assert_int_eq(look_for(2).state, HEALTH_HEALTHY);
    happens("contended_loads_local", 1100);
    ck_assert_int_eq(look_for(3).state, HEALTH_DEGRADED);
}
END_TEST

START_TEST(without_a_counter_it_is_unknown)
{
    happens("contended_loads_local", NAN);
    begin();
    struct finding finding = look_for(2);
    ck_assert_int_eq(finding.state, HEALTH_UNKNOWN);
    ck_assert_str_eq(finding.reason, "contended_loads_local is not counted: not_supported");
}
END_TEST

Suite *cache_check_suite(void)
{
    Suite *suite = suite_create("cache_check");
    TCase *tests = tcase_create("cache_check");
    tcase_add_checked_fixture(tests, start, stop);
    tcase_add_test(tests, what_is_usual_is_learned_first);
    tcase_add_test(tests, much_more_than_usual_is_seen_and_passes);
    tcase_add_test(tests, what_is_amiss_does_not_become_usual);
    tcase_add_test(tests, slow_change_becomes_usual);
    tcase_add_test(tests, usual_is_learned_anew_when_asked);
    tcase_add_test(tests, little_is_never_amiss);
    tcase_add_test(tests, without_a_counter_it_is_unknown);
    suite_add_tcase(suite, tests);
    return suite;
}
