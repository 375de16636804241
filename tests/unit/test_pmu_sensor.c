/* SPDX-License-Identifier: MIT */
/* What follows from events: all of them are counted by a kernel that is made up, each at a rate. */
#include "counting.h"
#include "suites.h"

#include <math.h>

/* For five seconds. */
static void count(void)
{
    counting_begin();
    for (int seconds = 0; seconds < 5; seconds++)
        counting_pass(1);
    counting_collect();
}

static void expect(const char *series, double value)
{
    double shown = counting_shown(series);
    if (isnan(value))
        ck_assert_msg(isnan(shown), "%s is %g", series, shown);
    else
        ck_assert_msg(fabs(shown - value) <= 1e-6 * fabs(value), "%s is %g", series, shown);
}

START_TEST(hits_are_what_did_not_miss)
{
    happens("l1d_loads", 1000);
    happens("l1d_load_misses", 100);
    happens("l2_reads", 100);
    happens("l2_read_misses", 25);
    happens("branches", 100);
    happens("branch_misses", 120); /* of speculation */
    count();
    expect("engram_cache_hit_ratio{level=\"l1\"}", 0.9);
    expect("engram_cache_hit_ratio{level=\"l2\"}", 0.75);
    expect("engram_cache_hit_ratio{level=\"l3\"}", NAN);
    expect("engram_branch_prediction_accuracy{component=\"machine\"}", 0);
}
END_TEST

START_TEST(share_of_nothing_is_absent)
{
    happens("l2_reads", 0);
    happens("l2_read_misses", 5);
    count();
    expect("engram_cache_hit_ratio{level=\"l2\"}", NAN);
}
END_TEST

static void all_numbers_count(void)
{
    static const char *const names[] = {"fp_scalar_single", "fp_128_single",    "fp_256_single",
                                        "fp_512_single",    "fp_scalar_double", "fp_128_double",
                                        "fp_256_double",    "fp_512_double"};
    for (int i = 0; i < 8; i++)
        happens(names[i], 4);
}

/* Of instructions with 1 + 4 + 8 + 16 + 1 + 2 + 4 + 8 numbers, 4 each. */
START_TEST(packed_operations_are_weighted_by_their_width)
{
    all_numbers_count();
    count();
    expect("engram_simd_utilization_percent{instruction_set=\"avx512\"}", 100.0 * 24 / 44);
    expect("engram_simd_utilization_percent{instruction_set=\"avx2\"}", 100.0 * 12 / 44);
    expect("engram_simd_utilization_percent{instruction_set=\"sse\"}", 100.0 * 6 / 44);
    expect("engram_simd_utilization_percent{instruction_set=\"sve\"}", NAN);
    expect("engram_simd_instructions_per_second{instruction_type=\"single\",vector_width=\"16\"}",
           4);
    expect("engram_simd_instructions_per_second{instruction_type=\"double\",vector_width=\"1\"}",
           4);
}
END_TEST

START_TEST(share_of_what_is_not_all_counted_is_absent)
{
    all_numbers_count();
    happens("fp_scalar_double", NAN);
    count();
    expect("engram_simd_utilization_percent{instruction_set=\"avx512\"}", NAN);
    expect("engram_simd_instructions_per_second{instruction_type=\"single\",vector_width=\"16\"}",
           4);
}
END_TEST

/* 60 cycles for each of 100 and 20 loads, of a core at 2 GHz while the reference is at 3. */
START_TEST(latency_is_in_time)
{
    happens("load_miss_cycles", 7200);
    happens("load_misses", 100);
    happens("load_misses_merged", 20);
    happens("core_cycles", 2000);
    happens("reference_cycles", 3000);
    count();
    expect("engram_cache_miss_latency_ns{level=\"l1\"}", 30);
    expect("engram_cache_miss_latency_ns{level=\"l3\"}", NAN);
}
END_TEST

START_TEST(loads_of_contended_lines_are_counted)
{
    happens("contended_loads_local", 100);
    happens("contended_loads_remote", 20);
    count(); /* the first read told nothing, nor did the second of hardware */
    expect("engram_contended_cache_line_loads_total{distance=\"socket\"}", 400);
    expect("engram_contended_cache_line_loads_total{distance=\"remote\"}", 80);
}
END_TEST

START_TEST(what_is_not_counted_is_not_zero)
{
    happens("contended_loads_local", 100);
    count();
    expect("engram_contended_cache_line_loads_total{distance=\"socket\"}", 400);
    expect("engram_contended_cache_line_loads_total{distance=\"remote\"}", NAN);
}
END_TEST

/* Nothing was contended in another socket, where there is one socket only. */
START_TEST(none_is_believed_of_a_group_that_counts)
{
    happens("contended_loads_local", 100);
    happens("contended_loads_remote", 0);
    happens("stalls_cache_miss", 0);
    happens("stalls_memory", 0);
    count();
    expect("engram_contended_cache_line_loads_total{distance=\"remote\"}", 0);
    expect("engram_pipeline_stalls_per_second{cause=\"memory\"}", NAN);
}
END_TEST

START_TEST(remote_memory_is_told_by_node)
{
    happens_on(0, "dram_loads_local", 90);
    happens_on(0, "dram_loads_remote", 10);
    happens_on(1, "dram_loads_local", 30);
    happens_on(1, "dram_loads_remote", 30);
    count();
    expect("engram_numa_remote_access_ratio{source=\"pmu\",source_node=\"0\"}", 0.1);
    expect("engram_numa_remote_access_ratio{source=\"pmu\",source_node=\"1\"}", 0.5);
}
END_TEST

START_TEST(rates_are_of_all_cpus)
{
    happens("stalls_cache_miss", 1000);
    happens("fma_operations", 64);
    happens("l2_lines_in", 100);
    happens("l2_useless_prefetches", 5);
    count();
    expect("engram_pipeline_stalls_per_second{cause=\"cache_miss\"}", 1000);
    expect("engram_pipeline_stalls_per_second{cause=\"memory\"}", NAN);
    expect("engram_fma_operations_per_second", 64);
    expect("engram_prefetch_useless_ratio{level=\"l2\"}", 0.05);
}
END_TEST

Suite *pmu_sensor_suite(void)
{
    Suite *suite = suite_create("pmu_sensor");
    TCase *tests = tcase_create("pmu_sensor");
    tcase_add_checked_fixture(tests, counting_start, counting_stop);
    tcase_add_test(tests, hits_are_what_did_not_miss);
    tcase_add_test(tests, share_of_nothing_is_absent);
    tcase_add_test(tests, packed_operations_are_weighted_by_their_width);
    tcase_add_test(tests, share_of_what_is_not_all_counted_is_absent);
    tcase_add_test(tests, latency_is_in_time);
    tcase_add_test(tests, loads_of_contended_lines_are_counted);
    tcase_add_test(tests, what_is_not_counted_is_not_zero);
    tcase_add_test(tests, none_is_believed_of_a_group_that_counts);
    tcase_add_test(tests, remote_memory_is_told_by_node);
    tcase_add_test(tests, rates_are_of_all_cpus);
    suite_add_tcase(suite, tests);
    return suite;
}
