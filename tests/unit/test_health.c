/* SPDX-License-Identifier: MIT */
/* What is shown of what is found, and what a report says. */
#include "fixture.h"
#include "suites.h"

#include "daemon/base/json.h"
#include "daemon/health/health_json.h"
#include "daemon/health/hysteresis.h"
#include "daemon/health/passes.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define SECOND UINT64_C(1000000000)

static struct figures *figures;
static struct health *health;
static struct finding found;

static struct finding look(void *argument)
{
    (void)argument;
    return found;
}

static void start(void)
{
    figures = figures_new();
    health = health_new(figures);
    health_set_check(health, HEALTH_MEMORY_PRESSURE, look, NULL);
    found = finding_unknown("a test");
}

static void stop(void)
{
    health_free(health);
    figures_free(figures);
}

/* --- Hysteresis --- */

/* Letters: what is found, and what is shown then; u, h, d, and x for unhealthy. */
static const struct {
    const char *found, *shown;
} sequences[] = {
    {"hhhh", "uhhh"}, /* one look proves nothing, not even at the start */
    {"dhhh", "uddh"},
    {"xxxx", "udxx"},
    {"hhdhdhd", "uhhhhhh"},
    {"hhddd", "uhhdd"},
    {"hhxxx", "uhhdx"},
    {"hhxxhh", "uhhddh"},
    {"hhxxxhhh", "uhhdxxhh"},
    {"hhxxxdhhh", "uhhdxxddh"}, /* it recovers to the worse of the two */
    {"hhxxxhxhxh", "uhhdxxxxxx"},
    {"hhuhuh", "uhhhhh"},
    {"hhuuu", "uhhuu"},
    {"hhuuhh", "uhhuuh"},
    {"hhxuxux", "uhhhhhh"},
};

static enum health_state state_of(char letter)
{
    return letter == 'h'   ? HEALTH_HEALTHY
           : letter == 'd' ? HEALTH_DEGRADED
           : letter == 'x' ? HEALTH_UNHEALTHY
                           : HEALTH_UNKNOWN;
}

START_TEST(changes_take_more_than_one_look)
{
    struct hysteresis hysteresis = {.shown = HEALTH_UNKNOWN};
    const char *shown = sequences[_i].shown;
    for (const char *letter = sequences[_i].found; *letter; letter++, shown++)
        ck_assert_msg(hysteresis_step(&hysteresis, state_of(*letter)) == state_of(*shown),
                      "%s at %s", sequences[_i].found, letter);
    ck_assert_int_eq(*shown, '\0');
}
END_TEST

/* --- Findings --- */

START_TEST(limits_are_reached_from_below)
{
    const struct limits limits = {0.1, 0.4};
    static const struct {
        double value;
        enum health_state state;
        double threshold;
    } cases[] = {{0.0999, HEALTH_HEALTHY, 0.1},
                 {0.1, HEALTH_DEGRADED, 0.1},
                 {0.3999, HEALTH_DEGRADED, 0.1},
                 {0.4, HEALTH_UNHEALTHY, 0.4}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct finding finding = finding_judge(cases[i].value, limits, "ratio", "a test");
        ck_assert_int_eq(finding.state, cases[i].state);
        ck_assert_double_eq(finding.threshold, cases[i].threshold);
    }
    struct finding finding = finding_judge(7, (struct limits){INFINITY, 8}, "", "");
    ck_assert_int_eq(finding.state, HEALTH_HEALTHY);
    ck_assert_double_eq(finding.threshold, 8);
}
END_TEST

START_TEST(the_worst_part_counts_and_the_unknown_only_alone)
{
    static const char expected[] = "uhdx"
                                   "hhdx"
                                   "dddx"
                                   "xxxx",
                      letters[] = "uhdx";
    for (int i = 0; i < 16; i++) {
        struct finding whole = {.state = state_of(letters[i / 4])};
        const struct finding part = {.state = state_of(letters[i % 4])};
        finding_add(&whole, &part);
        ck_assert_int_eq(whole.state, state_of(expected[i]));
    }
}
END_TEST

START_TEST(unknown_is_more_urgent_than_healthy_alone)
{
    ck_assert(health_worse(HEALTH_UNHEALTHY, HEALTH_DEGRADED));
    ck_assert(health_worse(HEALTH_DEGRADED, HEALTH_UNKNOWN));
    ck_assert(health_worse(HEALTH_UNKNOWN, HEALTH_HEALTHY));
    ck_assert(!health_worse(HEALTH_HEALTHY, HEALTH_HEALTHY));
}
END_TEST

/* --- The last minute --- */

