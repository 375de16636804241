/* SPDX-License-Identifier: MIT */
#include "fixture.h"
#include "suites.h"

#include <engram/bucket.h>
#include <math.h>

/* The bucket by its definition, in long double. */
static int index_by_definition(double value)
{
    int index = (int)ceill(log2l((long double)value) * 8);
    while (exp2l((long double)(index - 1) / 8) >= (long double)value)
        index--;
    while (exp2l((long double)index / 8) < (long double)value)
        index++;
    return index;
}

START_TEST(index_is_exact_at_every_boundary)
{
    for (int index = -1021 * 8; index < 1024 * 8; index++) {
        double bound = (double)exp2l((long double)index / 8);
        const double near[3] = {nextafter(bound, 0), bound, nextafter(bound, INFINITY)};
        for (int i = 0; i < 3; i++)
            if (isfinite(near[i]))
                ck_assert_msg(engram_exponential_index(near[i]) == index_by_definition(near[i]),
                              "%a: %d, not %d", near[i], engram_exponential_index(near[i]),
                              index_by_definition(near[i]));
    }
}
END_TEST

START_TEST(index_is_exact_for_random_values)
{
    uint64_t state = 88172645463325252u;
    for (int i = 0; i < 1000000; i++) {
        double value;
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        uint64_t bits = state & ~(UINT64_C(1) << 63);
        memcpy(&value, &bits, sizeof value);
        if (isnormal(value))
            ck_assert_msg(engram_exponential_index(value) == index_by_definition(value), "%a",
                          value);
    }
}
END_TEST

START_TEST(cells_take_everything)
{
    const uint32_t cells = 11; /* <= 1, 8 buckets up to 2, above, NaN */
    ck_assert_uint_eq(engram_exponential_cell(-1, 0, cells), 0);
    ck_assert_uint_eq(engram_exponential_cell(0, 0, cells), 0);
    ck_assert_uint_eq(engram_exponential_cell(5e-324, 0, cells), 0);
    ck_assert_uint_eq(engram_exponential_cell(1, 0, cells), 0);
    ck_assert_uint_eq(engram_exponential_cell(nextafter(1, 2), 0, cells), 1);
    ck_assert_uint_eq(engram_exponential_cell(2, 0, cells), 8);
    ck_assert_uint_eq(engram_exponential_cell(nextafter(2, 3), 0, cells), 9);
    ck_assert_uint_eq(engram_exponential_cell(1.7976931348623157e308, 0, cells), 9);
    ck_assert_uint_eq(engram_exponential_cell(INFINITY, 0, cells), 9);
    ck_assert_uint_eq(engram_exponential_cell(-INFINITY, 0, cells), 0);
    ck_assert_uint_eq(engram_exponential_cell(NAN, 0, cells), 10);
}
END_TEST

/* The widest histogram that can be asked for: what is no number must not be in its buckets. */
START_TEST(cells_take_everything_at_the_end_of_the_range)
{
    const int first = ENGRAM_LAST_INDEX - 8;
    const uint32_t cells = 8 + 3;
    ck_assert_uint_eq(engram_exponential_cell(INFINITY, first, cells), cells - 2);
    ck_assert_uint_eq(engram_exponential_cell(1.7976931348623157e308, first, cells), cells - 2);
    ck_assert_uint_eq(engram_exponential_cell(NAN, first, cells), cells - 1);
    ck_assert_uint_eq(engram_exponential_cell(-NAN, first, cells), cells - 1);
    ck_assert_uint_eq(engram_exponential_cell(0x1p1023, first, cells), 1);
    ck_assert_uint_eq(engram_exponential_cell(-1, first, cells), 0);
    ck_assert_uint_eq(engram_exponential_cell(0, first, cells), 0);
    ck_assert_uint_eq(engram_exponential_cell(0x1p-1022, ENGRAM_SUBNORMAL_INDEX, cells), 0);
    ck_assert_uint_eq(engram_exponential_cell(5e-324, ENGRAM_SUBNORMAL_INDEX, cells), 0);
    ck_assert_uint_eq(engram_exponential_cell(0x1.1p-1022, ENGRAM_SUBNORMAL_INDEX, cells), 1);
}
END_TEST

START_TEST(widest_histogram_ends_before_infinity)
{
    struct engram_spec spec = {.name = engram_string("h"), .least = 0x1p1000, .most = 1.7e308};
    fixture_start();
    fixture_process("widest");
    engram_histogram histogram = engram_histogram_register(&spec);
    ck_assert_int_eq(histogram.first + (int)histogram.cells - 3, ENGRAM_LAST_INDEX);
    spec.name = engram_string("small");
    spec.least = 5e-324;
    spec.most = 0x1p-1000;
    ck_assert_int_eq(engram_histogram_register(&spec).first, ENGRAM_SUBNORMAL_INDEX);
    fixture_stop();
}
END_TEST

START_TEST(many_explicit_bounds_are_counted)
{
    double bounds[9];
    for (uint32_t count = 1; count <= 9; count++) {
        bounds[count - 1] = count;
        for (uint32_t i = 0; i <= count; i++)
            ck_assert_uint_eq(engram_explicit_cell(i + 0.5, bounds, count), i);
    }
}
END_TEST

START_TEST(explicit_bounds_are_inclusive)
{
    const double bounds[3] = {-1, 0, 0.5};
    ck_assert_uint_eq(engram_explicit_cell(-2, bounds, 3), 0);
    ck_assert_uint_eq(engram_explicit_cell(-1, bounds, 3), 0);
    ck_assert_uint_eq(engram_explicit_cell(-0.5, bounds, 3), 1);
    ck_assert_uint_eq(engram_explicit_cell(0, bounds, 3), 1);
    ck_assert_uint_eq(engram_explicit_cell(0.5, bounds, 3), 2);
    ck_assert_uint_eq(engram_explicit_cell(INFINITY, bounds, 3), 3);
    ck_assert_uint_eq(engram_explicit_cell(NAN, bounds, 3), 4);
}
END_TEST

Suite *bucket_suite(void)
{
    Suite *suite = suite_create("bucket");
    TCase *tests = tcase_create("cells");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, index_is_exact_at_every_boundary);
    tcase_add_test(tests, index_is_exact_for_random_values);
    tcase_add_test(tests, cells_take_everything);
    tcase_add_test(tests, cells_take_everything_at_the_end_of_the_range);
    tcase_add_test(tests, widest_histogram_ends_before_infinity);
    tcase_add_test(tests, many_explicit_bounds_are_counted);
    tcase_add_test(tests, explicit_bounds_are_inclusive);
    suite_add_tcase(suite, tests);
    return suite;
}
