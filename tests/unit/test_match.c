/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/glob.h"
#include "daemon/snapshot/labels.h"
#include "daemon/snapshot/match.h"
#include "suites.h"

static struct match match;
static struct buffer out;
static const char *error;

static void start(void)
{
    match = MATCH_EVERYTHING;
    out = (struct buffer){0};
    error = NULL;
}

static void stop(void)
{
    match_free(&match);
    buffer_free(&out);
}

#define LABELS "a=\"x\",b=\"say \\\"a=\\\\\\n\",process=\"demo\""

START_TEST(test_labels_become_members)
{
    struct json json = {&out, false};
    json_object(&json);
    labels_add(&json, LABELS);
    json_object_end(&json);
    buffer_append_char(&out, 0);
    ck_assert_str_eq(out.data, "{\"a\":\"x\",\"b\":\"say \\\"a=\\\\\\n\",\"process\":\"demo\"}");
}
END_TEST

START_TEST(test_labels_are_found)
{
    size_t length = 0;
    const char *value = labels_find(LABELS, "process", &length);
    ck_assert_uint_eq(length, 4);
    ck_assert_mem_eq(value, "demo", length);
    ck_assert_ptr_null(labels_find(LABELS, "say", &length));
    ck_assert_ptr_null(labels_find("", "a", &length));
}
END_TEST

static bool takes(const char *name, const char *value)
{
    return match_take(&match, name, value, &error) == MATCH_TAKEN;
}

static bool matches(const char *labels, enum series_rows rows)
{
    struct series series = {.labels = (char *)(uintptr_t)labels, .rows = (uint8_t)rows};
    return match_series(&match, &series);
}

START_TEST(test_everything)
{
    ck_assert(match_family(&match, "engram_x_total"));
    ck_assert(matches(LABELS, ROWS_NODES));
    ck_assert(matches("", ROWS_COMPUTED));
    ck_assert(match_node(&match, 7));
}
END_TEST

START_TEST(test_globs)
{
    ck_assert(takes("match", "engram_*_total"));
    ck_assert(takes("match", "up"));
    ck_assert(match_family(&match, "engram_x_total"));
    ck_assert(match_family(&match, "up"));
    ck_assert(!match_family(&match, "engram_x"));
    ck_assert(!match_family(&match, "engramd_x_total"));
}
END_TEST

static const struct {
    const char *glob, *name;
    bool matches;
} globs[] = {
    {"*", "", true},
    {"**", "a", true},
    {"a", "", false},
    {"", "a", false},
    {"a?c", "abc", true},
    {"a?c", "ac", false},
    {"*_total", "a_total_total", true},
    {"a*b*c", "a1b2b3c", true},
    {"a*b*c", "a1b2b3", false},
    {"[a-c]x", "bx", true},
    {"[a-c]x", "dx", false},
    {"[!a-c]x", "dx", true},
    {"[!a-c]x", "ax", false},
    {"[]a]", "]", true},
    {"[a-]", "-", true},
    {"[a-c-e]", "d", false},
    {"*[0-9]", "a1b2", true},
    {"*[0-9]", "a1b", false},
};

START_TEST(test_glob)
{
    ck_assert(glob_valid(globs[_i].glob));
    ck_assert(glob_matches(globs[_i].glob, globs[_i].name) == globs[_i].matches);
}
END_TEST

static const char *const bad_globs[] = {"[", "[]", "[!", "[!]", "a[bc", "[[:alpha:]]", "[[=a=]]"};

START_TEST(test_bad_glob)
{
    ck_assert(!glob_valid(bad_globs[_i]));
    ck_assert_int_eq(match_take(&match, "match", bad_globs[_i], &error), MATCH_WRONG);
}
END_TEST

/* What a matcher that tries again at each star would take years for. */
START_TEST(test_hostile_glob)
{
    char glob[MATCH_TEXT_MAX + 1], name[256];
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = 0;
    for (int i = 0; i < MATCH_TEXT_MAX - 2; i += 2)
        memcpy(glob + i, "*a", 2);
    memcpy(glob + MATCH_TEXT_MAX - 2, "*b", 3);
    ck_assert(takes("match", glob));
    ck_assert(!match_family(&match, name));
    memcpy(name + sizeof name - 2, "b", 2);
    ck_assert(match_family(&match, name));
}
END_TEST

