/* SPDX-License-Identifier: MIT */
/* Alerts as engramd finds them, out of what processes say and what it measures. */
#include "fixture.h"
#include "suites.h"

#include "alerts/alerts.h"
#include "daemon/alerts/alerting.h"
#include "daemon/sensors/sensors.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND UINT64_C(1000000000)

static struct pipeline pipeline;
static struct figures *figures;
static struct alerting *alerting;
static struct engram_engine engine;
static struct alert_entry entries[ALERTING_MOST];
static uint64_t now;

static void start(void)
{
    fixture_start();
    figures = figures_new();
    pipeline_start(&pipeline, TWO_NODES, fill_figures, figures);
    alerting = alerting_new(figures, pipeline.store);
    ck_assert_ptr_nonnull(alerting);
    fixture_process("p");
    engram_engine_register(&engine, "scalar");
    fixture_clock(now = 1000 * SECOND);
}

static void stop(void)
{
    alerting_free(alerting);
    pipeline_stop(&pipeline);
    figures_free(figures);
    fixture_clock(0);
    fixture_stop();
}

static void look_after(double seconds)
{
    fixture_clock(now += (uint64_t)(seconds * (double)SECOND));
    pipeline_collect(&pipeline, figures_families(figures));
    alerting_look(alerting);
}

/* In steps of a second. */
static void look_for(int seconds)
{
    for (int i = 0; i < seconds; i++)
        look_after(1);
}

static uint32_t count_on(void)
{
    uint32_t count;
    ck_assert(alerting_report(alerting, entries, &count));
    return count;
}

/* What is on of an alert; NULL: nothing. */
static const struct alert_entry *found(const char *name)
{
    uint32_t count = count_on();
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(entries[i].alert->name, name) == 0)
            return &entries[i];
    return NULL;
}

static enum alert_state state_of(const char *name)
{
    const struct alert_entry *entry = found(name);
    return entry ? entry->state : ALERT_INACTIVE;
}

static void expect(const char *name, enum alert_state state)
{
    ck_assert_msg(state_of(name) == state, "%s is %s", name, alert_state_name(state_of(name)));
}

START_TEST(nothing_is_on_where_nothing_is_said)
{
    look_for(3);
    ck_assert_uint_eq(count_on(), 0);
}
END_TEST

START_TEST(latest_value_is_held_against_its_limit)
{
    engram_gauge_set(engine.audit_violations[ENGRAM_ASYMMETRIC_EDGE], 3);
    engram_gauge_set(engine.audit_violations[0], 0);
    look_after(1);
    const struct alert_entry *entry = found("AuditViolations");
    ck_assert_ptr_nonnull(entry);
    ck_assert_int_eq(entry->state, ALERT_FIRING); /* it need not hold for any time */
    ck_assert_str_eq(entry->labels, "kind=\"asymmetric_edge\",process=\"p\"");
    ck_assert_double_eq(entry->value, 3);
    ck_assert_uint_eq(entry->since, now);
    ck_assert_uint_eq(count_on(), 1);
}
END_TEST

/* As in most ticks. */
static void look_again_after(double seconds)
{
    fixture_clock(now += (uint64_t)(seconds * (double)SECOND));
    pipeline_collect(&pipeline, NULL);
    alerting_look(alerting);
}

START_TEST(what_changes_while_the_plan_stays_is_seen)
{
    engram_gauge_set(engine.audit_violations[0], 0);
    look_after(1);
    expect("ZeroAllocationViolation", ALERT_INACTIVE);
    for (int i = 0; i < 3; i++) {
        engram_gauge_set(engine.audit_violations[0], 1);
        engram_counter_add(engine.zero_allocation_violations, 1);
        look_again_after(1);
        expect("AuditViolations", ALERT_FIRING);
        expect("ZeroAllocationViolation", ALERT_FIRING);
        engram_gauge_set(engine.audit_violations[0], 0);
        look_again_after(1);
        look_again_after(1);
        expect("AuditViolations", ALERT_INACTIVE);
    }
}
END_TEST

/* For 120 s. */
START_TEST(alert_is_pending_until_it_has_held)
{
    engram_gauge_set(engine.pool_fragmentation[0], 0.5);
    look_for(120);
    expect("MemoryPoolFragmentation", ALERT_PENDING);
    look_after(1);
    expect("MemoryPoolFragmentation", ALERT_FIRING);
    engram_gauge_set(engine.pool_fragmentation[0], 0.1);
    look_after(1);
    expect("MemoryPoolFragmentation", ALERT_FIRING); /* once is not enough */
    look_after(1);
    expect("MemoryPoolFragmentation", ALERT_INACTIVE);
}
END_TEST

static char told[256];

