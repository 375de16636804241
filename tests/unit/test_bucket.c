/* SPDX-License-Identifier: MIT */
#include "fixture.h"
#include "suites.h"

#include <engram/bucket.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define SCHEMAS 6 /* 1, 2, 4 ... 32 buckets an octave */
#define LIMBS 28  /* of 64 bits: more than 53 bits to the power of 32 */

__extension__ typedef unsigned __int128 wide;

/* A whole number, the least significant limb first. */
struct whole {
    uint64_t limb[LIMBS];
    int limbs; /* the last one is not 0 */
};

static void square(struct whole *number)
{
    struct whole result = {{0}, 2 * number->limbs};
    for (int i = 0; i < number->limbs; i++) {
        uint64_t carry = 0;
        for (int j = 0; j < number->limbs; j++) {
            wide sum = (wide)number->limb[i] * number->limb[j] + result.limb[i + j] + carry;
            result.limb[i + j] = (uint64_t)sum;
            carry = (uint64_t)(sum >> 64);
        }
        result.limb[i + number->limbs] = carry;
    }
    while (result.limb[result.limbs - 1] == 0)
        result.limbs--;
    *number = result;
}

/* ceil(log2(number)) */
static int logarithm(const struct whole *number)
{
    uint64_t last = number->limb[number->limbs - 1];
    int exact = (last & (last - 1)) == 0;
    for (int i = 0; i + 1 < number->limbs; i++)
        exact &= number->limb[i] == 0;
    return 64 * number->limbs - __builtin_clzll(last) - exact;
}

/*
 * The buckets of a value by their definition, in whole numbers: 2^((i-1)/n) < value <= 2^(i/n)
 * says that i is the logarithm of value^n, rounded up; and with value = m * 2^e, m whole, that is
 * the one of m^n, plus n * e.
 */
static void indexes_by_definition(double value, int index[SCHEMAS])
{
    int exponent;
    double mantissa = frexp(value, &exponent);
    struct whole power = {{(uint64_t)ldexp(mantissa, DBL_MANT_DIG)}, 1};
    for (int schema = 0; schema < SCHEMAS; schema++) {
        if (schema)
            square(&power);
        index[schema] = logarithm(&power) + (exponent - DBL_MANT_DIG) * (1 << schema);
    }
}

static void check_index(double value)
{
    int index[SCHEMAS];
    indexes_by_definition(value, index);
    for (int schema = 0; schema < SCHEMAS; schema++)
        if (engram_exponential_index(value, 1 << schema) != index[schema])
            ck_abort_msg("%a in schema %d: %d, not %d", value, schema,
                         engram_exponential_index(value, 1 << schema), index[schema]);
}

/* Each bound of the finest buckets, which has those of all others among it, and what is beside. */
START_TEST(index_is_exact_at_every_boundary)
{
    for (int index = -1022 * 32 + 1; index <= 1024 * 32; index++) {
        double bound = (double)exp2l((long double)index / 32);
        double near = nextafter(nextafter(fmin(bound, DBL_MAX), 0), 0);
        for (int i = 0; i < 5 && near <= DBL_MAX; i++, near = nextafter(near, INFINITY))
            check_index(near);
    }
    check_index(DBL_MIN);
}
END_TEST

/* BUCKET_VALUES of them, or a million. */
START_TEST(index_is_exact_for_random_values)
{
    const char *wanted = getenv("BUCKET_VALUES");
    uint64_t state = 88172645463325252u;
    for (long i = 0, count = wanted ? atol(wanted) : 1000000; i < count;) {
        double value;
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        uint64_t bits = state & ~(UINT64_C(1) << 63);
        memcpy(&value, &bits, sizeof value);
        if (!isnormal(value))
            continue;
        check_index(value);
        if (++i % 10000000 == 0)
            fprintf(stderr, "%ld of %ld values are in their bucket of each schema\n", i, count);
    }
}
END_TEST

/* A second definition, of the table: there is none in which both are wrong. */
START_TEST(tables_are_powers_of_two_rounded_down)
{
    for (int k = 1; k < 32; k++)
        ck_assert_uint_eq(engram_thirtyseconds[k - 1] + (UINT64_C(1) << 52),
                          (uint64_t)floorl(ldexpl(exp2l((long double)k / 32), 52)));
    for (int k = 1; k < 8; k++)
        ck_assert_uint_eq(engram_eighths[k - 1], engram_thirtyseconds[4 * k - 1]);
}
END_TEST

START_TEST(bound_is_the_last_of_its_bucket)
{
    for (int schema = 0; schema < SCHEMAS; schema++) {
        int n = 1 << schema;
        for (int index = -1022 * n; index < 1024 * n; index++) {
            double bound = engram_exponential_bound(index, n);
            ck_assert_int_eq(engram_exponential_index(bound, n), index);
            ck_assert_int_eq(engram_exponential_index(nextafter(bound, INFINITY), n), index + 1);
        }
        for (int index = 1024 * n; index < 1026 * n; index++)
            ck_assert_double_eq(engram_exponential_bound(index, n), INFINITY);
        ck_assert_double_eq(engram_exponential_bound(-1074 * n, n), 0x1p-1074);
        ck_assert_double_eq(engram_exponential_bound(-1074 * n - 1, n), 0);
        ck_assert_double_eq(engram_exponential_bound(-1060 * n, n), 0x1p-1060);
    }
}
END_TEST

/* What is in no bucket, in the widest histogram that there is, and what is in the first and last.
 */
