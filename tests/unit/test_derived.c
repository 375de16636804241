/* SPDX-License-Identifier: MIT */
/* What the daemon computes: from recorded families over a window, and about itself. */
#include "fixture.h"
#include "suites.h"

#include "daemon/snapshot/derived.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <sys/utsname.h>
#include <unistd.h>

#define SECOND UINT64_C(1000000000)
#define WINDOW 60 /* samples, as in daemon/snapshot/derived.c */

static struct pipeline pipeline;
static struct derived *derived;
static uint64_t now;

static void compute_derived(void *argument, const struct plan *plan,
                            const struct snapshot *snapshot, union word *row)
{
    (void)argument;
    derived_fill(derived, plan, snapshot, row);
}

static void set_clock(uint64_t ns)
{
    now = ns;
    fixture_clock(now);
}

static void start(void)
{
    fixture_start();
    set_clock(1000 * SECOND);
    derived = derived_new();
    pipeline_start(&pipeline, TWO_NODES, compute_derived, NULL);
    fixture_process("p");
}

static void stop(void)
{
    pipeline_stop(&pipeline);
    derived_free(derived);
    fixture_stop();
}

/* A plan of what is registered by now, and the sample of this second. */
static void replan(void)
{
    pipeline_collect(&pipeline, derived_families());
}

static void pass(uint64_t ns)
{
    set_clock(now + ns);
    pipeline_collect(&pipeline, NULL);
}

static double value(const char *prefix)
{
    return shown_value(pipeline.store, prefix);
}

/* Absent, and not NaN. */
#define ASSERT_ABSENT(prefix) ck_assert_str_eq(shown(pipeline.store, prefix), "")

#define RATE "engram_false_memory_generation_rate"
#define PERCENT "engram_cache_aligned_allocations_percent"
#define MEAN "engram_pattern_completion_plausibility"
#define THROUGHPUT "engram_batch_operation_throughput"
#define CONTENTION "engram_atomic_operation_contention"

/* The two counters of a ratio, registered together. */
static engram_counter trials, false_memories;

static void register_ratio(void)
{
    trials = engram_counter_of(ENGRAM_FALSE_MEMORY_TRIALS, "drm", "0.7");
    false_memories = engram_counter_of(ENGRAM_FALSE_MEMORIES, "drm", "0.7");
}

static void happen(uint64_t of, uint64_t those)
{
    engram_counter_add(trials, of);
    engram_counter_add(false_memories, those);
}

START_TEST(ratio_goes_up_and_down)
{
    register_ratio();
    happen(1000, 1000); /* before the first sample: not of the window */
    replan();
    ASSERT_ABSENT(RATE);
    happen(10, 5);
    pass(SECOND);
    ck_assert_str_eq(shown(pipeline.store, RATE),
                     RATE "{paradigm=\"drm\",plausibility_threshold=\"0.7\",process=\"p\"} 0.5\n");
    happen(10, 0);
    pass(SECOND);
    ck_assert_double_eq(value(RATE), 0.25);
    happen(20, 15);
    pass(SECOND);
    ck_assert_double_eq(value(RATE), 0.5);
}
END_TEST

/* Anybody may register these names as something else: then there is nothing to derive. */
START_TEST(sources_of_another_kind_are_let_be)
{
    static const char *const drm[] = {"paradigm", "drm", "plausibility_threshold", "0.7", NULL};
    engram_counter_add(engram_counter_new("engram_pattern_completion_score", "", NULL), 1);
    engram_gauge_set(engram_gauge_new("engram_batch_items_total", "", NULL), 1);
    engram_histogram_record(engram_histogram_new("engram_false_memory_trials_total", "", drm), 1);
    false_memories = engram_counter_new("engram_false_memories_total", "", drm);
    replan();
    engram_counter_add(false_memories, 1);
    pass(SECOND);
    ASSERT_ABSENT(MEAN);
    ASSERT_ABSENT(THROUGHPUT);
    ASSERT_ABSENT(RATE);
}
END_TEST