static void hear(void *argument, uint32_t number, enum alert_state before, enum alert_state state)
{
    ck_assert_ptr_eq(argument, &now);
    if (strcmp(alert_numbered(number)->name, "MemoryPoolFragmentation") == 0)
        snprintf(told + strlen(told), sizeof told - strlen(told), "%s-%s ",
                 alert_state_name(before), alert_state_name(state));
}

START_TEST(changes_are_told)
{
    alerting_tell(alerting, hear, &now);
    engram_gauge_set(engine.pool_fragmentation[0], 0.5);
    look_for(130);
    engram_gauge_set(engine.pool_fragmentation[1], 0.5); /* another one changes nothing */
    look_for(3);
    engram_gauge_set(engine.pool_fragmentation[0], 0);
    engram_gauge_set(engine.pool_fragmentation[1], 0);
    look_for(3);
    ck_assert_str_eq(told, "inactive-pending pending-firing firing-inactive ");
}
END_TEST

START_TEST(alert_that_is_interrupted_begins_anew)
{
    engram_gauge_set(engine.pool_fragmentation[0], 0.5);
    look_for(100);
    engram_gauge_set(engine.pool_fragmentation[0], 0.1);
    look_after(1);
    expect("MemoryPoolFragmentation", ALERT_INACTIVE);
    engram_gauge_set(engine.pool_fragmentation[0], 0.5);
    look_for(100);
    expect("MemoryPoolFragmentation", ALERT_PENDING);
}
END_TEST

/* More than 0 within five minutes, on whatever CPU. */
START_TEST(increase_is_summed_over_nodes)
{
    look_for(10);
    expect("ZeroAllocationViolation", ALERT_INACTIVE);
    fixture_add(engine.zero_allocation_violations, 0, 1);
    fixture_add(engine.zero_allocation_violations, 1, 2);
    look_after(1);
    const struct alert_entry *entry = found("ZeroAllocationViolation");
    ck_assert_ptr_nonnull(entry);
    ck_assert_double_eq(entry->value, 3);
    ck_assert_str_eq(entry->labels, "component=\"batch_processing\",process=\"p\"");
    look_for(360);
    expect("ZeroAllocationViolation", ALERT_INACTIVE);
}
END_TEST

/* More than 1000 a second, of both counters of the store together. */
START_TEST(rate_is_of_all_series_of_a_group)
{
    for (int i = 0; i < 70; i++) {
        fixture_add(engine.lock_waits, 0, 600);
        look_after(1);
    }
    expect("LockFreeContentionSpike", ALERT_INACTIVE);
    for (int i = 0; i < 300; i++) {
        fixture_add(engine.lock_waits, (uint32_t)i % 2, 1200);
        look_after(1);
    }
    expect("LockFreeContentionSpike", ALERT_FIRING);
    ck_assert_str_eq(found("LockFreeContentionSpike")->labels, "component=\"store\",process=\"p\"");
}
END_TEST

static void weigh(double one, double other)
{
    engram_gauge_set(engine.hippocampal[0], one);
    engram_gauge_set(engine.neocortical[0], other);
}

/* Where nobody recalls, weights say nothing. */
START_TEST(gate_keeps_an_alert_from_firing)
{
    weigh(0.95, 0.05);
    look_for(200);
    expect("CLSSystemImbalance", ALERT_INACTIVE);
    for (int i = 0; i < 400; i++) { /* the window is five minutes long */
        for (int k = 0; k < 2; k++)
            engram_histogram_record(engine.recall[0][0], 1e-4);
        look_after(1);
    }
    expect("CLSSystemImbalance", ALERT_FIRING);
    ck_assert_double_eq_tol(found("CLSSystemImbalance")->value, 0.9, 1e-9);
    weigh(0.6, 0.4);
    look_for(2);
    expect("CLSSystemImbalance", ALERT_INACTIVE);
}
END_TEST

START_TEST(gate_is_of_the_same_process)
{
    weigh(0.95, 0.05);
    struct engram_engine other;
    fixture_process("other");
    engram_engine_register(&other, "scalar");
    for (int i = 0; i < 200; i++) {
        for (int k = 0; k < 2; k++)
            engram_histogram_record(other.recall[0][0], 1e-4);
        look_after(1);
    }
    expect("CLSSystemImbalance", ALERT_INACTIVE);
}
END_TEST

/* A quarter of an hour without any, and as long again. */
START_TEST(standing_still_is_told)
{
    for (int i = 0; i < 2 * 900 + 120; i++) {
        engram_histogram_record(engine.store[0], 1e-4);
        engram_histogram_record(engine.store[0], 1e-4);
        if (i < 5)
            engram_histogram_record(engine.transition[0], 1);
        look_after(1);
        ck_assert(i > 1790 || state_of("ConsolidationStalled") != ALERT_FIRING);
    }
    expect("ConsolidationStalled", ALERT_FIRING);
}
END_TEST

