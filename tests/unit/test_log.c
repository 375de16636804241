/* SPDX-License-Identifier: MIT */
#include "fixture.h"
#include "suites.h"

#include "daemon/base/log.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_MOST 1024

/* What one call logged, from its level on: the time before it is checked and left out. */
#define LOGGED(...) (log_capture(), log_event(__VA_ARGS__), logged())

static const char *logged(void)
{
    static char line[2 * LINE_MOST];
    int day, length = 0;
    snprintf(line, sizeof line, "%s", log_captured());
    log_release(false);
    ck_assert_int_eq(sscanf(line, "ts=%*4d-%*2d-%dT%*2d:%*2d:%*2d.%*3dZ level=%n", &day, &length),
                     1);
    ck_assert_int_gt(length, 0);
    return strstr(line, "level=");
}

START_TEST(levels_are_named)
{
    ck_assert_str_eq(LOGGED(LOG_LEVEL_ERROR, "stop", NULL), "level=error msg=stop\n");
    ck_assert_str_eq(LOGGED(LOG_LEVEL_WARNING, "stop", NULL), "level=warning msg=stop\n");
    ck_assert_str_eq(LOGGED(LOG_LEVEL_INFO, "stop", NULL), "level=info msg=stop\n");
}
END_TEST

START_TEST(fields_follow_the_message)
{
    ck_assert_str_eq(
        LOGGED(LOG_LEVEL_INFO, "a b", "text=%s number=%d big=%u", "x", -3, 4000000000u),
        "level=info msg=\"a b\" text=x number=-3 big=4000000000\n");
}
END_TEST

static const struct {
    const char *value, *written;
} values[] = {
    {"plain-1.2/3:4", "plain-1.2/3:4"},
    {"", "\"\""},
    {"two words", "\"two words\""},
    {"a=b", "\"a=b\""},
    {"say \"no\"", "\"say \\\"no\\\"\""},
    {"back\\slash", "\"back\\\\slash\""},
    {"line\nbreak", "\"line\\nbreak\""},
    {"tab\t\r", "\"tab\\x09\\x0d\""},
    {"\x1b[31mred", "\\x1b[31mred"},
    {"\x7f", "\\x7f"},
    {"caf\xc3\xa9", "caf\xc3\xa9"},
    {"caf\xe9", "caf\\xe9"},
    {"\x9b[31m", "\\x9b[31m"},
};

START_TEST(values_are_quoted_and_escaped)
{
    char line[128];
    snprintf(line, sizeof line, "level=info msg=%s a=%s\n", values[_i].written, values[_i].written);
    ck_assert_str_eq(LOGGED(LOG_LEVEL_INFO, values[_i].value, "a=%s", values[_i].value), line);
}
END_TEST

/* Steps over a value, bare or in quotes; NULL when it is not well formed. */
static const char *value_end(const char *at)
{
    if (*at != '"') {
        while (*at && *at != ' ' && *at != '\n' && *at != '"')
            at++;
        return at;
    }
    for (at++; *at != '"'; at++)
        if (*at == 0 || *at == '\n' || (*at == '\\' && *++at == 0))
            return NULL;
    return at + 1;
}

static bool is_well_formed(const char *line)
{
    if (!engram_utf8_valid(line, strlen(line)))
        return false;
    for (;;) {
        const char *key = line;
        while (islower((unsigned char)*line))
            line++;
        if (line == key || *line != '=' || line[1] == ' ' || line[1] == '\n')
            return false;
        line = value_end(line + 1);
        if (!line || (*line != ' ' && *line != '\n'))
            return false;
        if (*line++ == '\n')
            return *line == 0;
    }
}

/* Values of all lengths about the most, of bytes that take one, two and four. */
START_TEST(long_lines_are_cut_well_formed)
{
    static const char fills[] = "a \"\x01";
    char value[LINE_MOST + 100];
    for (const char *fill = fills; *fill; fill++)
        for (size_t length = 0; length < sizeof value; length++) {
            memset(value, *fill, length);
            value[length] = 0;
            const char *line =
                LOGGED(LOG_LEVEL_INFO, "m", "first=%s second=%s third=%u", value, "x y", 7);
            const char *start = line - strlen("ts=2026-01-01T00:00:00.000Z ");
            ck_assert_msg(is_well_formed(start), "%s", start);
            ck_assert_uint_le(strlen(start), LINE_MOST);
            bool fits = length < 200;
            ck_assert(!fits || strstr(line, " second=\"x y\" third=7\n"));
        }
}
END_TEST

START_TEST(no_character_is_cut_in_two)
{
    char value[LINE_MOST + 4];
    for (size_t length = LINE_MOST - 100; length < LINE_MOST; length++) {
        memset(value, 'a', length);
        memcpy(value + length, "\xc3\xa9", 3);
        const char *line = LOGGED(LOG_LEVEL_INFO, value, NULL);
        ck_assert_msg(is_well_formed(line), "%s", line);
    }
}
END_TEST

START_TEST(long_messages_are_cut_well_formed)
{
    char value[2 * LINE_MOST];
    for (size_t length = LINE_MOST - 100; length < LINE_MOST + 10; length++) {
        memset(value, '"', length);
        value[length] = 0;
        const char *line = LOGGED(LOG_LEVEL_INFO, value, "a=%s", "x");
        ck_assert_msg(is_well_formed(line), "%s", line);
    }
}
END_TEST

/* Under systemd the journal knows the time and wants the level as a number. */
START_TEST(journal_gets_its_own_form)
{
    struct stat status;
    char stream[64];
    log_capture();
    fstat(STDERR_FILENO, &status);
    snprintf(stream, sizeof stream, "%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
    log_event(LOG_LEVEL_ERROR, "stop", "a=%s", "b");
    setenv("JOURNAL_STREAM", "1:1", 1); /* inherited, and not what stderr is */
    log_event(LOG_LEVEL_ERROR, "stop", NULL);
    unsetenv("JOURNAL_STREAM");
    const char *text = log_captured();
    log_release(false);
    static const char own[] = "<3>level=error msg=stop a=b\nts=";
    ck_assert_int_eq(strncmp(text, own, sizeof own - 1), 0);
}
END_TEST

Suite *log_suite(void)
{
    Suite *suite = suite_create("log");
    TCase *tests = tcase_create("lines");
    tcase_add_test(tests, levels_are_named);
    tcase_add_test(tests, fields_follow_the_message);
    tcase_add_loop_test(tests, values_are_quoted_and_escaped, 0,
                        (int)(sizeof values / sizeof values[0]));
    tcase_add_test(tests, long_lines_are_cut_well_formed);
    tcase_add_test(tests, long_messages_are_cut_well_formed);
    tcase_add_test(tests, no_character_is_cut_in_two);
    tcase_add_test(tests, journal_gets_its_own_form);
    suite_add_tcase(suite, tests);
    return suite;
}
