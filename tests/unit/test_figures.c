/* SPDX-License-Identifier: MIT */
/* Values that the daemon measures itself, and the threads that do so. */
#include "fixture.h"
#include "suites.h"

#include "daemon/base/clock.h"
#include "daemon/sensors/sensors.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#define SECOND UINT64_C(1000000000)
#define TICK "engramd_tick_seconds"

static struct pipeline pipeline;
static struct figures *figures;

static void start(void)
{
    fixture_start();
    figures = figures_new();
    pipeline_start(&pipeline, ONE_NODE, fill_figures, figures);
    ck_assert_ptr_nonnull(figures);
}

static void stop(void)
{
    pipeline_stop(&pipeline);
    figures_free(figures);
    fixture_stop();
}

static double value_of(const char *series)
{
    pipeline_collect(&pipeline, figures_families(figures));
    return shown_value(pipeline.store, series);
}

START_TEST(what_is_set_is_shown_and_nothing_else)
{
    uint32_t set = figures_add(figures, ENGRAM_NUMA_REMOTE_RATIO,
                               "source_node=\"0\",target_node=\"1\"", SECOND);
    figures_add(figures, ENGRAM_NUMA_REMOTE_RATIO, "source_node=\"1\",target_node=\"0\"", SECOND);
    uint32_t other = figures_add(figures, ENGRAM_DAEMON_TICK, "", SECOND);
    figures_set(figures, set, 0.25);
    figures_set(figures, other, 3);
    ck_assert_double_eq(
        value_of("engram_numa_remote_access_ratio{source_node=\"0\",target_node=\"1\"}"), 0.25);
    ck_assert(
        isnan(value_of("engram_numa_remote_access_ratio{source_node=\"1\",target_node=\"0\"}")));
    ck_assert_double_eq(value_of(TICK), 3);
}
END_TEST

START_TEST(what_is_old_or_unknown_is_absent)
{
    uint32_t short_lived = figures_add(figures, ENGRAM_DAEMON_TICK, "", SECOND);
    uint32_t lasting = figures_add(figures, ENGRAM_DAEMON_CPU_RATIO, "", UINT64_MAX);
    fixture_clock(10 * SECOND);
    figures_set(figures, short_lived, 1);
    figures_set(figures, lasting, 2);
    figures_set(figures, FIGURE_NONE, 3);
    fixture_clock(11 * SECOND);
    ck_assert_double_eq(value_of(TICK), 1);
    fixture_clock(11 * SECOND + 1);
    ck_assert(isnan(value_of(TICK)));
    ck_assert_double_eq(value_of("engramd_self_cpu_ratio"), 2);
    figures_set(figures, lasting, NAN);
    ck_assert(isnan(value_of("engramd_self_cpu_ratio")));
}
END_TEST

static atomic_uint reads;
static atomic_bool hang;

static void count_read(void *argument)
{
    (void)argument;
    atomic_fetch_add(&reads, 1);
    while (atomic_load(&hang))
        usleep(1000);
}

START_TEST(sensors_are_read_on_each_tick)
{
    struct sensors *sensors = sensors_new(figures, pipeline.pace);
    atomic_store(&reads, 0);
    ck_assert(sensors_add(sensors, SENSOR_FAST, "counter", count_read, NULL));
    ck_assert(sensors_start(sensors));
    while (atomic_load(&reads) < 3)
        usleep(1000);
    ck_assert(sensors_stop(sensors));
    ck_assert_double_gt(value_of("engramd_sensor_last_read_timestamp_seconds{sensor=\"counter\"}"),
                        1e9);
    sensors_free(sensors);
}
END_TEST

START_TEST(steady_sensors_are_read_twice_a_second)
{
    struct sensors *sensors = sensors_new(figures, pipeline.pace);
    atomic_store(&reads, 0);
    ck_assert(sensors_add(sensors, SENSOR_STEADY, "counter", count_read, NULL));
    for (uint64_t tick = 0; tick <= 20; tick++) {
        fixture_clock(1000 * SECOND + tick * SECOND / 10);
        sensors_read(sensors);
    }
    ck_assert_uint_eq(atomic_load(&reads), 5);
    sensors_free(sensors);
}
END_TEST

START_TEST(sensor_that_hangs_is_named)
{
    struct sensors *sensors = sensors_new(figures, pipeline.pace);
    atomic_store(&reads, 0);
    atomic_store(&hang, true);
    ck_assert(sensors_add(sensors, SENSOR_SLOW, "stuck", count_read, NULL));
    ck_assert(sensors_start(sensors));
    while (!atomic_load(&reads))
        usleep(1000);
    fixture_clock(clock_monotonic() + 2 * SENSOR_LIFETIME);
    log_capture();
    sensors_supervise(sensors);
    sensors_supervise(sensors);
    ck_assert_ptr_nonnull(strstr(log_captured(), "sensor=stuck"));
    ck_assert_ptr_null(strstr(strstr(log_captured(), "sensor=stuck") + 1, "sensor=stuck"));
    atomic_store(&hang, false);
    ck_assert(sensors_stop(sensors));
    sensors_supervise(sensors);
    ck_assert_ptr_nonnull(strstr(log_captured(), "sensors are read again"));
    log_release(true);
    sensors_free(sensors);
}
END_TEST

Suite *figures_suite(void)
{
    Suite *suite = suite_create("figures");
    TCase *tests = tcase_create("figures");
    tcase_add_checked_fixture(tests, start, stop);
    tcase_add_test(tests, what_is_set_is_shown_and_nothing_else);
    tcase_add_test(tests, what_is_old_or_unknown_is_absent);
    tcase_add_test(tests, sensors_are_read_on_each_tick);
    tcase_add_test(tests, steady_sensors_are_read_twice_a_second);
    tcase_add_test(tests, sensor_that_hangs_is_named);
    suite_add_tcase(suite, tests);
    return suite;
}
