/* SPDX-License-Identifier: MIT */
/* What is estimated from buckets, against the very values that were counted. */
#include "daemon/history/quantile.h"
#include "suites.h"

#include <engram/bucket.h>
#include <math.h>
#include <stdlib.h>

#define VALUES 5000
#define CELLS_MOST 400

static double bounds[] = {-1, -0.25, 0, 0.5, 2, 10};
static double positive_bounds[] = {.001, .005, .01, .05, .1, .5, 1, 5};

static const struct histogram_shape shapes[] = {
    {.cells = 300, .first = -200, .per_octave = 8},
    {.cells = 8, .bounds = bounds},
    {.cells = 10, .bounds = positive_bounds},
    {.cells = 20, .first = -12, .per_octave = 1},
    {.cells = CELLS_MOST, .first = -350, .per_octave = 32},
};
#define SHAPES (sizeof shapes / sizeof shapes[0])

static double values[VALUES];
static uint64_t cells[CELLS_MOST];

static uint32_t cell_of(const struct histogram_shape *shape, double value)
{
    return shape->bounds
               ? engram_explicit_cell(value, shape->bounds, shape->cells - 2)
               : engram_exponential_cell(value, shape->first, shape->cells, shape->per_octave);
}

static int value_compare(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* Values over several orders of magnitude, some of them negative where bounds are. */
static void draw(const struct histogram_shape *shape, uint32_t count)
{
    memset(cells, 0, sizeof cells);
    for (uint32_t i = 0; i < count; i++) {
        values[i] = exp(10 * drand48() - 8);
        if (shape->bounds == bounds && drand48() < 0.3)
            values[i] = -values[i];
        cells[cell_of(shape, values[i])]++;
    }
    qsort(values, count, sizeof values[0], value_compare);
}

/* The exact quantile lies in the bucket that the estimate is of. */
static void check_quantile(const struct histogram_shape *shape, uint32_t count, double q)
{
    uint32_t rank = (uint32_t)ceil(q * count);
    double exact = values[rank ? rank - 1 : 0], estimate = cells_quantile(shape, cells, q);
    uint32_t cell = cell_of(shape, exact);
    ck_assert_msg(estimate >= bucket_lower(shape, cell) && estimate <= bucket_upper(shape, cell),
                  "q=%g of %u: %g is estimated for %g", q, count, estimate, exact);
}

START_TEST(quantiles_are_right_but_for_their_bucket)
{
    static const double qs[] = {0, 0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 1};
    const struct histogram_shape *shape = &shapes[_i];
    srand48(_i + 1);
    for (uint32_t count = 1; count <= VALUES; count = count * 3 / 2 + 1) {
        draw(shape, count);
        ck_assert_uint_eq(cells_count(shape, cells), count);
        for (size_t i = 0; i < sizeof qs / sizeof qs[0]; i++)
            check_quantile(shape, count, qs[i]);
        ck_assert(cells_least(shape, cells) <= values[0]);
        ck_assert(cells_most(shape, cells) >= values[count - 1]);
        ck_assert(bucket_upper(shape, cell_of(shape, values[0])) >= values[0]);
    }
}
END_TEST

START_TEST(bounds_are_no_wider_than_the_bucket)
{
    const struct histogram_shape *shape = &shapes[0];
    draw(shape, 100);
    ck_assert(cells_least(shape, cells) * exp2(1.0 / 8) * 1.0001 > values[0]);
    ck_assert(cells_most(shape, cells) < values[99] * exp2(1.0 / 8) * 1.0001);
}
END_TEST

START_TEST(nothing_counted)
{
    const struct histogram_shape *shape = &shapes[_i];
    memset(cells, 0, sizeof cells);
    cells[shape->cells - 1] = 3; /* NaN is no value */
    ck_assert_uint_eq(cells_count(shape, cells), 0);
    ck_assert(isnan(cells_quantile(shape, cells, 0.5)));
    ck_assert(isnan(cells_least(shape, cells)));
    ck_assert(isnan(cells_most(shape, cells)));
}
END_TEST

/* Buckets without an end give the end that they have. */
START_TEST(buckets_without_an_end)
{
    const struct histogram_shape *shape = &shapes[1];
    memset(cells, 0, sizeof cells);
    cells[0] = 1;
    ck_assert(cells_quantile(shape, cells, 0.5) == -1);
    ck_assert(isinf(cells_least(shape, cells)));
    cells[0] = 0;
    cells[6] = 1;
    ck_assert(cells_quantile(shape, cells, 0.5) == 10);
    ck_assert(isinf(cells_most(shape, cells)));
    ck_assert(bucket_lower(&shapes[0], 0) == 0);
    ck_assert(bucket_lower(&shapes[2], 0) == 0);
}
END_TEST

/* As histogram_quantile() of Prometheus has it: in proportion to the rank. */
START_TEST(values_are_spread_over_their_bucket)
{
    const struct histogram_shape *shape = &shapes[1];
    memset(cells, 0, sizeof cells);
    cells[4] = 4; /* of 0.5 to 2 */
    ck_assert_double_eq(cells_quantile(shape, cells, 0), 0.5);
    ck_assert_double_eq(cells_quantile(shape, cells, 0.25), 0.875);
    ck_assert_double_eq(cells_quantile(shape, cells, 1), 2);
    cells[5] = 4; /* of 2 to 10 */
    ck_assert_double_eq(cells_quantile(shape, cells, 0.75), 6);
}
END_TEST

Suite *quantile_suite(void)
{
    Suite *suite = suite_create("quantile");
    TCase *tests = tcase_create("quantile");
    tcase_add_loop_test(tests, quantiles_are_right_but_for_their_bucket, 0, SHAPES);
    tcase_add_test(tests, bounds_are_no_wider_than_the_bucket);
    tcase_add_test(tests, values_are_spread_over_their_bucket);
    tcase_add_loop_test(tests, nothing_counted, 0, SHAPES);
    tcase_add_test(tests, buckets_without_an_end);
    suite_add_tcase(suite, tests);
    return suite;
}
