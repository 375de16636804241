/* SPDX-License-Identifier: MIT */
/* A daemon that takes too much looks less often, and says so. */
#include "fixture.h"
#include "suites.h"

#include "daemon/base/clock.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

static struct pace *pace;

static void start(void)
{
    log_capture();
    pace = pace_new(100, 0.1);
    ck_assert_ptr_nonnull(pace);
}

static void stop(void)
{
    pace_free(pace);
    log_release(true);
    fixture_clock(0);
}

/* The tick in ms after the share was seen so often. */
static uint32_t tick_after(double share, int reviews)
{
    for (int i = 0; i < reviews; i++)
        pace_adjust(pace, share);
    return (uint32_t)(pace_tick(pace) / 1000000);
}

START_TEST(too_much_widens_the_tick)
{
    ck_assert_uint_eq(tick_after(0.09, 100), 100);
    ck_assert_uint_eq(tick_after(0.2, 2), 100); /* a moment is no reason */
    ck_assert_uint_eq(tick_after(0.09, 1), 100);
    ck_assert_uint_eq(tick_after(0.2, 2), 100);
    ck_assert_uint_eq(tick_after(0.2, 1), 200);
    ck_assert_uint_eq(tick_after(0.2, 3), 400);
    ck_assert_uint_eq(tick_after(0.2, 1000), 10000); /* and no further */
    int told = 0;
    for (const char *at = log_captured(); (at = strstr(at, "tick_ms=")); at++)
        told++;
    ck_assert_int_eq(told, 7); /* 200, 400, 800, 1600, 3200, 6400, 10000 */
    ck_assert_ptr_nonnull(strstr(log_captured(), "tick_ms=200 share=0.200 budget=0.100"));
}
END_TEST

START_TEST(less_narrows_it_again)
{
    tick_after(0.2, 9);
    ck_assert_uint_eq(tick_after(0.05, 100), 800); /* half of it would be at the budget */
    ck_assert_uint_eq(tick_after(0.03, 3), 400);
    ck_assert_uint_eq(tick_after(0.03, 100), 100);
    ck_assert_ptr_nonnull(strstr(log_captured(), "the tick is narrowed"));
}
END_TEST

static void burn(void)
{
    struct timespec used;
    do
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    while (used.tv_sec == 0 && used.tv_nsec < 200000000);
}

/* Only what is said to be spent on collecting counts; the whole is told all the same. */
START_TEST(share_is_measured)
{
    uint64_t now = UINT64_C(1000000000000);
    pace_free(pace);
    fixture_clock(now);
    pace = pace_new(100, 0.1);
    pace_spent(pace);
    ck_assert(!pace_review(pace));
    burn();
    for (int i = 0; i < 3; i++) {
        fixture_clock(now += 1000000000);
        ck_assert(pace_review(pace));
        ck_assert(!pace_review(pace));
        ck_assert_uint_eq(pace_tick(pace), 100000000);
        if (i == 0)
            ck_assert_double_ge(pace_ratio(pace), 0.15);
    }
    pace_spent(pace); /* all of it in the last review, as it were */
    fixture_clock(now += 1000000000);
    pace_review(pace);
    pace_adjust(pace, 0.2);
    ck_assert_uint_eq(pace_tick(pace), 100000000);
    pace_adjust(pace, 0.2);
    ck_assert_uint_eq(pace_tick(pace), 200000000);
}
END_TEST

Suite *pace_suite(void)
{
    Suite *suite = suite_create("pace");
    TCase *tests = tcase_create("tick");
    tcase_add_checked_fixture(tests, start, stop);
    tcase_add_test(tests, too_much_widens_the_tick);
    tcase_add_test(tests, less_narrows_it_again);
    tcase_add_test(tests, share_is_measured);
    suite_add_tcase(suite, tests);
    return suite;
}