START_TEST(every_schema_takes_everything)
{
    const int n = 1 << _i, first = ENGRAM_FIRST_INDEX(n);
    const uint32_t cells = (uint32_t)(ENGRAM_LAST_INDEX(n) - first) + 3;
    static const double least[] = {-INFINITY, -DBL_MAX, -1, -0.0, 0, 0x1p-1074, 0x1.8p-1030};
    for (size_t i = 0; i < sizeof least / sizeof least[0]; i++)
        ck_assert_uint_eq(engram_exponential_cell(least[i], first, cells, n), 0);
    ck_assert_uint_eq(engram_exponential_cell(nextafter(DBL_MIN, 0), first, cells, n), 0);
    ck_assert_uint_eq(engram_exponential_cell(DBL_MIN, first, cells, n), 0);
    ck_assert_uint_eq(engram_exponential_cell(nextafter(DBL_MIN, 1), first, cells, n), 1);
    double last = engram_exponential_bound(ENGRAM_LAST_INDEX(n), n);
    ck_assert_uint_eq(engram_exponential_cell(last, first, cells, n), cells - 3);
    ck_assert_uint_eq(engram_exponential_cell(nextafter(last, INFINITY), first, cells, n),
                      cells - 2);
    ck_assert_uint_eq(engram_exponential_cell(DBL_MAX, first, cells, n), cells - 2);
    ck_assert_uint_eq(engram_exponential_cell(INFINITY, first, cells, n), cells - 2);
    ck_assert_uint_eq(engram_exponential_cell(NAN, first, cells, n), cells - 1);
    ck_assert_uint_eq(engram_exponential_cell(-NAN, first, cells, n), cells - 1);
}
END_TEST

START_TEST(cells_take_everything)
{
    const uint32_t cells = 11; /* <= 1, 8 buckets up to 2, above, NaN */
    ck_assert_uint_eq(engram_exponential_cell(-1, 0, cells, 8), 0);
    ck_assert_uint_eq(engram_exponential_cell(0, 0, cells, 8), 0);
    ck_assert_uint_eq(engram_exponential_cell(5e-324, 0, cells, 8), 0);
    ck_assert_uint_eq(engram_exponential_cell(1, 0, cells, 8), 0);
    ck_assert_uint_eq(engram_exponential_cell(nextafter(1, 2), 0, cells, 8), 1);
    ck_assert_uint_eq(engram_exponential_cell(2, 0, cells, 8), 8);
    ck_assert_uint_eq(engram_exponential_cell(nextafter(2, 3), 0, cells, 8), 9);
    ck_assert_uint_eq(engram_exponential_cell(1.7976931348623157e308, 0, cells, 8), 9);
    ck_assert_uint_eq(engram_exponential_cell(INFINITY, 0, cells, 8), 9);
    ck_assert_uint_eq(engram_exponential_cell(-INFINITY, 0, cells, 8), 0);
    ck_assert_uint_eq(engram_exponential_cell(NAN, 0, cells, 8), 10);
}
END_TEST

/* The widest histogram that can be asked for: what is no number must not be in its buckets. */
START_TEST(cells_take_everything_at_the_end_of_the_range)
{
    const int first = ENGRAM_LAST_INDEX(8) - 8;
    const uint32_t cells = 8 + 3;
    ck_assert_uint_eq(engram_exponential_cell(INFINITY, first, cells, 8), cells - 2);
    ck_assert_uint_eq(engram_exponential_cell(1.7976931348623157e308, first, cells, 8), cells - 2);
    ck_assert_uint_eq(engram_exponential_cell(NAN, first, cells, 8), cells - 1);
    ck_assert_uint_eq(engram_exponential_cell(-NAN, first, cells, 8), cells - 1);
    ck_assert_uint_eq(engram_exponential_cell(0x1p1023, first, cells, 8), 1);
    ck_assert_uint_eq(engram_exponential_cell(-1, first, cells, 8), 0);
    ck_assert_uint_eq(engram_exponential_cell(0, first, cells, 8), 0);
    ck_assert_uint_eq(engram_exponential_cell(0x1p-1022, ENGRAM_FIRST_INDEX(8), cells, 8), 0);
    ck_assert_uint_eq(engram_exponential_cell(5e-324, ENGRAM_FIRST_INDEX(8), cells, 8), 0);
    ck_assert_uint_eq(engram_exponential_cell(0x1.1p-1022, ENGRAM_FIRST_INDEX(8), cells, 8), 1);
}
END_TEST

START_TEST(widest_histogram_ends_before_infinity)
{
    struct engram_spec spec = {.name = engram_string("h"), .least = 0x1p1000, .most = 1.7e308};
    fixture_start();
    fixture_process("widest");
    engram_histogram histogram = engram_histogram_register(&spec);
    ck_assert_int_eq(histogram.first + (int)histogram.cells - 3, ENGRAM_LAST_INDEX(8));
    spec.name = engram_string("small");
    spec.least = 5e-324;
    spec.most = 0x1p-1000;
    ck_assert_int_eq(engram_histogram_register(&spec).first, ENGRAM_FIRST_INDEX(8));
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
    tcase_add_test(tests, tables_are_powers_of_two_rounded_down);
    tcase_add_test(tests, bound_is_the_last_of_its_bucket);
    tcase_add_loop_test(tests, every_schema_takes_everything, 0, 6);
    tcase_add_test(tests, cells_take_everything);
    tcase_add_test(tests, cells_take_everything_at_the_end_of_the_range);
    tcase_add_test(tests, widest_histogram_ends_before_infinity);
    tcase_add_test(tests, many_explicit_bounds_are_counted);
    tcase_add_test(tests, explicit_bounds_are_inclusive);
    suite_add_tcase(suite, tests);
    return suite;
}
