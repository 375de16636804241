/* SPDX-License-Identifier: MIT */
/* What spans are timed by: the CPU's counter as long as it keeps to the clock. */
#define _GNU_SOURCE
#include "fixture.h"
#include "suites.h"

#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#if defined(__x86_64__) || defined(__aarch64__)

static struct engram_ticks *ticks;
static engram_histogram histogram;

static void sleep_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

/* A process whose counter is one to go by, whatever this machine's clock source is. */
static void start(void)
{
    fixture_start();
    fixture_process("ticks");
    histogram = engram_histogram_new("h_seconds", "", NULL);
    ticks = &engram_process_state.ticks;
    struct engram_moment now = engram_moment_now();
    engram_ticks_keep(&now, 0);
    ticks->time = now.time;
}

static void start_measured(void)
{
    start();
    do {
        sleep_ms(11);
        engram_span_begin();
    } while (!engram_ticks_known());
}

static bool counts_ticks(engram_span span)
{
    return span.start & ENGRAM_TICKS_MARK;
}

static uint64_t recorded(void)
{
    struct engram_region *region = engram_region_of(histogram.at);
    uint64_t count = 0;
    for (uint32_t i = 0; i < histogram.cells; i++) {
        uint32_t slot = fixture_slot(histogram.at) + i * (uint32_t)sizeof(struct engram_cell);
        count += *engram_node_slot(region, 0, slot);
    }
    return count;
}

/* As if the last look had been `seconds` earlier, by the counter and by the clock. */
static void look_was_earlier(uint64_t seconds)
{
    ticks->ticks -= seconds * ticks->second;
    ticks->time -= seconds * UINT64_C(1000000000);
}

START_TEST(only_counters_that_the_kernel_goes_by_are_trusted)
{
    ck_assert(engram_ticks_trusted("tsc\n"));
    ck_assert(engram_ticks_trusted("kvm-clock\n"));
    ck_assert(engram_ticks_trusted("arch_sys_counter\n"));
    ck_assert(!engram_ticks_trusted("hpet\n"));
    ck_assert(!engram_ticks_trusted("tsc-early\n"));
    ck_assert(!engram_ticks_trusted(""));
}
END_TEST

START_TEST(spans_go_by_the_clock_until_the_tick_is_known)
{
    ck_assert(!counts_ticks(engram_span_begin()));
    ticks->time = 0; /* no counter to go by */
    sleep_ms(11);
    ck_assert(!counts_ticks(engram_span_begin()));
    ck_assert(!counts_ticks(engram_span_begin()));
}
END_TEST

START_TEST(span_is_as_long_as_by_the_clock)
{
    uint64_t outer = engram_clock(ENGRAM_CLOCK_MONOTONIC);
    engram_span span = engram_span_begin();
    uint64_t inner = engram_clock(ENGRAM_CLOCK_MONOTONIC);
    ck_assert(counts_ticks(span));
    sleep_ms(50);
    inner = engram_clock(ENGRAM_CLOCK_MONOTONIC) - inner;
    double length = (double)engram_span_end(span, histogram);
    outer = engram_clock(ENGRAM_CLOCK_MONOTONIC) - outer;
    ck_assert_double_le(length, (double)outer * 1.001);
    ck_assert_double_ge(length, (double)inner * 0.999);
}
END_TEST

START_TEST(span_over_the_first_measurement_is_as_long_as_by_the_clock)
{
    uint64_t outer = engram_clock(ENGRAM_CLOCK_MONOTONIC);
    engram_span span = engram_span_begin();
    while (!engram_ticks_known()) {
        sleep_ms(11);
        engram_span_begin();
    }
    double length = (double)engram_span_end(span, histogram);
    ck_assert_double_le(length, (double)(engram_clock(ENGRAM_CLOCK_MONOTONIC) - outer));
    ck_assert_double_ge(length, 11e6);
}
END_TEST

START_TEST(tick_is_measured_again_after_a_second)
{
    look_was_earlier(2);
    uint64_t before = ticks->ticks;
    engram_span_end(engram_span_begin(), histogram);
    ck_assert_uint_gt(ticks->ticks, before);
    ck_assert(counts_ticks(engram_span_begin()));
    before = ticks->ticks;
    engram_span_end(engram_span_begin(), histogram);
    ck_assert_uint_eq(ticks->ticks, before);
}
END_TEST