START_TEST(ratio_is_absent_once_the_window_is_empty)
{
    register_ratio();
    replan();
    happen(10, 10);
    pass(SECOND);
    for (int i = 2; i < WINDOW; i++) {
        pass(SECOND);
        ck_assert_double_eq(value(RATE), 1); /* within the window */
    }
    pass(SECOND);
    ASSERT_ABSENT(RATE);
    happen(4, 1);
    pass(SECOND);
    ck_assert_double_eq(value(RATE), 0.25); /* and what was before has no part in it */
}
END_TEST

/* Ticks are shorter than a second, and what happened in the last of them is seen at once. */
START_TEST(values_move_between_samples)
{
    register_ratio();
    replan();
    happen(2, 1);
    pass(SECOND / 10);
    ck_assert_double_eq(value(RATE), 0.5);
    happen(2, 0);
    pass(SECOND / 10);
    ck_assert_double_eq(value(RATE), 0.25);
    for (int i = 0; i < 10 * (WINDOW - 2); i++)
        pass(SECOND / 10);
    ck_assert_double_eq(value(RATE), 0.25); /* 600 ticks are no 600 samples */
}
END_TEST

START_TEST(ratio_needs_both_counters)
{
    trials = engram_counter_of(ENGRAM_FALSE_MEMORY_TRIALS, "drm", "0.7");
    false_memories = engram_counter_of(ENGRAM_FALSE_MEMORIES, "drm", "0.9");
    replan();
    happen(10, 5);
    pass(SECOND);
    ASSERT_ABSENT(RATE);
}
END_TEST

START_TEST(percent_is_a_hundred_times_the_ratio)
{
    engram_counter all = engram_counter_of(ENGRAM_ALLOCATIONS, "64", "");
    engram_counter aligned = engram_counter_of(ENGRAM_ALIGNED_ALLOCATIONS, "64", "");
    replan();
    ASSERT_ABSENT(PERCENT);
    engram_counter_add(all, 8);
    engram_counter_add(aligned, 6);
    pass(SECOND);
    ck_assert_double_eq(value(PERCENT), 75);
    engram_counter_add(all, 8);
    pass(SECOND);
    ck_assert_double_eq(value(PERCENT), 37.5);
}
END_TEST

START_TEST(mean_is_of_the_window)
{
    engram_histogram score = engram_histogram_of(ENGRAM_COMPLETION_SCORE, "hippocampal", "true");
    engram_histogram_record(score, 1);
    replan();
    ASSERT_ABSENT(MEAN);
    engram_histogram_record(score, 0.25);
    engram_histogram_record(score, 0.75);
    engram_histogram_record(score, NAN);
    pass(SECOND);
    ck_assert_double_eq(value(MEAN), 0.5);
    engram_histogram_record(score, 1);
    engram_histogram_record(score, 1);
    pass(SECOND);
    ck_assert_double_eq(value(MEAN), 0.75);
    engram_histogram_record(score, 0);
    pass(SECOND);
    ck_assert_double_eq(value(MEAN), 0.6);
}
END_TEST

/* A rate needs a second; nothing done in the window is a rate of 0, which was measured. */
START_TEST(rate_is_per_second)
{
    engram_counter items = engram_counter_of(ENGRAM_BATCH_ITEMS, "store", "enabled");
    engram_counter_add(items, 1000);
    replan();
    ASSERT_ABSENT(THROUGHPUT);
    engram_counter_add(items, 30);
    pass(SECOND / 2);
    ASSERT_ABSENT(THROUGHPUT);
    pass(SECOND / 2);
    ck_assert_double_eq(value(THROUGHPUT), 30);
    pass(SECOND);
    ck_assert_double_eq(value(THROUGHPUT), 15);
    engram_counter_add(items, 60);
    pass(SECOND);
    ck_assert_double_eq(value(THROUGHPUT), 30);
    for (int i = 0; i < WINDOW; i++)
        pass(SECOND);
    ck_assert_double_eq(value(THROUGHPUT), 0);
}
END_TEST

