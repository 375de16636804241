/* SPDX-License-Identifier: MIT */
/* What foreign texts may do to a terminal: nothing but to be read. */
#define _GNU_SOURCE
#include "suites.h"

#include "tools/engramctl/terminal.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *text, *shown;
} texts[] = {
    {"", ""},
    {"plain text", "plain text"},
    {"Erinnerung \xc3\xa4 \xe2\x82\xac \xf0\x9f\xa7\xa0",
     "Erinnerung \xc3\xa4 \xe2\x82\xac \xf0\x9f\xa7\xa0"},
    {"\x1b[2J\x1b]0;title\x07", "\\u001b[2J\\u001b]0;title\\u0007"},
    {"one\ntwo\rthree\tfour", "one\\u000atwo\\u000dthree\\u0009four"},
    {"\x7f", "\\u007f"},
    {"\xc2\x9b"
     "31m",
     "\\u009b31m"},
    {"\xe2\x80\xae"
     "txt.exe",
     "\\u202etxt.exe"},
    {"\xe2\x81\xa6\xe2\x80\x8f\xd8\x9c\xe2\x80\xa8", "\\u2066\\u200f\\u061c\\u2028"},
    {"\x9b"
     "31m \xff\xc3",
     "\\x9b31m \\xff\\xc3"},
    {"\xe2\x80", "\\xe2\\x80"},
};

START_TEST(only_text_is_shown)
{
    ck_assert_str_eq(visible(texts[_i].text), texts[_i].shown);
}
END_TEST

/* However the bytes come: what is not whole waits, and the rest is the same. */
START_TEST(sequences_may_be_cut)
{
    static const char text[] = "a\xe2\x80\xae\xc2\x9b\n\xf0\x9f\xa7\xa0";
    char *shown, kept[sizeof text] = "";
    size_t size, left = 0;
    FILE *to = open_memstream(&shown, &size);
    for (size_t i = 0; i < sizeof text - 1; i++) {
        kept[left++] = text[i];
        size_t done = write_visible(to, kept, left, "\n");
        left -= done;
        memmove(kept, kept + done, left);
    }
    fclose(to);
    ck_assert_uint_eq(left, 0);
    ck_assert_str_eq(shown, "a\\u202e\\u009b\n\xf0\x9f\xa7\xa0");
    free(shown);
}
END_TEST

Suite *terminal_suite(void)
{
    Suite *suite = suite_create("terminal");
    TCase *tests = tcase_create("visible");
    tcase_add_loop_test(tests, only_text_is_shown, 0, sizeof texts / sizeof texts[0]);
    tcase_add_test(tests, sequences_may_be_cut);
    suite_add_tcase(suite, tests);
    return suite;
}