START_TEST(figures_of_the_daemon_are_looked_at)
{
    uint32_t tick = figures_add(figures, ENGRAM_DAEMON_TICK, "", UINT64_MAX);
    figures_set(figures, tick, 2);
    look_for(62);
    expect("DaemonBehind", ALERT_FIRING);
    figures_set(figures, tick, 0.1);
    look_for(2);
    expect("DaemonBehind", ALERT_INACTIVE);
}
END_TEST

/* A socket whose values are missing is told of itself, and of others nothing that is not known. */
START_TEST(socket_that_is_out_is_told)
{
    uint32_t success =
        figures_add(figures, ENGRAM_DAEMON_COLLECTOR_SUCCESS, "socket=\"0\"", UINT64_MAX);
    figures_set(figures, success, 1);
    engram_gauge_set(engine.pool_fragmentation[0], 0.5);
    look_for(122);
    expect("MemoryPoolFragmentation", ALERT_FIRING);
    figures_set(figures, success, 0);
    while (!snapshot_expire(pipeline.store, 0)) /* as its caller does: it never waits */
        continue;
    for (int i = 0; i < 32; i++) {
        fixture_clock(now += SECOND);
        alerting_look(alerting);
    }
    expect("CollectorBlind", ALERT_FIRING);
    expect("MemoryPoolFragmentation", ALERT_FIRING);
    figures_set(figures, success, 1);
    engram_gauge_set(engine.pool_fragmentation[0], 0);
    look_for(3);
    expect("CollectorBlind", ALERT_INACTIVE);
    expect("MemoryPoolFragmentation", ALERT_INACTIVE);
}
END_TEST

#define ENGINES 200

/* Each has sums and gates of its own. */
START_TEST(many_processes_are_looked_at)
{
    static struct engram_engine engines[ENGINES];
    char name[16];
    uint32_t violations = 0;
    for (int i = 0; i < ENGINES; i++) {
        snprintf(name, sizeof name, "p%d", i);
        fixture_process(name);
        engram_engine_register(&engines[i], "scalar");
    }
    look_for(2);
    for (int i = 0; i < ENGINES; i++)
        fixture_add(engines[i].zero_allocation_violations, 0, 1);
    look_after(1);
    for (uint32_t i = 0; i < count_on(); i++)
        violations += strcmp(entries[i].alert->name, "ZeroAllocationViolation") == 0;
    ck_assert_uint_eq(violations, ENGINES);
}
END_TEST

#define STATE(name, severity)                                                                      \
    shown_value(pipeline.store,                                                                    \
                "engram_alert_state{alertname=\"" name "\",severity=\"" severity "\"}")

START_TEST(state_is_a_figure_where_there_is_anything_to_look_at)
{
    engram_gauge_set(engine.pool_fragmentation[0], 0.1);
    look_for(2);
    ck_assert_double_eq(STATE("MemoryPoolFragmentation", "warning"), 0);
    ck_assert(isnan(STATE("AuditViolations", "critical")));
    engram_gauge_set(engine.pool_fragmentation[0], 0.5);
    look_for(2);
    ck_assert_double_eq(STATE("MemoryPoolFragmentation", "warning"), 1);
    look_for(121);
    ck_assert_double_eq(STATE("MemoryPoolFragmentation", "warning"), 2);
}
END_TEST

Suite *alerting_suite(void)
{
    Suite *suite = suite_create("alerting");
    TCase *tests = tcase_create("alerting");
    tcase_add_checked_fixture(tests, start, stop);
    tcase_add_test(tests, nothing_is_on_where_nothing_is_said);
    tcase_add_test(tests, latest_value_is_held_against_its_limit);
    tcase_add_test(tests, what_changes_while_the_plan_stays_is_seen);
    tcase_add_test(tests, alert_is_pending_until_it_has_held);
    tcase_add_test(tests, changes_are_told);
    tcase_add_test(tests, alert_that_is_interrupted_begins_anew);
    tcase_add_test(tests, increase_is_summed_over_nodes);
    tcase_add_test(tests, rate_is_of_all_series_of_a_group);
    tcase_add_test(tests, gate_keeps_an_alert_from_firing);
    tcase_add_test(tests, gate_is_of_the_same_process);
    tcase_add_test(tests, standing_still_is_told);
    tcase_add_test(tests, figures_of_the_daemon_are_looked_at);
    tcase_add_test(tests, socket_that_is_out_is_told);
    tcase_add_test(tests, many_processes_are_looked_at);
    tcase_add_test(tests, state_is_a_figure_where_there_is_anything_to_look_at);
    suite_add_tcase(suite, tests);
    return suite;
}