/* The region of a dead process is removed, and its share of the totals with it. */
START_TEST(falling_total_starts_the_window_anew)
{
    struct engram_region *old = engram_process_state.region;
    register_ratio();
    happen(100, 100);
    fixture_end(old);
    char name[256];
    strcpy(name, fixture_name("p"));
    fixture_process("p");
    register_ratio();
    happen(1, 1);
    replan();
    happen(10, 5);
    pass(SECOND);
    ck_assert_double_eq(value(RATE), 0.5);
    ck_assert_int_eq(unlinkat(fixture_dir, name, 0), 0);
    replan();
    pass(SECOND);
    ASSERT_ABSENT(RATE);
    happen(4, 1);
    pass(SECOND);
    ck_assert_double_eq(value(RATE), 0.25);
}
END_TEST

START_TEST(samples_survive_a_new_plan)
{
    register_ratio();
    replan();
    happen(10, 5);
    pass(SECOND);
    ck_assert_double_eq(value(RATE), 0.5);
    /* It sorts first, so every position in the rows moves. */
    engram_counter_add(engram_counter_new("a_total", "", NULL), 7);
    engram_counter_of(ENGRAM_FALSE_MEMORY_TRIALS, "other", "0.7");
    engram_counter_of(ENGRAM_FALSE_MEMORIES, "other", "0.7");
    replan();
    ck_assert_double_eq(value(RATE "{paradigm=\"drm\""), 0.5);
    ASSERT_ABSENT(RATE "{paradigm=\"other\"");
    happen(10, 0);
    pass(SECOND);
    ck_assert_double_eq(value(RATE "{paradigm=\"drm\""), 0.25);
}
END_TEST

/* Processes with ever new label values, the first in any order, starve no other. */
START_TEST(each_process_has_its_share)
{
    engram_counter own = engram_counter_of(ENGRAM_BATCH_ITEMS, "zz", "avx2");
    fixture_process("flood");
    for (int i = 0; i < 9000; i++) {
        char operation[8];
        snprintf(operation, sizeof operation, "a%d", i);
        engram_counter_of(ENGRAM_BATCH_ITEMS, operation, "process=\"p\"");
    }
    replan();
    engram_counter_add(own, 100);
    pass(SECOND);
    ck_assert_double_eq(value(THROUGHPUT "{operation=\"zz\""), 100);
    ck_assert_double_eq(value(THROUGHPUT "{operation=\"a0\""), 0);
    ASSERT_ABSENT(THROUGHPUT "{operation=\"a999\"");
}
END_TEST

START_TEST(contention_is_of_each_node)
{
    engram_counter samples = engram_counter_of(ENGRAM_ATOMIC_SAMPLES, "fetch_add", "");
    engram_counter cycles = engram_counter_of(ENGRAM_ATOMIC_EXTRA_CYCLES, "fetch_add", "");
    replan();
    fixture_add(samples, 0, 4);
    fixture_add(cycles, 0, 10);
    pass(SECOND);
    ck_assert_str_eq(shown(pipeline.store, CONTENTION),
                     CONTENTION "{operation=\"fetch_add\",process=\"p\",numa_node=\"0\"} 2.5\n");
    if (engram_region_of(samples.at)->cpus < 2)
        return; /* nothing can be recorded on node 1 here */
    fixture_add(samples, 1, 4);
    fixture_add(cycles, 1, 2);
    pass(SECOND);
    ck_assert_str_eq(shown(pipeline.store, CONTENTION), CONTENTION
                     "{operation=\"fetch_add\",process=\"p\",numa_node=\"0\"} 2.5\n" CONTENTION
                     "{operation=\"fetch_add\",process=\"p\",numa_node=\"1\"} 0.5\n");
}
END_TEST

static void compute_self(void *argument, const struct plan *plan, const struct snapshot *snapshot,
                         union word *row)
{
    (void)argument, (void)snapshot;
    self_fill(pipeline.self, plan, row);
}

static void start_self(void)
{
    fixture_start();
    set_clock(1000 * SECOND);
    pipeline_start(&pipeline, ONE_NODE, compute_self, NULL);
    pipeline_collect(&pipeline, self_families(pipeline.self));
}