START_TEST(test_all_labels)
{
    ck_assert(takes("label", "b:say \"a=\\\n"));
    ck_assert(takes("process", "demo"));
    ck_assert(matches(LABELS, ROWS_NODES));
    ck_assert(!matches("a=\"x\",process=\"demo\"", ROWS_NODES));
    ck_assert(!matches("b=\"say \\\"a=\\\\\\n\",process=\"demo2\"", ROWS_NODES));
}
END_TEST

/* A value may look like a label. */
START_TEST(test_label_within_a_value)
{
    ck_assert(takes("label", "a:1"));
    ck_assert(!matches("b=\"\\\",a=\\\"1\"", ROWS_HOST));
    ck_assert(!matches("ba=\"1\"", ROWS_HOST));
    ck_assert(!matches("a=\"12\"", ROWS_HOST));
    ck_assert(matches("a=\"1\"", ROWS_HOST));
}
END_TEST

START_TEST(test_empty_is_absent)
{
    ck_assert(takes("label", "cue_type:"));
    ck_assert(matches(LABELS, ROWS_NODES));
    ck_assert(matches("cue_type=\"\"", ROWS_NODES));
    ck_assert(!matches("cue_type=\"embedding\"", ROWS_NODES));
}
END_TEST

static const char *const node_forms[][2] = {{"node", "1"}, {"label", "numa_node:1"}};

START_TEST(test_node)
{
    ck_assert(takes(node_forms[_i][0], node_forms[_i][1]));
    ck_assert(!match_node(&match, 0));
    ck_assert(match_node(&match, 1));
    ck_assert(matches("", ROWS_NODES)); /* each of its rows is asked about */
    ck_assert(!matches("", ROWS_HOST));
    ck_assert(matches("numa_node=\"1\"", ROWS_HOST));
    ck_assert(!matches("numa_node=\"11\"", ROWS_HOST));
}
END_TEST

static const char *const refused[][2] = {
    {"match", ""},   {"label", "operation"}, {"label", "1a:x"},        {"label", ":x"},
    {"process", ""}, {"node", ""},           {"node", "-1"},           {"node", "1x"},
    {"node", " 1"},  {"node", "4294967295"}, {"label", "numa_node:a"},
};

START_TEST(test_refused)
{
    ck_assert_int_eq(match_take(&match, refused[_i][0], refused[_i][1], &error), MATCH_WRONG);
    ck_assert_ptr_nonnull(error);
}
END_TEST

START_TEST(test_bounds)
{
    char text[MATCH_TEXT_MAX + 2];
    memset(text, 'a', sizeof text);
    text[MATCH_TEXT_MAX + 1] = 0;
    ck_assert(!takes("match", text));
    ck_assert(takes("match", text + 1));
    for (int i = 1; i < MATCH_MOST; i++)
        ck_assert(takes("match", "x"));
    ck_assert(!takes("match", "x"));
    ck_assert(takes("node", "1"));
    ck_assert(!takes("node", "2"));
    ck_assert_int_eq(match_take(&match, "range", "1m", &error), MATCH_UNKNOWN);
}
END_TEST

Suite *match_suite(void)
{
    Suite *suite = suite_create("match");
    TCase *tcase = tcase_create("match");
    tcase_add_checked_fixture(tcase, start, stop);
    tcase_add_test(tcase, test_labels_become_members);
    tcase_add_test(tcase, test_labels_are_found);
    tcase_add_test(tcase, test_everything);
    tcase_add_test(tcase, test_globs);
    tcase_add_loop_test(tcase, test_glob, 0, (int)(sizeof globs / sizeof globs[0]));
    tcase_add_loop_test(tcase, test_bad_glob, 0, (int)(sizeof bad_globs / sizeof bad_globs[0]));
    tcase_add_test(tcase, test_hostile_glob);
    tcase_add_test(tcase, test_all_labels);
    tcase_add_test(tcase, test_label_within_a_value);
    tcase_add_test(tcase, test_empty_is_absent);
    tcase_add_loop_test(tcase, test_node, 0, sizeof node_forms / sizeof node_forms[0]);
    tcase_add_loop_test(tcase, test_refused, 0, sizeof refused / sizeof refused[0]);
    tcase_add_test(tcase, test_bounds);
    suite_add_tcase(suite, tcase);
    return suite;
}
