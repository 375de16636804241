/* SPDX-License-Identifier: MIT */
/* What the texts of /proc and /sys say. */
#include "suites.h"

#include "daemon/machine/fields.h"

#include <string.h>

START_TEST(names_with_numbers)
{
    struct field fields[] = {{.name = "numa_hit"},
                             {.name = "MemFree"},
                             {.name = "Active(anon)"},
                             {.name = "numa"},
                             {.name = "last"}};
    const char *text = "numa_hit 1\nnuma_hits 2\nMemFree:       16 kB\n"
                       "Node 3 Active(anon):   5 kB\nlast: 18446744073709551615";
    ck_assert_uint_eq(fields_read(text, fields, 5), 4);
    ck_assert_uint_eq(fields[0].value, 1);
    ck_assert_uint_eq(fields[1].value, 16 * 1024);
    ck_assert_uint_eq(fields[2].value, 5 * 1024);
    ck_assert(!fields[3].found);
    ck_assert_uint_eq(fields[4].value, UINT64_MAX);
    ck_assert_uint_eq(fields_read("", fields, 5), 0);
    ck_assert(!fields[0].found);
    ck_assert_uint_eq(fields[0].value, 0);
}
END_TEST

START_TEST(what_is_no_number_is_not_found)
{
    static const char *const texts[] = {"a",
                                        "a ",
                                        "a:",
                                        "a -1",
                                        "a 1.5",
                                        "a 12x",
                                        "a 1kB",
                                        " b a",
                                        "a=1",
                                        "a kB",
                                        "Node a 1",
                                        "aa 1",
                                        "A 1",
                                        "a:: 1",
                                        "a 18446744073709551616",
                                        "a 18446744073709551615 kB"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct field field = {.name = "a"};
        ck_assert_msg(fields_read(texts[i], &field, 1) == 0, "%s", texts[i]);
        ck_assert_uint_eq(field.value, 0);
    }
}
END_TEST

START_TEST(first_line_of_a_name_counts)
{
    struct field field = {.name = "a"};
    ck_assert_uint_eq(fields_read("\n\na 1\na 2\n", &field, 1), 1);
    ck_assert_uint_eq(field.value, 1);
}
END_TEST

START_TEST(lines_of_numbers)
{
    uint64_t values[4];
    ck_assert_uint_eq(fields_numbers("1 22\t333\n4", values, 4), 3);
    ck_assert_uint_eq(values[2], 333);
    ck_assert_uint_eq(fields_numbers("1 2 3 4 5", values, 4), 4);
    ck_assert_uint_eq(fields_numbers("1 x 3", values, 4), 1);
    ck_assert_uint_eq(fields_numbers("1 2x 3", values, 4), 1);
    ck_assert_uint_eq(fields_numbers("", values, 4), 0);
}
END_TEST

START_TEST(lines)
{
    const char *at = "one\n\ntwo", *line;
    int count = 0;
    while ((line = fields_line(&at)))
        count++;
    ck_assert_int_eq(count, 3);
    ck_assert_str_eq(fields_behind("cpu12 1", "cpu"), "12 1");
    ck_assert_ptr_null(fields_behind("cp", "cpu"));
}
END_TEST

#define SOME "some avg10=0.50 avg60=12.34 avg300=100.00 total=123\n"

START_TEST(pressure_lines)
{
    struct pressure pressure;
    const char *text = SOME "full avg10=0.00 avg60=0.00 avg300=0.01 total=18446744073709551615\n";
    ck_assert(fields_pressure(text, "some", &pressure));
    ck_assert_double_eq(pressure.share_10s, 0.005);
    ck_assert_double_eq(pressure.share_60s, 0.1234);
    ck_assert_double_eq(pressure.share_300s, 1);
    ck_assert_uint_eq(pressure.total_us, 123);
    ck_assert(fields_pressure(text, "full", &pressure));
    ck_assert_double_eq(pressure.share_300s, 0.0001);
    ck_assert_uint_eq(pressure.total_us, UINT64_MAX);
    ck_assert(!fields_pressure(SOME, "full", &pressure));
}
END_TEST

START_TEST(pressure_that_is_none)
{
    static const char *const texts[] = {"",
                                        "some",
                                        "some ",
                                        "some avg10=0.50 avg60=12.34 avg300=100.00\n",
                                        "some avg10=0.5 avg60=0.00 avg300=0.00 total=1\n",
                                        "some avg10=-0.50 avg60=0.00 avg300=0.00 total=1\n",
                                        "some avg10=nan avg60=0.00 avg300=0.00 total=1\n",
                                        "some avg10=101.00 avg60=0.00 avg300=0.00 total=1\n",
                                        "some avg10=0.00 avg60=0.00 avg300=0.00 total=1x\n",
                                        "some avg10=0.00 avg60=0.00 avg300=0.00\ntotal=1\n"};
    struct pressure pressure;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        ck_assert_msg(!fields_pressure(texts[i], "some", &pressure), "%s", texts[i]);
}
END_TEST

Suite *fields_suite(void)
{
    Suite *suite = suite_create("fields");
    TCase *tests = tcase_create("texts");
    tcase_add_test(tests, names_with_numbers);
    tcase_add_test(tests, what_is_no_number_is_not_found);
    tcase_add_test(tests, first_line_of_a_name_counts);
    tcase_add_test(tests, lines_of_numbers);
    tcase_add_test(tests, lines);
    tcase_add_test(tests, pressure_lines);
    tcase_add_test(tests, pressure_that_is_none);
    suite_add_tcase(suite, tests);
    return suite;
}
