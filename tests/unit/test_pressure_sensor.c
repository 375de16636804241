/* SPDX-License-Identifier: MIT */
/* Time that tasks have waited, by a /proc/pressure that is made up. */
#include "fixture.h"
#include "suites.h"
#include "sysroot.h"

#include "daemon/sensors/pressure_sensor.h"

#include <math.h>

static struct pipeline pipeline;
static struct figures *figures;
static struct pressure_sensor *sensor;

static void start(void)
{
    fixture_start();
    sysroot_start();
    figures = figures_new();
    pipeline_start(&pipeline, ONE_NODE, fill_figures, figures);
    sensor = pressure_sensor_new(figures, sysroot);
    ck_assert_ptr_nonnull(sensor);
}

static void stop(void)
{
    pressure_sensor_free(sensor);
    pipeline_stop(&pipeline);
    figures_free(figures);
    sysroot_stop();
    fixture_stop();
}

static double value_of(const char *series)
{
    pressure_sensor_read(sensor);
    pipeline_collect(&pipeline, figures_families(figures));
    return shown_value(pipeline.store, series);
}

#define WAITING(kind, resource)                                                                    \
    "engram_pressure_waiting_seconds_total{kind=\"" kind "\",resource=\"" resource "\"}"

START_TEST(time_is_in_seconds)
{
    sysroot_put("/proc/pressure/memory", "some avg10=0.00 avg60=0.00 avg300=0.00 total=1500000\n"
                                         "full avg10=0.00 avg60=0.00 avg300=0.00 total=250000\n");
    sysroot_put("/proc/pressure/cpu", "some avg10=0.00 avg60=0.00 avg300=0.00 total=7\n");
    ck_assert_double_eq(value_of(WAITING("some", "memory")), 1.5);
    ck_assert_double_eq(value_of(WAITING("full", "memory")), 0.25);
    ck_assert_double_eq(value_of("engram_pressure_available{resource=\"memory\"}"), 1);
    ck_assert_double_eq(value_of(WAITING("some", "cpu")), 7e-6);
    ck_assert(isnan(value_of(WAITING("full", "cpu")))); /* as older kernels have it */
}
END_TEST

START_TEST(what_cannot_be_read_says_why)
{
    sysroot_put("/proc/pressure/io", "nothing\n");
    ck_assert(isnan(value_of(WAITING("some", "memory"))));
    ck_assert_double_eq(
        value_of("engram_pressure_available{reason=\"not_found\",resource=\"memory\"}"), 0);
    ck_assert_double_eq(
        value_of("engram_pressure_available{reason=\"unreadable\",resource=\"io\"}"), 0);
    ck_assert(isnan(value_of("engram_pressure_available{resource=\"io\"}")));
}
END_TEST

Suite *pressure_sensor_suite(void)
{
    Suite *suite = suite_create("pressure_sensor");
    TCase *tests = tcase_create("pressure_sensor");
    tcase_add_checked_fixture(tests, start, stop);
    tcase_add_test(tests, time_is_in_seconds);
    tcase_add_test(tests, what_cannot_be_read_says_why);
    suite_add_tcase(suite, tests);
    return suite;
}
