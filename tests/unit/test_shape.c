/* SPDX-License-Identifier: MIT */
/* Which bounds a histogram shows, judged by what is served in the end. */
#include "fixture.h"
#include "suites.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static struct pipeline pipeline;
static const struct computed_family *const none[] = {NULL};

static void start(void)
{
    fixture_start();
    pipeline_start(&pipeline, ONE_NODE, NULL, NULL);
}

static void stop(void)
{
    pipeline_stop(&pipeline);
    fixture_stop();
}

static const char *collected(const char *prefix)
{
    pipeline_collect(&pipeline, none);
    return shown(pipeline.store, prefix);
}

START_TEST(bounds_are_shown_inclusive)
{
    static const double bounds[] = {-1, 0, 2.5};
    struct engram_spec spec = {.name = {"h", 1}, .bounds = bounds, .bound_count = 3};
    fixture_process("p");
    engram_histogram histogram = engram_histogram_register(&spec);
    engram_histogram_record(histogram, -1);
    engram_histogram_record(histogram, 0.5);
    engram_histogram_record(histogram, 7);
    engram_histogram_record(histogram, NAN); /* in no bucket and in no count */
    ck_assert_str_eq(collected("h_"), "h_bucket{process=\"p\",numa_node=\"0\",le=\"-1.0\"} 1\n"
                                      "h_bucket{process=\"p\",numa_node=\"0\",le=\"0.0\"} 1\n"
                                      "h_bucket{process=\"p\",numa_node=\"0\",le=\"2.5\"} 2\n"
                                      "h_bucket{process=\"p\",numa_node=\"0\",le=\"+Inf\"} 3\n"
                                      "h_sum{process=\"p\",numa_node=\"0\"} 6.5\n"
                                      "h_count{process=\"p\",numa_node=\"0\"} 3\n");
}
END_TEST

/* Bounds that were asked for become those of the buckets that hold them. */
START_TEST(shown_bounds_are_rounded_up)
{
    static const double wanted[] = {0.25, 0.9, 0.91, 1e9};
    struct engram_spec spec = {
        .name = {"h", 1}, .least = 0.125, .most = 1024, .shown = wanted, .shown_count = 4};
    fixture_process("p");
    engram_histogram histogram = engram_histogram_register(&spec);
    engram_histogram_record(histogram, 0.25);
    engram_histogram_record(histogram, 0.91);
    engram_histogram_record(histogram, 0.92);
    ck_assert_str_eq(collected("h_bucket"),
                     "h_bucket{process=\"p\",numa_node=\"0\",le=\"0.25\"} 1\n"
                     "h_bucket{process=\"p\",numa_node=\"0\",le=\"0.9170040432046712\"} 2\n"
                     "h_bucket{process=\"p\",numa_node=\"0\",le=\"+Inf\"} 3\n");
}
END_TEST

/* Nobody asked for bounds: powers of two over the whole range, at most 20 of them; up to
 * `even_to` they are `step` apart. */
static const struct {
    double least, most;
    int lines;
    double first, step, even_to, last;
} ranges[] = {{0, 0, 20, 0x1p-24, 4, 256, 0x1p32},
              {0x1p-20, 16, 13, 0x1p-20, 4, 16, 16},
              {1.0 / 1024, 65536, 14, 0x1p-10, 4, 65536, 65536},
              {1, 4096, 13, 1, 2, 4096, 4096},
              {1, 0x1p40, 13, 1, 4, 256, 0x1p40},
              {0x1p-250, 0x1p250, 19, 0x1p-152, 4, 0x1p-152, 0x1p136},
              {3, 5, 1, 4, 2, 4, 4}};

START_TEST(powers_of_two_are_shown)
{
    int count = 0;
    double last = NAN;
    fixture_process("p");
    struct engram_spec spec = {
        .name = {"h", 1}, .least = ranges[_i].least, .most = ranges[_i].most};
    engram_histogram_register(&spec);
    for (const char *at = collected("h_bucket"); *at; at = strchr(at, '\n') + 1) {
        double bound = strtod(strstr(at, "le=\"") + 4, NULL);
        if (isinf(bound))
            break;
        if (count++ == 0)
            ck_assert_double_eq(bound, ranges[_i].first);
        else if (bound <= ranges[_i].even_to)
            ck_assert_double_eq(bound, last * ranges[_i].step);
        last = bound;
    }
    ck_assert_int_eq(count, ranges[_i].lines);
    ck_assert_double_eq(last, ranges[_i].last);
}
END_TEST

START_TEST(narrow_histogram_shows_its_count)
{
    struct engram_spec spec = {.name = {"h", 1}, .least = 1.1, .most = 1.5};
    fixture_process("p");
    engram_histogram_record(engram_histogram_register(&spec), 1.2);
    ck_assert_str_eq(collected("h_bucket"),
                     "h_bucket{process=\"p\",numa_node=\"0\",le=\"+Inf\"} 1\n");
}
END_TEST

/* Powers of two, whatever there is between them; the bound of one that was asked for is the last
 * double that its bucket takes. */
START_TEST(any_schema_is_shown)
{
    static const double wanted[] = {1.05, 4};
    const int n = 1 << _i;
    struct engram_spec spec = {.name = {"shown", 5},
                               .least = 1,
                               .most = 4,
                               .per_octave = n,
                               .shown = wanted,
                               .shown_count = 2};
    double bound = engram_exponential_bound(engram_exponential_index(1.05, n), n), told;
    fixture_process("p");
    engram_histogram histogram = engram_histogram_register(&spec);
    spec.name = engram_string("h");
    spec.shown_count = 0;
    engram_histogram_register(&spec);
    engram_histogram_record(histogram, bound);
    engram_histogram_record(histogram, nextafter(bound, INFINITY));
    ck_assert_str_eq(collected("h_bucket"),
                     "h_bucket{process=\"p\",numa_node=\"0\",le=\"1.0\"} 0\n"
                     "h_bucket{process=\"p\",numa_node=\"0\",le=\"2.0\"} 0\n"
                     "h_bucket{process=\"p\",numa_node=\"0\",le=\"4.0\"} 0\n"
                     "h_bucket{process=\"p\",numa_node=\"0\",le=\"+Inf\"} 0\n");
    struct plan *plan = pipeline_plan(&pipeline, none);
    ck_assert_int_eq(plan_family(plan, "h")->series[0].shape->per_octave, n);
    plan_release(plan);
    char count[3];
    ck_assert_int_eq(
        sscanf(collected("shown_bucket"), "%*[^,],%*[^l]le=\"%lf\"} %2s", &told, count), 2);
    ck_assert_double_eq(told, bound);
    ck_assert_str_eq(count, "1");
}
END_TEST

Suite *shape_suite(void)
{
    Suite *suite = suite_create("shape");
    TCase *tests = tcase_create("shape");
    tcase_add_checked_fixture(tests, start, stop);
    tcase_add_test(tests, bounds_are_shown_inclusive);
    tcase_add_test(tests, shown_bounds_are_rounded_up);
    tcase_add_loop_test(tests, any_schema_is_shown, 0, 6);
    tcase_add_loop_test(tests, powers_of_two_are_shown, 0, (int)(sizeof ranges / sizeof ranges[0]));
    tcase_add_test(tests, narrow_histogram_shows_its_count);
    suite_add_tcase(suite, tests);
    return suite;
}