static void stop_self(void)
{
    pipeline_stop(&pipeline);
    fixture_stop();
}

/* Publishes again without collecting, which would overwrite what was said of collectors. */
static void republish(void)
{
    struct plan *plan = snapshot_hold_plan(pipeline.store);
    snapshot_publish_partial(pipeline.store, 0, partial_new(pipeline.store, plan, 0));
    plan_release(plan);
}

START_TEST(collectors_tell_how_they_fare)
{
    pipeline_stop(&pipeline);
    pipeline_start(&pipeline, TWO_NODES, compute_self, NULL);
    pipeline_collect(&pipeline, self_families(pipeline.self));
    ck_assert_str_eq(shown(pipeline.store, "engramd_build_info"),
                     "engramd_build_info{revision=\"r\",version=\"0\"} 1\n");
    struct utsname host;
    char target[256];
    ck_assert_int_eq(uname(&host), 0);
    snprintf(
        target, sizeof target,
        "host_name=\"%s\",os_type=\"linux\",service_name=\"engramd\",service_version=\"0\"} 1\n",
        host.nodename);
    ck_assert_ptr_nonnull(strstr(shown(pipeline.store, "target_info{host_arch=\"a"), target));
    self_collected(pipeline.self, 1, 2500000, false);
    self_collector_replaced(pipeline.self, 1);
    republish();
    ck_assert_str_eq(shown(pipeline.store, "engramd_collector_success"),
                     "engramd_collector_success{socket=\"0\"} 1\n"
                     "engramd_collector_success{socket=\"1\"} 0\n");
    ck_assert_double_eq(value("engramd_collector_duration_seconds{socket=\"1\"}"), 0.0025);
    ck_assert_double_eq(value("engramd_collector_replaced_total{socket=\"0\"}"), 0);
    ck_assert_double_eq(value("engramd_collector_replaced_total{socket=\"1\"}"), 1);
    self_collector_is_out(pipeline.self, 0);
    republish();
    ck_assert_double_eq(value("engramd_collector_success{socket=\"0\"}"), 0);
}
END_TEST

/* The watchdog is about the slowest of them. */
START_TEST(all_have_to_get_on)
{
    pipeline_stop(&pipeline);
    pipeline_start(&pipeline, TWO_NODES, compute_self, NULL);
    self_has_moved(pipeline.self);
    for (int idle = 0; idle < 4; idle++) {
        for (uint32_t i = 0; i < 2; i++)
            if (idle != (int)i)
                self_collected(pipeline.self, i, 1, true);
        if (idle != 2)
            self_discovered(pipeline.self);
        ck_assert_int_eq(self_has_moved(pipeline.self), idle == 3);
    }
}
END_TEST

START_TEST(pace_is_told_once_it_is_known)
{
    pipeline_collect(&pipeline, self_families(pipeline.self));
    ck_assert(isnan(value("engramd_self_cpu_ratio")));
    self_paced(pipeline.self, 0.2, 0.01);
    republish();
    ck_assert_double_eq(value("engramd_tick_seconds"), 0.2);
    ck_assert_double_eq(value("engramd_self_cpu_ratio"), 0.01);
}
END_TEST

/* What one socket's ring held must stand until that socket's next collection. */
START_TEST(every_socket_tells_of_its_rings)
{
    pipeline_stop(&pipeline);
    pipeline_start(&pipeline, TWO_NODES, compute_self, NULL);
    fixture_process("p");
    engram_set_limit(engram_process_state.region, 0); /* one ring, on socket 0 */
    struct engram_spec spec = {.name = {"e", 1}};
    engram_event event = engram_event_register(&spec);
    pipeline_collect(&pipeline, self_families(pipeline.self));
    engram_event_emit_at(event, now - 5000000, 1, 2);
    pipeline_collect(&pipeline, NULL);
    ck_assert_double_eq(value("engram_streaming_aggregation_lag_ms"), 5);
    ck_assert_double_eq(value("engram_lock_free_queue_utilization"), 1.0 / ENGRAM_RING_SLOTS);
    pipeline_collect(&pipeline, NULL);
    ck_assert_double_eq(value("engram_streaming_aggregation_lag_ms"), 0);
}
END_TEST

