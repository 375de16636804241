/* SPDX-License-Identifier: MIT */
/* Answers of /metrics that are made once and sent to many. */
#define _GNU_SOURCE
#include "fixture.h"
#include "suites.h"

#include "daemon/exposition/bodies.h"

#include <string.h>

static const struct computed_family *const none[] = {NULL};
static struct pipeline pipeline;
static struct event_base *base;
static struct bodies *bodies;
static size_t account;

static void start(void)
{
    fixture_start();
    pipeline_start(&pipeline, ONE_NODE, NULL, NULL);
    base = event_base_new();
    bodies = bodies_new(base, pipeline.store, pipeline.self);
    account = 0;
}

static void stop(void)
{
    bodies_free(bodies);
    ck_assert_uint_eq(account, 0);
    event_base_free(base);
    pipeline_stop(&pipeline);
    fixture_stop();
}

static struct frame *got(enum exposition_format format, bool gzip, bool gzipped)
{
    struct frame *frame = bodies_get(bodies, format, &gzip, &account);
    ck_assert(gzip == gzipped);
    return frame;
}

/* Values that change, and enough text to be worth compressing. */
static engram_counter writer(void)
{
    fixture_process("p");
    engram_histogram_new("h_seconds", "Enough text to be worth it.", NULL);
    return engram_counter_new("c_total", "Counted.", NULL);
}

START_TEST(nothing_is_served_before_the_first_snapshot)
{
    ck_assert_ptr_null(got(EXPOSITION_TEXT, false, false));
}
END_TEST

START_TEST(body_is_made_once_for_a_snapshot)
{
    static const enum exposition_format formats[] = {EXPOSITION_TEXT, EXPOSITION_OPENMETRICS,
                                                     EXPOSITION_PROTOBUF};
    engram_counter counter = writer();
    pipeline_collect(&pipeline, none);
    for (int i = 0; i < 3; i++)
        for (int gzip = 0; gzip < 2; gzip++) {
            const struct frame *first = got(formats[i], gzip, gzip);
            ck_assert_ptr_nonnull(first);
            size_t counted = account;
            ck_assert_ptr_eq(got(formats[i], gzip, gzip), first);
            ck_assert_uint_eq(account, counted);
        }
    ck_assert_ptr_ne(got(EXPOSITION_TEXT, false, false), got(EXPOSITION_OPENMETRICS, false, false));
    ck_assert_ptr_ne(got(EXPOSITION_PROTOBUF, true, true), got(EXPOSITION_OPENMETRICS, true, true));
    ck_assert_ptr_ne(got(EXPOSITION_TEXT, false, false), got(EXPOSITION_TEXT, true, true));
    engram_counter_add(counter, 42);
    pipeline_collect(&pipeline, none);
    const struct frame *later = got(EXPOSITION_TEXT, false, false);
    ck_assert_ptr_nonnull(memmem(later->bytes, later->length, "} 42\n", 5));
    ck_assert_uint_eq(account, later->length); /* the others are gone */
}
END_TEST

START_TEST(reader_keeps_what_it_reads)
{
    engram_counter counter = writer();
    pipeline_collect(&pipeline, none);
    struct frame *old = frame_hold(got(EXPOSITION_TEXT, false, false));
    engram_counter_add(counter, 42);
    pipeline_collect(&pipeline, none);
    struct frame *later = got(EXPOSITION_TEXT, false, false);
    ck_assert_ptr_ne(old, later);
    ck_assert_ptr_null(memmem(old->bytes, old->length, "} 42\n", 5));
    ck_assert_uint_eq(account, old->length + later->length);
    frame_release(old);
    ck_assert_uint_eq(account, later->length);
}
END_TEST

START_TEST(small_body_is_not_compressed)
{
    pipeline_collect(&pipeline, none);
    ck_assert_ptr_eq(got(EXPOSITION_TEXT, true, false), got(EXPOSITION_TEXT, false, false));
}
END_TEST

START_TEST(nobody_asks_nothing_is_kept)
{
    writer();
    pipeline_collect(&pipeline, none);
    got(EXPOSITION_TEXT, true, true);
    ck_assert_uint_gt(account, 0);
    event_base_dispatch(base); /* until there is nothing to wait for */
    ck_assert_uint_eq(account, 0);
    got(EXPOSITION_TEXT, true, true);
    ck_assert_uint_gt(account, 0);
}
END_TEST

Suite *bodies_suite(void)
{
    Suite *suite = suite_create("bodies");
    TCase *tests = tcase_create("bodies");
    tcase_add_checked_fixture(tests, start, stop);
    tcase_add_test(tests, nothing_is_served_before_the_first_snapshot);
    tcase_add_test(tests, body_is_made_once_for_a_snapshot);
    tcase_add_test(tests, reader_keeps_what_it_reads);
    tcase_add_test(tests, small_body_is_not_compressed);
    tcase_add_test(tests, nobody_asks_nothing_is_kept);
    suite_add_tcase(suite, tests);
    return suite;
}
