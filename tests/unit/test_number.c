/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <locale.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/buffer.h"
#include "daemon/base/number.h"

Suite *number_suite(void);

static struct buffer out;

static void start(void)
{
    out = (struct buffer){0};
}

static void stop(void)
{
    buffer_free(&out);
}

static const char *appended(void)
{
    buffer_append_char(&out, '\0');
    ck_assert(!out.failed);
    return out.data;
}

static const char *of_double(double value)
{
    buffer_reset(&out);
    number_append_double(&out, value);
    return appended();
}

START_TEST(test_double_text)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {0.0, "0"},
        {-0.0, "-0"},
        {1.0, "1"},
        {-10.0, "-10"},
        {100.0, "100"},
        {1005.0, "1005"},
        {0.1, "0.1"},
        {0.25, "0.25"},
        {-12.5, "-12.5"},
        {1.0 / 3.0, "0.3333333333333333"},
        {0.1 + 0.2, "0.30000000000000004"},
        {0.0001, "0.0001"},
        {0.00001, "1e-05"},
        {0.000012345, "1.2345e-05"},
        {9007199254740991.0, "9007199254740991"},
        {9007199254740992.0, "9007199254740992"},
        {9007199254740994.0, "9007199254740994"},
        {1e17, "100000000000000000"},
        {123456789012345680000.0, "123456789012345680000"},
        {1e20, "100000000000000000000"},
        {1e21, "1e+21"},
        {1e22, "1e+22"},
        {1e23, "1e+23"},
        {1.5e300, "1.5e+300"},
        {1.7976931348623157e308, "1.7976931348623157e+308"},
        {2.2250738585072014e-308, "2.2250738585072014e-308"},
        {5e-324, "5e-324"},
        {1125899906842624.75, "1125899906842624.8"}, /* ...4.7 is as near */
        {INFINITY, "+Inf"},
        {-INFINITY, "-Inf"},
        {NAN, "NaN"},
        {-NAN, "NaN"},
    };

    ck_assert_str_eq(of_double(cases[_i].value), cases[_i].text);
}
END_TEST

#define DOUBLE_CASES 32

static double from_bits(uint64_t bits)
{
    double value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

/* The fewest digits that read back, as the C library finds them by trying. */
static int fewest_digits(double value)
{
    char text[40];
    int digits = 0;

    do
        snprintf(text, sizeof text, "%.*e", digits++, value);
    while (strtod(text, NULL) != value);
    return digits;
}

static int digits_of(const char *text)
{
    int digits = 0;
    int zeros = 0; /* seen since the last other digit */

    for (; *text && *text != 'e'; text++) {
        if (*text == '0') {
            zeros += digits > 0;
        } else if (*text >= '1' && *text <= '9') {
            digits += zeros + 1;
            zeros = 0;
        }
    }
    return digits;
}

static void check_shortest(uint64_t bits)
{
    double value = from_bits(bits);

    if (!isfinite(value) || value == 0)
        return;
    const char *text = of_double(value);
    ck_assert_msg(strtod(text, NULL) == value, "%a became %s", value, text);
    ck_assert_msg(digits_of(text) <= fewest_digits(value), "%a became %s", value, text);
}

/* Below a power of two the doubles lie twice as dense: the odd case of the algorithm. */
START_TEST(test_double_shortest_at_powers_of_two)
{
    for (uint64_t exponent = 0; exponent < 2047; exponent++) {
        check_shortest(exponent << 52);
        check_shortest((exponent << 52) + 1);
        check_shortest((exponent << 52) - 1);
    }
}
END_TEST

START_TEST(test_double_shortest_at_random)
{
    uint64_t bits = UINT64_C(88172645463325252);

    for (int i = 0; i < 50000; i++) {
        bits ^= bits << 13;
        bits ^= bits >> 7;
        bits ^= bits << 17;
        check_shortest(bits);
    }
}
END_TEST

START_TEST(test_bounds)
{
    static const struct {
        double value;
        const char *text;
    } bounds[] = {{0, "0.0"},
                  {1, "1.0"},
                  {-0.25, "-0.25"},
                  {1e-5, "1e-05"},
                  {0.0001, "0.0001"},
                  {99999.5, "99999.5"},
                  {100000, "100000.0"},
                  {999999.5, "999999.5"},
                  {1e6, "1e+06"},
                  {-1e6, "-1e+06"},
                  {1048576, "1.048576e+06"},
                  {1234567.5, "1.2345675e+06"},
                  {1e21, "1e+21"},
                  {INFINITY, "+Inf"}};

    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
        buffer_reset(&out);
        number_append_bound(&out, bounds[i].value);
        ck_assert_str_eq(appended(), bounds[i].text);
    }
}
END_TEST

