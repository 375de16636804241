/* SPDX-License-Identifier: MIT */
/* How busy CPUs are. */
#include "fixture.h"
#include "suites.h"
#include "sysroot.h"

#include "daemon/sensors/cpus_sensor.h"

#include <math.h>

#define SECOND UINT64_C(1000000000)

static struct live *live;
static struct cpus_sensor *sensor;

static void start(void)
{
    sysroot_start();
    fixture_clock(100 * SECOND);
    live = live_new(4, 1);
    sensor = cpus_sensor_new(sysroot, 4, live);
    ck_assert_ptr_nonnull(sensor);
}

static void stop(void)
{
    cpus_sensor_free(sensor);
    live_free(live);
    fixture_clock(0);
    sysroot_stop();
}

static double busy(uint32_t cpu)
{
    return live_get(live, LIVE_CPU_BUSY, cpu);
}

static void put(const char *cpus)
{
    sysroot_put("/proc/stat", "cpu  9 9 9 9 9 9 9 9 9 9\n%sintr 5 6 7\nctxt 1\n", cpus);
    cpus_sensor_read(sensor);
}

START_TEST(what_is_not_idle_is_busy)
{
    put("cpu0 100 100 100 100 100 100 100 100 50 50\ncpu2 1 1 1 1 1 1 1 1 0 0\n");
    ck_assert(isnan(busy(0))); /* since when is not known */
    put("cpu0 110 110 110 120 110 110 110 120 60 60\ncpu2 1 1 1 11 1 1 1 1 0 0\n");
    ck_assert_double_eq_tol(busy(0), 0.7, 1e-9); /* idle 20 and waiting 10 of 100 */
    ck_assert_double_eq_tol(busy(2), 0, 1e-9);
    ck_assert(isnan(busy(1)));
    ck_assert(isnan(busy(4)));
    put("cpu0 210 110 110 120 110 110 110 120 60 60\ncpu2 1 1 1 11 1 1 1 1 0 0\n");
    ck_assert_double_eq_tol(busy(0), 1, 1e-9);
    ck_assert(isnan(busy(2))); /* not even its idle time goes on: it is offline */
}
END_TEST

START_TEST(idle_times_may_go_back)
{
    put("cpu0 0 0 0 100 50 0 0 0 0 0\n");
    put("cpu0 0 0 0 110 20 0 0 0 0 0\n");
    ck_assert(isnan(busy(0)));
    put("cpu0 5 0 0 115 20 0 0 0 0 0\n");
    ck_assert_double_eq_tol(busy(0), 0.5, 1e-9);
}
END_TEST

START_TEST(lines_that_are_none)
{
    put("cpu0\ncpu1 1 2\ncpux 1 1 1 1 1 1 1 1\ncpu9 1 1 1 1 1 1 1 1\ncpu3 1 1 1 1 1 1 1 -1\n");
    put("cpu0\ncpu1 2 3\ncpux 2 2 2 2 2 2 2 2\ncpu9 2 2 2 2 2 2 2 2\ncpu3 2 2 2 2 2 2 2 -1\n");
    for (uint32_t cpu = 0; cpu < 4; cpu++)
        ck_assert(isnan(busy(cpu)));
}
END_TEST

START_TEST(what_is_old_is_not_known)
{
    put("cpu0 1 0 0 1 0 0 0 0 0 0\n");
    put("cpu0 2 0 0 2 0 0 0 0 0 0\n");
    fixture_clock(110 * SECOND);
    ck_assert_double_eq_tol(busy(0), 0.5, 1e-9);
    fixture_clock(110 * SECOND + 1);
    ck_assert(isnan(busy(0)));
}
END_TEST

Suite *cpus_suite(void)
{
    Suite *suite = suite_create("cpus");
    TCase *tests = tcase_create("cpus");
    tcase_add_checked_fixture(tests, start, stop);
    tcase_add_test(tests, what_is_not_idle_is_busy);
    tcase_add_test(tests, idle_times_may_go_back);
    tcase_add_test(tests, lines_that_are_none);
    tcase_add_test(tests, what_is_old_is_not_known);
    suite_add_tcase(suite, tests);
    return suite;
}