START_TEST(passes_are_those_of_the_last_minute)
{
    struct passes passes = {0};
    uint64_t time = 1000 * SECOND;
    ck_assert(isnan(passes_ratio(&passes)));
    passes_take(&passes, time, HEALTH_UNKNOWN);
    ck_assert(isnan(passes_ratio(&passes)));
    passes_take(&passes, time, HEALTH_HEALTHY);
    passes_take(&passes, time + SECOND, HEALTH_DEGRADED);
    passes_take(&passes, time + SECOND, HEALTH_UNHEALTHY);
    passes_take(&passes, time + SECOND, HEALTH_HEALTHY);
    ck_assert_double_eq(passes_ratio(&passes), 0.5);
    passes_take(&passes, time + 60 * SECOND, HEALTH_UNKNOWN);
    ck_assert_double_eq(passes_ratio(&passes), 1 / 3.);
    passes_take(&passes, time + 61 * SECOND, HEALTH_UNKNOWN);
    ck_assert(isnan(passes_ratio(&passes)));
    passes_take(&passes, time + 1000 * SECOND, HEALTH_HEALTHY);
    ck_assert_double_eq(passes_ratio(&passes), 1);
}
END_TEST

/* --- The report --- */

START_TEST(nothing_is_known_before_the_first_look_and_long_after_the_last)
{
    struct health_report report;
    found = (struct finding){.state = HEALTH_HEALTHY, .source = "a test"};
    fixture_clock(10 * SECOND);
    health_report(health, &report);
    ck_assert_int_eq(report.entries[HEALTH_MEMORY_PRESSURE].state, HEALTH_UNKNOWN);
    ck_assert_str_ne(report.entries[HEALTH_MEMORY_PRESSURE].finding.reason, "");
    health_assess(health);
    health_assess(health);
    fixture_clock(10 * SECOND + HEALTH_LIFETIME);
    health_report(health, &report);
    ck_assert_int_eq(report.entries[HEALTH_MEMORY_PRESSURE].state, HEALTH_HEALTHY);
    ck_assert_int_eq(report.entries[HEALTH_THREAD_POOL].state, HEALTH_UNKNOWN);
    ck_assert_str_ne(report.entries[HEALTH_THREAD_POOL].finding.reason, "");
    ck_assert_int_eq(health_overall(&report), HEALTH_UNKNOWN);
    fixture_clock(10 * SECOND + HEALTH_LIFETIME + 1);
    health_report(health, &report);
    ck_assert_int_eq(report.entries[HEALTH_MEMORY_PRESSURE].state, HEALTH_UNKNOWN);
}
END_TEST

static char told[64];

static void tell(void *argument, enum health_component component, enum health_state before,
                 enum health_state now)
{
    size_t length = strlen(told);
    (void)argument;
    snprintf(told + length, sizeof told - length, "%d:%d>%d ", component, before, now);
}

START_TEST(changes_of_what_is_shown_are_told_once)
{
    static const char looks[] = "hhhxxxxhh";
    health_tell(health, tell, NULL);
    for (const char *letter = looks; *letter; letter++) {
        found.state = state_of(*letter);
        health_assess(health);
    }
    ck_assert_str_eq(told, "0:-1>0 0:0>1 0:1>2 0:2>0 ");
}
END_TEST

START_TEST(a_document_has_value_threshold_reason_and_source)
{
    struct health_report report;
    struct buffer out = {0};
    found = (struct finding){.state = HEALTH_DEGRADED,
                             .value = 0.25,
                             .threshold = NAN,
                             .unit = "ratio",
                             .source = "/proc/x",
                             .reason = "\"quoted\""};
    health_assess(health);
    health_assess(health);
    health_report(health, &report);
    health_json(&report, &out);
    buffer_append_char(&out, '\0');
    ck_assert_ptr_nonnull(strstr(out.data, "{\"status\":\"degraded\",\"time_ms\":"));
    ck_assert_ptr_nonnull(strstr(
        out.data, "{\"component\":\"memory_pressure\",\"status\":\"degraded\","
                  "\"found\":\"degraded\",\"value\":0.25,\"threshold\":null,"
                  "\"unit\":\"ratio\",\"reason\":\"\\\"quoted\\\"\",\"source\":\"/proc/x\"}"));
    buffer_free(&out);
}
END_TEST

Suite *health_suite(void)
{
    Suite *suite = suite_create("health");
    TCase *pure = tcase_create("pure");
    tcase_add_loop_test(pure, changes_take_more_than_one_look, 0,
                        sizeof sequences / sizeof sequences[0]);
    tcase_add_test(pure, limits_are_reached_from_below);
    tcase_add_test(pure, the_worst_part_counts_and_the_unknown_only_alone);
    tcase_add_test(pure, unknown_is_more_urgent_than_healthy_alone);
    tcase_add_test(pure, passes_are_those_of_the_last_minute);
    suite_add_tcase(suite, pure);
    TCase *whole = tcase_create("whole");
    tcase_add_checked_fixture(whole, start, stop);
    tcase_add_test(whole, nothing_is_known_before_the_first_look_and_long_after_the_last);
    tcase_add_test(whole, changes_of_what_is_shown_are_told_once);
    tcase_add_test(whole, a_document_has_value_threshold_reason_and_source);
    suite_add_tcase(suite, whole);
    return suite;
}
