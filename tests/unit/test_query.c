/* SPDX-License-Identifier: MIT */
/* Parameters out of a query, decoded, and what is refused. */
#include "suites.h"

#include "daemon/http/query.h"

#include <stdio.h>
#include <string.h>

/* All parameters as "[name=value]", with buffers of 8 bytes, and the error, if any, as "!". */
static const struct {
    const char *query, *read;
} cases[] = {
    {"", ""},
    {"a=1", "[a=1]"},
    {"a=1&b=2", "[a=1][b=2]"},
    {"a=1&a=2&a=1", "[a=1][a=2][a=1]"},
    {"a", "[a=]"},
    {"a=", "[a=]"},
    {"a=&b", "[a=][b=]"},
    {"&&a=1&&b=2&", "[a=1][b=2]"},
    {"a=b=c", "[a=b=c]"},
    {"a=%41%5a%7A", "[a=AZz]"},
    {"%61=1", "[a=1]"},
    {"a=x+y%2Bz", "[a=x y+z]"},
    {"a=%26b%3D1", "[a=&b=1]"},
    {"a=%2541", "[a=%41]"},
    {"a=caf%c3%A9", "[a=caf\xc3\xa9]"},
    {"a=\xc3\xa9", "[a=\xc3\xa9]"},
    {"a;b=1", "[a;b=1]"},
    {"a=1234567", "[a=1234567]"},
    {"a=12345678", "!"},
    {"abcdefg=1", "[abcdefg=1]"},
    {"abcdefgh=1", "!"},
    {"a=%313%31%31%31%31%31", "[a=1311111]"},
    {"a=1&=2", "[a=1]!"},
    {"=", "!"},
    {"a=1&b=%", "[a=1]!"},
    {"a=%4", "!"},
    {"a=%4&b=1", "!"},
    {"a=%&41", "!"},
    {"a=%4g", "!"},
    {"a=%%41", "!"},
    {"a=%-1", "!"},
    {"a=%+1", "!"},
    {"a=%00", "!"},
    {"%00=a", "!"},
    {"a=%ff", "!"},
    {"a=%c3", "!"},
    {"a=%ed%a0%80", "!"},
    {"a=%&b=1", "!"},
};

START_TEST(parameters_are_read_in_order)
{
    struct query query = query_of(cases[_i].query);
    char name[8], value[8], read[64] = "";
    size_t length = 0;
    while (query_next(&query, name, sizeof name, value, sizeof value))
        length += (size_t)snprintf(read + length, sizeof read - length, "[%s=%s]", name, value);
    snprintf(read + length, sizeof read - length, "%s", query.error ? "!" : "");
    ck_assert_msg(strcmp(read, cases[_i].read) == 0, "%s gave %s", cases[_i].query, read);
}
END_TEST

START_TEST(what_is_wrong_is_said_and_ends_it)
{
    struct query query = query_of("a=%zz&b=2");
    char name[8], value[8];
    ck_assert(!query_next(&query, name, sizeof name, value, sizeof value));
    ck_assert_ptr_nonnull(strstr(query.error, "hexadecimal"));
    ck_assert(!query_next(&query, name, sizeof name, value, sizeof value));
    ck_assert_ptr_nonnull(query.error);
}
END_TEST

Suite *query_suite(void)
{
    Suite *suite = suite_create("query");
    TCase *tests = tcase_create("parameters");
    tcase_add_loop_test(tests, parameters_are_read_in_order, 0,
                        (int)(sizeof cases / sizeof cases[0]));
    tcase_add_test(tests, what_is_wrong_is_said_and_ends_it);
    suite_add_tcase(suite, tests);
    return suite;
}