START_TEST(regions_are_counted)
{
    self_regions(pipeline.self, 3, 2, 1, 0);
    self_rejected(pipeline.self, REJECTION_SHORT);
    self_rejected(pipeline.self, REJECTION_SHORT);
    pass(1);
    ck_assert_str_eq(shown(pipeline.store, "engramd_regions{"),
                     "engramd_regions{state=\"alive\"} 3\n"
                     "engramd_regions{state=\"dead\"} 2\n"
                     "engramd_regions{state=\"quarantined\"} 1\n");
    ck_assert_double_eq(value("engramd_region_rejected_total{reason=\"short\"}"), 2);
    ck_assert_double_eq(value("engramd_region_rejected_total{reason=\"magic\"}"), 0);
}
END_TEST

START_TEST(exports_are_told_by_their_size)
{
    ASSERT_ABSENT("engram_metrics_export_duration_ms");
    self_exported(pipeline.self, 2000000, 1024);
    self_exported(pipeline.self, 3000000, 1025);
    self_exported(pipeline.self, 5000000, 16 << 20);
    pass(1);
    ck_assert_str_eq(shown(pipeline.store, "engram_metrics_export"),
                     "engram_metrics_export_duration_ms{format=\"prometheus\",size_kb=\"1\"} 2\n"
                     "engram_metrics_export_duration_ms{format=\"prometheus\",size_kb=\"16384\"} "
                     "5\n"
                     "engram_metrics_export_duration_ms{format=\"prometheus\",size_kb=\"64\"} 3\n");
}
END_TEST

START_TEST(responses_are_told_by_their_class)
{
    static const int statuses[] = {200, 200, 299, 404, 503, 99, 600, 0};
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++)
        self_requested(pipeline.self, statuses[i]);
    pass(1);
    ck_assert_str_eq(shown(pipeline.store, "engramd_http_responses_total"),
                     "engramd_http_responses_total{code=\"1xx\"} 0\n"
                     "engramd_http_responses_total{code=\"2xx\"} 3\n"
                     "engramd_http_responses_total{code=\"3xx\"} 0\n"
                     "engramd_http_responses_total{code=\"4xx\"} 1\n"
                     "engramd_http_responses_total{code=\"5xx\"} 1\n");
}
END_TEST

#define LAG "engram_streaming_aggregation_lag_ms"
#define QUEUE "engram_lock_free_queue_utilization"

static engram_event event_new(void)
{
    struct engram_spec spec = {.name = {"e", 1}};
    return engram_event_register(&spec);
}

START_TEST(rings_lag_and_fill)
{
    ASSERT_ABSENT(LAG);
    ASSERT_ABSENT(QUEUE);
    fixture_process("p");
    engram_set_limit(engram_process_state.region, 0); /* one ring, whatever the scheduler does */
    engram_event event = event_new();
    engram_event_emit_at(event, now - 5000000, 1, 2);
    engram_event_emit_at(event, now - 1000000, 1, 2);
    pipeline_collect(&pipeline, self_families(pipeline.self));
    pipeline_collect(&pipeline,
                     NULL); /* the rings of socket 0 were read before socket 1 published */
    ck_assert_double_eq(value("engramd_events_total"), 2);
    ck_assert_double_eq(value("engramd_events_missed_total"), 0);
    pipeline_collect(&pipeline, NULL);
    ck_assert_double_eq(value(LAG), 0); /* nothing waits any more */
    ck_assert_double_eq(value(QUEUE), 0);
}
END_TEST

static struct drained drained;