static void expect_clock_for_good(engram_span under_way)
{
    engram_set_limit(engram_region_of(histogram.at),
                     0); /* into the node's copy, where recorded() looks */
    ck_assert_uint_eq(engram_span_end(under_way, histogram), 0);
    ck_assert_uint_eq(recorded(), 0);
    sleep_ms(11);
    for (int i = 0; i < 2; i++) {
        engram_span span = engram_span_begin();
        ck_assert(!counts_ticks(span));
        engram_span_end(span, histogram);
    }
    ck_assert_uint_eq(recorded(), 2);
}

START_TEST(counter_that_strays_is_not_looked_at_again)
{
    engram_span under_way = engram_span_begin();
    look_was_earlier(2);
    uint64_t half_a_percent = 10 * UINT64_C(1000000);
    ticks->time = _i ? ticks->time - half_a_percent : ticks->time + half_a_percent;
    expect_clock_for_good(under_way);
}
END_TEST

START_TEST(counter_that_went_back_is_not_looked_at_again)
{
    engram_span under_way = engram_span_begin();
    ticks->ticks += 100 * ticks->second; /* it stood there once, and now it does not */
    expect_clock_for_good(under_way);
}
END_TEST

START_TEST(child_of_a_fork_in_the_middle_goes_by_the_clock)
{
    engram_span under_way = engram_span_begin();
    look_was_earlier(2);
    ticks->time = (uint64_t)getppid();
    expect_clock_for_good(under_way);
}
END_TEST

START_TEST(only_one_measures)
{
    look_was_earlier(2);
    uint64_t before = ticks->ticks;
    ticks->time = (uint64_t)getpid(); /* another thread of this process does */
    ck_assert(engram_ticks_measure());
    ck_assert_uint_eq(ticks->ticks, before);
}
END_TEST

/* Threads that found it due at the same time come one right after the other. */
START_TEST(measuring_again_at_once_tells_nothing)
{
    for (int i = 0; i < 10000; i++)
        ck_assert(engram_ticks_measure());
    ck_assert(engram_ticks_known());
}
END_TEST

START_TEST(moments_that_lie_too_far_apart_measure_nothing)
{
    look_was_earlier(2);
    uint64_t before = ticks->ticks, time = ticks->time;
    ticks->apart = ticks->second; /* the thread was not running in between */
    ck_assert(engram_ticks_measure());
    ck_assert_uint_eq(ticks->ticks, before);
    ck_assert_uint_eq(ticks->time, time);
}
END_TEST

Suite *ticks_suite(void)
{
    Suite *suite = suite_create("ticks");
    TCase *unmeasured = tcase_create("unmeasured"), *measured = tcase_create("measured");
    tcase_add_checked_fixture(unmeasured, start, fixture_stop);
    tcase_add_test(unmeasured, only_counters_that_the_kernel_goes_by_are_trusted);
    tcase_add_test(unmeasured, spans_go_by_the_clock_until_the_tick_is_known);
    tcase_add_test(unmeasured, span_over_the_first_measurement_is_as_long_as_by_the_clock);
    tcase_add_checked_fixture(measured, start_measured, fixture_stop);
    tcase_add_test(measured, span_is_as_long_as_by_the_clock);
    tcase_add_test(measured, tick_is_measured_again_after_a_second);
    tcase_add_loop_test(measured, counter_that_strays_is_not_looked_at_again, 0, 2);
    tcase_add_test(measured, counter_that_went_back_is_not_looked_at_again);
    tcase_add_test(measured, child_of_a_fork_in_the_middle_goes_by_the_clock);
    tcase_add_test(measured, only_one_measures);
    tcase_add_test(measured, measuring_again_at_once_tells_nothing);
    tcase_add_test(measured, moments_that_lie_too_far_apart_measure_nothing);
    suite_add_tcase(suite, unmeasured);
    suite_add_tcase(suite, measured);
    return suite;
}

#else /* no counter: spans go by the clock */

Suite *ticks_suite(void)
{
    return suite_create("ticks");
}

#endif
