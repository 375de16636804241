/* SPDX-License-Identifier: MIT */
/* Known answers in every instruction set, on every core. */
#define _GNU_SOURCE
#include "fixture.h"
#include "suites.h"

#include "daemon/health/canary.h"

#include <sched.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define SECOND UINT64_C(1000000000)

static struct figures *figures;
static struct canary *canary;
static cpu_set_t allowed;
static int cores;

static void start_with(const struct simd_set *sets)
{
    ck_assert_int_eq(sched_getaffinity(0, sizeof allowed, &allowed), 0);
    cores = CPU_COUNT(&allowed);
    figures = figures_new();
    canary = canary_new(figures, sets);
    ck_assert_ptr_nonnull(canary);
}

static void start(void)
{
    start_with(simd_sets);
}

static void stop(void)
{
    fixture_clock(0);
    canary_free(canary);
    figures_free(figures);
}

/* --- Each instruction set --- */

START_TEST(every_set_gives_the_sum_of_integers)
{
    static _Alignas(64) float a[SIMD_DIMENSION], b[SIMD_DIMENSION];
    for (const struct simd_set *set = simd_sets; set->name; set++) {
        int sum = 0;
        if (!set->available())
            continue;
        for (int i = 0; i < SIMD_DIMENSION; i++) {
            int x = rand() % 64 - 32, y = rand() % 64 - 32;
            a[i] = (float)x;
            b[i] = (float)y;
            sum += x * y;
        }
        ck_assert_msg(set->dot(a, b) == (float)sum, "%s", set->name);
    }
}
END_TEST

/* Wherever a bit flips, it is in the result. */
START_TEST(no_element_is_left_out)
{
    static _Alignas(64) float a[SIMD_DIMENSION], b[SIMD_DIMENSION];
    for (int i = 0; i < SIMD_DIMENSION; i++)
        a[i] = b[i] = 1;
    for (const struct simd_set *set = simd_sets; set->name; set++)
        for (int i = 0; set->available() && i < SIMD_DIMENSION; i++) {
            uint32_t bits;
            memcpy(&bits, &a[i], sizeof bits);
            bits ^= 1u << 23; /* the exponent's last */
            memcpy(&a[i], &bits, sizeof bits);
            ck_assert_msg(set->dot(a, b) != SIMD_DIMENSION, "%s, element %d", set->name, i);
            a[i] = 1;
        }
}
END_TEST

/* --- Each core --- */

static bool there(void)
{
    return true;
}

static int visits[CPU_SETSIZE], wrong_cpu = -1;

static float on_core(const float *a, const float *b)
{
    int cpu = sched_getcpu();
    visits[cpu]++;
    return simd_sets[0].dot(a, b) + (cpu == wrong_cpu ? 1 : 0);
}

static const struct simd_set fake[] = {{"fake", there, on_core}, {NULL, NULL, NULL}};

static void start_fake(void)
{
    start_with(fake);
}

START_TEST(every_core_has_its_turn)
{
    cpu_set_t after;
    for (int i = 0; i < 2 * cores; i++)
        canary_run(canary);
    for (uint32_t cpu = 0; cpu < CPU_SETSIZE; cpu++)
        ck_assert_int_eq(visits[cpu], CPU_ISSET(cpu, &allowed) ? 2 : 0);
    ck_assert_int_eq(sched_getaffinity(0, sizeof after, &after), 0);
    ck_assert(CPU_EQUAL(&after, &allowed));
    struct finding finding = canary_look(canary);
    ck_assert_int_eq(finding.state, HEALTH_HEALTHY);
    ck_assert_int_eq(atoi(finding.reason), cores);
}
END_TEST

START_TEST(core_that_is_wrong_is_named_until_it_is_right)
{
    for (uint32_t cpu = 0; cpu < CPU_SETSIZE; cpu++)
        wrong_cpu = CPU_ISSET(cpu, &allowed) ? (int)cpu : wrong_cpu;
    for (int i = 0; i < cores - 1; i++)
        canary_run(canary);
    ck_assert_int_eq(canary_look(canary).state, cores > 1 ? HEALTH_HEALTHY : HEALTH_UNKNOWN);
    char expected[64];
    snprintf(expected, sizeof expected, "1 of %d cores compute wrongly; CPU %d did last, with fake",
             cores, wrong_cpu);
    canary_run(canary);
    for (int i = 0; i < cores; i++) {
        struct finding finding = canary_look(canary);
        ck_assert_int_eq(finding.state, HEALTH_UNHEALTHY);
        ck_assert_double_eq(finding.value, 1);
        ck_assert_str_eq(finding.reason, expected);
        if (i == cores - 1)
            wrong_cpu = -1;
        canary_run(canary);
    }
    ck_assert_int_eq(canary_look(canary).state, HEALTH_HEALTHY);
}
END_TEST

/* It was taken away, as who is warned of it will do. */
START_TEST(core_that_has_gone_is_forgotten)
{
    cpu_set_t others = allowed;
    for (uint32_t cpu = 0; cpu < CPU_SETSIZE; cpu++)
        wrong_cpu = CPU_ISSET(cpu, &allowed) ? (int)cpu : wrong_cpu;
    if (cores < 2)
        return;
    for (int i = 0; i < cores; i++)
        canary_run(canary);
    ck_assert_int_eq(canary_look(canary).state, HEALTH_UNHEALTHY);
    CPU_CLR((size_t)wrong_cpu, &others);
    ck_assert_int_eq(sched_setaffinity(0, sizeof others, &others), 0);
    canary_run(canary);
    ck_assert_int_eq(canary_look(canary).state, HEALTH_HEALTHY);
    ck_assert_int_eq(sched_setaffinity(0, sizeof allowed, &allowed), 0);
    for (int i = 0; i < cores; i++)
        canary_run(canary);
    ck_assert_int_eq(canary_look(canary).state, HEALTH_UNHEALTHY);
}
END_TEST

START_TEST(nothing_is_known_before_and_long_after)
{
    fixture_clock(100 * SECOND);
    ck_assert_int_eq(canary_look(canary).state, HEALTH_UNKNOWN);
    canary_run(canary);
    fixture_clock(110 * SECOND);
    ck_assert_int_eq(canary_look(canary).state, HEALTH_HEALTHY);
    fixture_clock(110 * SECOND + 1);
    ck_assert_int_eq(canary_look(canary).state, HEALTH_UNKNOWN);
}
END_TEST

Suite *canary_suite(void)
{
    Suite *suite = suite_create("canary");
    TCase *sets = tcase_create("sets"), *cores_of_all = tcase_create("cores");
    tcase_add_checked_fixture(sets, start, stop);
    tcase_add_test(sets, every_set_gives_the_sum_of_integers);
    tcase_add_test(sets, no_element_is_left_out);
    suite_add_tcase(suite, sets);
    tcase_add_checked_fixture(cores_of_all, start_fake, stop);
    tcase_add_test(cores_of_all, every_core_has_its_turn);
    tcase_add_test(cores_of_all, core_that_is_wrong_is_named_until_it_is_right);
    tcase_add_test(cores_of_all, core_that_has_gone_is_forgotten);
    tcase_add_test(cores_of_all, nothing_is_known_before_and_long_after);
    suite_add_tcase(suite, cores_of_all);
    return suite;
}