START_TEST(oldest_event_and_fullest_ring_count)
{
    fixture_process("p");
    event_new();
    pipeline_collect(&pipeline, self_families(pipeline.self));
    drained = (struct drained){.count = 64, .records[0].time = now - 5000000};
    self_saw_events(pipeline.self, 0, &drained, true);
    drained = (struct drained){.count = 2, .records[0].time = now - 9000000};
    self_saw_events(pipeline.self, 0, &drained, true);
    drained = (struct drained){.count = 200, .records[0].time = 1};
    self_saw_events(pipeline.self, 0, &drained, false); /* nobody waits for a dead process */
    drained = (struct drained){.count = 1, .records[0].time = now + 1};
    self_saw_events(pipeline.self, 0, &drained, true); /* from the future: no age */
    self_collected(pipeline.self, 0, 1, true);
    republish();
    ck_assert_double_eq(value(LAG), 9);
    ck_assert_double_eq(value(QUEUE), 64.0 / ENGRAM_RING_SLOTS);
    ck_assert_double_eq(value("engramd_events_total"), 267);
}
END_TEST

START_TEST(overrun_ring_is_full)
{
    fixture_process("p");
    event_new();
    pipeline_collect(&pipeline, self_families(pipeline.self));
    drained = (struct drained){.count = 3, .missed = 7, .records[0].time = now};
    self_saw_events(pipeline.self, 0, &drained, true);
    self_collected(pipeline.self, 0, 1, true);
    republish();
    ck_assert_double_eq(value(QUEUE), 1);
    ck_assert_double_eq(value("engramd_events_missed_total"), 7);
}
END_TEST

START_TEST(process_is_read_once_a_second)
{
    pass(SECOND);
    double before = value("process_open_fds");
    int fd = open("/dev/null", O_RDONLY);
    pass(SECOND / 2);
    ck_assert_double_eq(value("process_open_fds"), before);
    pass(SECOND / 2);
    ck_assert_double_eq(value("process_open_fds"), before + 1);
    close(fd);
    ck_assert_double_ge(value("process_threads"), 1);
    ck_assert_double_gt(value("process_resident_memory_bytes"), 0);
    ck_assert_double_gt(value("process_start_time_seconds"), 1e9);
}
END_TEST

static TCase *of_windows(void)
{
    TCase *tests = tcase_create("window");
    tcase_add_checked_fixture(tests, start, stop);
    tcase_add_test(tests, ratio_goes_up_and_down);
    tcase_add_test(tests, sources_of_another_kind_are_let_be);
    tcase_add_test(tests, ratio_is_absent_once_the_window_is_empty);
    tcase_add_test(tests, values_move_between_samples);
    tcase_add_test(tests, ratio_needs_both_counters);
    tcase_add_test(tests, percent_is_a_hundred_times_the_ratio);
    tcase_add_test(tests, mean_is_of_the_window);
    tcase_add_test(tests, rate_is_per_second);
    tcase_add_test(tests, falling_total_starts_the_window_anew);
    tcase_add_test(tests, samples_survive_a_new_plan);
    tcase_add_test(tests, each_process_has_its_share);
    tcase_add_test(tests, contention_is_of_each_node);
    return tests;
}

static TCase *of_the_daemon(void)
{
    TCase *tests = tcase_create("self");
    tcase_add_checked_fixture(tests, start_self, stop_self);
    tcase_add_test(tests, collectors_tell_how_they_fare);
    tcase_add_test(tests, all_have_to_get_on);
    tcase_add_test(tests, pace_is_told_once_it_is_known);
    tcase_add_test(tests, every_socket_tells_of_its_rings);
    tcase_add_test(tests, regions_are_counted);
    tcase_add_test(tests, exports_are_told_by_their_size);
    tcase_add_test(tests, responses_are_told_by_their_class);
    tcase_add_test(tests, rings_lag_and_fill);
    tcase_add_test(tests, oldest_event_and_fullest_ring_count);
    tcase_add_test(tests, overrun_ring_is_full);
    tcase_add_test(tests, process_is_read_once_a_second);
    return tests;
}

Suite *derived_suite(void)
{
    Suite *suite = suite_create("derived");
    suite_add_tcase(suite, of_windows());
    suite_add_tcase(suite, of_the_daemon());
    return suite;
}