START_TEST(test_integers)
{
    number_append_u64(&out, 0);
    buffer_append_char(&out, ' ');
    number_append_u64(&out, 1009);
    buffer_append_char(&out, ' ');
    number_append_u64(&out, UINT64_MAX);
    buffer_append_char(&out, ' ');
    number_append_i64(&out, INT64_MIN);
    buffer_append_char(&out, ' ');
    number_append_i64(&out, -7);
    buffer_append_char(&out, ' ');
    number_append_i64(&out, INT64_MAX);
    ck_assert_str_eq(appended(), "0 1009 18446744073709551615 -9223372036854775808 -7 "
                                 "9223372036854775807");
}
END_TEST

START_TEST(test_digits_at_powers_of_ten)
{
    char expected[32];

    for (uint64_t power = 1;; power *= 10) {
        for (int64_t off = -1; off <= 1; off++) {
            snprintf(expected, sizeof expected, "%llu",
                     (unsigned long long)(power + (uint64_t)off));
            buffer_reset(&out);
            number_append_u64(&out, power + (uint64_t)off);
            ck_assert_str_eq(appended(), expected);
        }
        if (power > UINT64_MAX / 10)
            break;
    }
}
END_TEST

/* Needs a locale that writes 0,5; where none is installed there is nothing to see:
 * tests/integration/locale.sh brings one. */
START_TEST(test_locale_has_no_say)
{
    char text[8];

    if (!setlocale(LC_NUMERIC, "fi_FI.UTF-8"))
        return;
    snprintf(text, sizeof text, "%.1f", 0.5);
    ck_assert_str_eq(text, "0,5");
    ck_assert_str_eq(of_double(1234567.5), "1234567.5");
    ck_assert_str_eq(of_double(1.5e300), "1.5e+300");
    setlocale(LC_NUMERIC, "C");
}
END_TEST

START_TEST(test_buffer_grows)
{
    for (int i = 0; i < 10000; i++)
        buffer_append(&out, "0123456", 7);
    ck_assert_uint_eq(out.length, 70000);
    for (size_t i = 0; i < out.length; i++)
        ck_assert_int_eq(out.data[i], '0' + (char)(i % 7));
}
END_TEST

/* The bytes to repeat are in the memory that growing replaces. */
START_TEST(test_buffer_repeats_itself)
{
    buffer_append_string(&out, "abc");
    while (out.length < 100000)
        buffer_repeat(&out, 0, out.length);
    for (size_t i = 0; i < out.length; i++)
        ck_assert_int_eq(out.data[i], 'a' + (char)(i % 3));
}
END_TEST

START_TEST(test_buffer_fails_softly)
{
    buffer_append_string(&out, "abc");
    ck_assert(!buffer_reserve(&out, SIZE_MAX));
    ck_assert(out.failed);
    buffer_append_string(&out, "def");
    buffer_append_char(&out, 'g');
    buffer_repeat(&out, 0, 3);
    number_append_double(&out, 0.5);
    buffer_truncate(&out, 2);
    ck_assert(out.failed);
    ck_assert_uint_eq(out.length, 0);
    ck_assert_ptr_null(out.data);
    buffer_reset(&out);
    buffer_append_string(&out, "hij");
    ck_assert_str_eq(appended(), "hij");
}
END_TEST

START_TEST(test_buffer_truncates)
{
    buffer_append_string(&out, "abcdef");
    buffer_truncate(&out, 3);
    buffer_append_string(&out, "x");
    ck_assert_str_eq(appended(), "abcx");
}
END_TEST

Suite *number_suite(void)
{
    Suite *suite = suite_create("number");
    TCase *number = tcase_create("number");
    TCase *locale = tcase_create("comma");
    TCase *buffer = tcase_create("buffer");

    tcase_add_checked_fixture(number, start, stop);
    tcase_add_loop_test(number, test_double_text, 0, DOUBLE_CASES);
    tcase_add_test(number, test_double_shortest_at_powers_of_two);
    tcase_add_test(number, test_double_shortest_at_random);
    tcase_add_test(number, test_bounds);
    tcase_add_test(number, test_integers);
    tcase_add_test(number, test_digits_at_powers_of_ten);
    suite_add_tcase(suite, number);

    tcase_add_checked_fixture(locale, start, stop);
    tcase_add_test(locale, test_locale_has_no_say);
    suite_add_tcase(suite, locale);

    tcase_add_checked_fixture(buffer, start, stop);
    tcase_add_test(buffer, test_buffer_grows);
    tcase_add_test(buffer, test_buffer_repeats_itself);
    tcase_add_test(buffer, test_buffer_fails_softly);
    tcase_add_test(buffer, test_buffer_truncates);
    suite_add_tcase(suite, buffer);
    return suite;
}
