/* SPDX-License-Identifier: MIT */
/* How much a counter has risen lately. */
#include "suites.h"

#include "daemon/base/rate.h"

#include <math.h>

#define SECOND UINT64_C(1000000000)

static struct rate rate;

static void start(void)
{
    rate = (struct rate){.window = 10 * SECOND};
}

START_TEST(first_value_tells_nothing)
{
    ck_assert(isnan(rise_per_second(rate_take(&rate, SECOND, 5))));
    ck_assert_double_eq(rise_per_second(rate_take(&rate, 3 * SECOND, 9)), 2);
}
END_TEST

START_TEST(what_is_older_than_the_window_no_longer_counts)
{
    rate_take(&rate, 0, 0);
    rate_take(&rate, SECOND, 1000);
    for (uint64_t at = 2; at <= 10; at++)
        rate_take(&rate, at * SECOND, 1000 + at);
    ck_assert_uint_eq(rate_take(&rate, 11 * SECOND, 1011).by, 1011);
    struct rise rise = rate_take(&rate, 12 * SECOND, 1012);
    ck_assert_uint_eq(rise.by, 12);
    ck_assert_uint_eq(rise.ns, 11 * SECOND);
}
END_TEST

/* Looked at much more often than values are kept. */
START_TEST(window_holds_however_often_it_is_looked_at)
{
    struct rise rise = {0, 0};
    for (uint64_t at = 0; at < 3000; at++)
        rise = rate_take(&rate, at * SECOND / 100, at);
    ck_assert_uint_ge(rise.ns, 10 * SECOND);
    ck_assert_uint_le(rise.ns, 11 * SECOND);
    ck_assert_uint_eq(rise.by, rise.ns / (SECOND / 100));
}
END_TEST

START_TEST(counter_that_falls_or_was_away_starts_anew)
{
    rate_take(&rate, 0, 100);
    ck_assert_uint_eq(rate_take(&rate, SECOND, 99).ns, 0);
    ck_assert_uint_eq(rate_take(&rate, 2 * SECOND, 101).by, 2);
    ck_assert_uint_eq(rate_take(&rate, 60 * SECOND, 1000).ns, 0);
    ck_assert_uint_eq(rate_take(&rate, 61 * SECOND, 1001).by, 1);
}
END_TEST

START_TEST(rise_of_64_bits)
{
    rate_take(&rate, 0, 1);
    ck_assert_uint_eq(rate_take(&rate, SECOND, UINT64_MAX).by, UINT64_MAX - 1);
}
END_TEST

Suite *rate_suite(void)
{
    Suite *suite = suite_create("rate");
    TCase *tests = tcase_create("rate");
    tcase_add_checked_fixture(tests, start, NULL);
    tcase_add_test(tests, first_value_tells_nothing);
    tcase_add_test(tests, what_is_older_than_the_window_no_longer_counts);
    tcase_add_test(tests, window_holds_however_often_it_is_looked_at);
    tcase_add_test(tests, counter_that_falls_or_was_away_starts_anew);
    tcase_add_test(tests, rise_of_64_bits);
    suite_add_tcase(suite, tests);
    return suite;
}
