/* SPDX-License-Identifier: MIT */
/* Plans of real regions, judged by what is served in the end. */
#include "fixture.h"
#include "suites.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct pipeline pipeline;
static const struct computed_family *const none[] = {NULL};

static void start(void)
{
    fixture_start();
    pipeline_start(&pipeline, ONE_NODE, NULL, NULL);
}

static void stop(void)
{
    pipeline_stop(&pipeline);
    fixture_stop();
}

static const char *collected(const char *prefix)
{
    pipeline_collect(&pipeline, none);
    return shown(pipeline.store, prefix);
}

static uint32_t conflicts(void)
{
    struct plan *plan = pipeline_plan(&pipeline, none);
    uint32_t count = plan->conflicts;
    plan_release(plan);
    return count;
}

static engram_counter counter_new(const char *name)
{
    return engram_counter_new(name, "", NULL);
}

static engram_counter_total total_new(const char *name)
{
    struct engram_spec spec = {.name = engram_string(name)};
    return engram_counter_total_register(&spec);
}

static engram_updown updown_new(const char *name)
{
    struct engram_spec spec = {.name = engram_string(name)};
    return engram_updown_register(&spec);
}

static engram_histogram histogram_new(const char *name, double first, double second)
{
    const double bounds[] = {first, second};
    struct engram_spec spec = {.name = engram_string(name), .bounds = bounds, .bound_count = 2};
    return engram_histogram_register(&spec);
}

static void record_one_of_each(uint64_t amount)
{
    engram_counter_add(counter_new("c_total"), amount);
    engram_counter_set(total_new("t_total"), 10 * amount);
    engram_updown_add(updown_new("u"), -(int64_t)amount);
    engram_histogram_record(histogram_new("h", 1, 2), (double)amount);
}

START_TEST(processes_of_one_name_add_up)
{
    fixture_process("twin");
    record_one_of_each(1);
    fixture_process("twin");
    record_one_of_each(3);
    ck_assert_str_eq(collected("c_total"), "c_total{process=\"twin\",numa_node=\"0\"} 4\n");
    ck_assert_str_eq(collected("t_total"), "t_total{process=\"twin\"} 40\n");
    ck_assert_str_eq(collected("u"), "u{process=\"twin\"} -4\n");
    ck_assert_str_eq(collected("h_"), "h_bucket{process=\"twin\",numa_node=\"0\",le=\"1.0\"} 1\n"
                                      "h_bucket{process=\"twin\",numa_node=\"0\",le=\"2.0\"} 1\n"
                                      "h_bucket{process=\"twin\",numa_node=\"0\",le=\"+Inf\"} 2\n"
                                      "h_sum{process=\"twin\",numa_node=\"0\"} 4\n"
                                      "h_count{process=\"twin\",numa_node=\"0\"} 2\n");
    ck_assert_uint_eq(conflicts(), 0);
}
END_TEST

START_TEST(processes_of_two_names_stay_apart)
{
    fixture_process("b");
    engram_counter_add(counter_new("c_total"), 1);
    fixture_process("a");
    engram_counter_add(counter_new("c_total"), 2);
    ck_assert_str_eq(collected("c_total"), "c_total{process=\"a\",numa_node=\"0\"} 2\n"
                                           "c_total{process=\"b\",numa_node=\"0\"} 1\n");
}
END_TEST

static const struct {
    enum engram_merge merge;
    const char *line;
} merges[] = {{ENGRAM_YOUNGEST, "g{process=\"twin\"} 3\n"},
              {ENGRAM_SUM, "g{process=\"twin\"} 9\n"},
              {ENGRAM_MIN, "g{process=\"twin\"} 1\n"},
              {ENGRAM_MAX, "g{process=\"twin\"} 5\n"}};

START_TEST(gauges_merge_as_they_say)
{
    static const double values[] = {5, 1, 3}; /* of the oldest first */
    struct engram_spec spec = {.name = {"g", 1}, .merge = merges[_i].merge};
    for (int i = 0; i < 3; i++) {
        fixture_process("twin");
        engram_gauge_set(engram_gauge_register(&spec), values[i]);
    }
    fixture_process("twin");
    engram_gauge_register(&spec); /* never set: counts for nothing, though it is the youngest */
    ck_assert_str_eq(collected("g{"), merges[_i].line);
}
END_TEST

START_TEST(gauge_nobody_set_is_absent)
{
    fixture_process("p");
    engram_gauge_new("g", "", NULL);
    ck_assert_str_eq(collected("g{"), "");
}
END_TEST

/* The older process has the name that sorts last, so that only its arrival can put it first; what
 * the younger one says of its own birth does not count. */
START_TEST(older_type_stands)
{
    static const char *const label[] = {"a", "1", NULL};
    fixture_process("z-old");
    engram_counter_add(counter_new("x"), 1);
    usleep(20000); /* files have a coarse clock */
    fixture_process("a-young")->born = 1;
    engram_gauge_set(engram_gauge_new("x", "", label), 2);
    engram_counter_add(counter_new("x"), 3);
    ck_assert_uint_eq(conflicts(), 1);
    ck_assert_str_eq(collected("# TYPE x "), "# TYPE x counter\n");
    ck_assert_str_eq(collected("x{"), "x{process=\"a-young\",numa_node=\"0\"} 3\n"
                                      "x{process=\"z-old\",numa_node=\"0\"} 1\n");
}
END_TEST

START_TEST(older_buckets_stand)
{
    fixture_process("z-old");
    engram_histogram_record(histogram_new("h", 1, 2), 1);
    usleep(20000);
    fixture_process("a-young")->born = 1;
    engram_histogram_record(histogram_new("h", 1, 3), 1);
    fixture_process("b-youngest");
    engram_histogram_record(histogram_new("h", 1, 2), 1);
    ck_assert_uint_eq(conflicts(), 1);
    ck_assert_str_eq(collected("h_count"), "h_count{process=\"b-youngest\",numa_node=\"0\"} 1\n"
                                           "h_count{process=\"z-old\",numa_node=\"0\"} 1\n");
}
END_TEST

/* With four buckets above 1, whatever they are. */
static engram_histogram exponential_new(const char *name, int per_octave)
{
    struct engram_spec spec = {.name = engram_string(name),
                               .least = 1,
                               .most = engram_exponential_bound(4, per_octave),
                               .per_octave = per_octave};
    return engram_histogram_register(&spec);
}

START_TEST(older_schema_stands)
{
    static const int per_octave[] = {1, 2, 1, 8};
    for (int i = 0; i < 4; i++) {
        char process[8];
        snprintf(process, sizeof process, "p%d", 9 - i);
        fixture_process(process);
        engram_histogram_record(exponential_new("h", per_octave[i]), 1);
        usleep(20000);
    }
    ck_assert_uint_eq(conflicts(), 2);
    ck_assert_str_eq(collected("h_count"), "h_count{process=\"p7\",numa_node=\"0\"} 1\n"
                                           "h_count{process=\"p9\",numa_node=\"0\"} 1\n");
}
END_TEST

/* Seconds and milliseconds are no sum; who names no unit has no other one. */
START_TEST(older_unit_stands)
{
    static const char *const units[] = {"seconds", "milliseconds", ""};
    struct engram_spec spec = {.name = engram_string("x_total")};
    for (int i = 0; i < 3; i++) {
        char process[8];
        snprintf(process, sizeof process, "p%d", 9 - i);
        spec.unit = engram_string(units[i]);
        fixture_process(process);
        engram_counter_add(engram_counter_register(&spec), 1);
        usleep(20000);
    }
    ck_assert_uint_eq(conflicts(), 1);
    ck_assert_str_eq(collected("x_total{"), "x_total{process=\"p7\",numa_node=\"0\"} 1\n"
                                            "x_total{process=\"p9\",numa_node=\"0\"} 1\n");
}
END_TEST

/* A family of ours is what the catalogue says, whoever comes first. */
START_TEST(catalogue_defines_its_families)
{
    static const char *const label[] = {"a", "1", NULL};
    struct engram_spec spec = {.name = engram_string("engram_false_memories_total"),
                               .help = engram_string("something else")};
    fixture_process("early");
    engram_gauge_set(engram_gauge_new("engram_false_memories_total", "", label), 2);
    fixture_process("late");
    engram_counter_add(engram_counter_register(&spec), 3);
    ck_assert_uint_eq(conflicts(), 1);
    ck_assert_str_eq(collected("engram_false_memories_total{"),
                     "engram_false_memories_total{process=\"late\",numa_node=\"0\"} 3\n");
    ck_assert_str_eq(collected("# HELP engram_false_memories_total something"), "");
}
END_TEST

START_TEST(totals_wrap_and_deltas_go_below_zero)
{
    fixture_process("p");
    engram_counter counter = counter_new("c_total");
    fixture_add(counter, 0, UINT64_MAX);
    ck_assert_str_eq(collected("c_total"),
                     "c_total{process=\"p\",numa_node=\"0\"} 18446744073709551615\n");
    __atomic_fetch_add(engram_node_slot(engram_region_of(counter.at), 0, fixture_slot(counter.at)),
                       3, __ATOMIC_RELAXED);
    engram_updown_add(updown_new("u"), -1);
    engram_gauge_add(engram_gauge_new("g", "", NULL), -1);
    ck_assert_str_eq(collected("c_total"), "c_total{process=\"p\",numa_node=\"0\"} 2\n");
    ck_assert_str_eq(collected("u{"), "u{process=\"p\"} -1\n");
    ck_assert_str_eq(collected("g{"), "g{process=\"p\"} -1\n");
}
END_TEST

/* Its buckets are, too; and no name that clashes with it stands before it. */
START_TEST(catalogue_defines_its_buckets)
{
    const char *values[ENGRAM_LABELS_MAX] = {"search", "0"};
    struct engram_label room[ENGRAM_LABELS_MAX];
    fixture_process("early");
    engram_histogram_record(histogram_new("engram_hnsw_traversal_hops", 1, 2), 1);
    engram_gauge_set(engram_gauge_new("engram_hnsw_traversal_hops_count", "", NULL), 1);
    fixture_process("late");
    struct engram_spec spec = engram_family_spec(ENGRAM_TRAVERSAL_HOPS, values, room);
    engram_histogram_record(engram_histogram_register(&spec), 3);
    ck_assert_uint_eq(conflicts(), 2);
    ck_assert_str_eq(collected("engram_hnsw_traversal_hops_count"),
                     "engram_hnsw_traversal_hops_count{layer=\"0\",query_type=\"search\","
                     "process=\"late\",numa_node=\"0\"} 1\n");
}
END_TEST

/* Those have as many cells and the same first one, but are twice as wide. */
START_TEST(catalogue_defines_its_schema)
{
    const char *values[ENGRAM_LABELS_MAX] = {"store"};
    struct engram_label room[ENGRAM_LABELS_MAX];
    struct engram_spec spec = engram_family_spec(ENGRAM_OPERATION_DURATION, values, room),
                       wide = spec;
    wide.least *= wide.least;
    wide.most *= wide.most;
    wide.per_octave = ENGRAM_PER_OCTAVE / 2;
    fixture_process("early");
    engram_histogram early = engram_histogram_register(&wide);
    fixture_process("late");
    engram_histogram late = engram_histogram_register(&spec);
    ck_assert(early.cells == late.cells && early.first >> 6 == late.first);
    ck_assert_uint_eq(conflicts(), 1);
    ck_assert_ptr_null(strstr(collected("engram_operation_duration_seconds_count"), "early"));
}
END_TEST

START_TEST(catalogue_has_ratios_by_tenths)
{
    const char *values[ENGRAM_LABELS_MAX] = {"a", "b"};
    struct engram_label room[ENGRAM_LABELS_MAX];
    fixture_process("p");
    struct engram_spec spec = engram_family_spec(ENGRAM_COMPLETION_SCORE, values, room);
    engram_histogram_record(engram_histogram_register(&spec), 0.5);
    ck_assert_uint_eq(conflicts(), 0);
}
END_TEST

/* The samples of both would have one name, in OpenMetrics or in text. */
static const char *const clashes[][2] = {
    {"x", "x_total"}, {"h", "h_count"}, {"h", "h_bucket"}, {"h", "h_sum"}};

static void register_clash(const char *process, const char *name)
{
    fixture_process(process);
    if (strcmp(name, "h") == 0)
        engram_histogram_record(histogram_new("h", 1, 2), 1);
    else if (strcmp(name, "x_total") == 0)
        engram_counter_add(counter_new("x_total"), 1);
    else
        engram_gauge_set(engram_gauge_new(name, "", NULL), 1);
}

START_TEST(samples_have_one_family)
{
    const char *const *names = clashes[_i / 2];
    const char *older = names[_i % 2], *younger = names[1 - _i % 2];
    char type[64];
    register_clash("older", older);
    usleep(20000);
    register_clash("younger", younger);
    ck_assert_uint_eq(conflicts(), 1);
    snprintf(type, sizeof type, "# TYPE %s ", older);
    ck_assert_str_ne(collected(type), "");
    snprintf(type, sizeof type, "# TYPE %s ", younger);
    ck_assert_str_eq(collected(type), "");
}
END_TEST

START_TEST(longer_names_need_not_clash)
{
    fixture_process("p");
    engram_gauge_set(engram_gauge_new("x", "", NULL), 1);
    engram_gauge_set(engram_gauge_new("x_total", "", NULL), 1); /* no counter's name is x */
    engram_gauge_set(engram_gauge_new("x_count", "", NULL), 1);
    engram_gauge_set(engram_gauge_new("_total", "", NULL), 1);
    ck_assert_uint_eq(conflicts(), 0);
}
END_TEST

/* Both are shown as gauges, or both as counters, but one is summed and one is not. */
START_TEST(one_series_is_of_one_kind)
{
    fixture_process("twin");
    engram_gauge_set(engram_gauge_new("g", "", NULL), 2);
    engram_counter_add(counter_new("c_total"), 2);
    fixture_process("twin");
    engram_updown_add(updown_new("g"), 5);
    engram_counter_set(total_new("c_total"), 5);
    fixture_process("twin");
    engram_counter_add(counter_new("c_total"), 1);
    ck_assert_uint_eq(conflicts(), 2);
    ck_assert_str_eq(collected("g{"), "g{process=\"twin\"} 2\n");
    ck_assert_str_eq(collected("c_total{"), "c_total{process=\"twin\",numa_node=\"0\"} 3\n");
}
END_TEST

START_TEST(labels_are_sorted_and_escaped)
{
    static const char *const labels[] = {"z", "1", "a", "q\"\\\n\xc3\xa9", "m", "", NULL};
    fixture_process("p");
    engram_counter_new("x_total", "", labels);
    ck_assert_str_eq(collected("x_total"),
                     "x_total{a=\"q\\\"\\\\\\n\xc3\xa9\",z=\"1\",process=\"p\",numa_node=\"0\"} "
                     "0\n");
}
END_TEST

START_TEST(dead_process_leaves_its_totals)
{
    struct engram_region *region = fixture_process("p");
    record_one_of_each(2);
    engram_gauge_set(engram_gauge_new("g", "", NULL), 2);
    ck_assert_str_eq(collected("g{"), "g{process=\"p\"} 2\n");
    fixture_end(region);
    ck_assert_str_eq(collected("g{"), "");
    ck_assert_str_eq(collected("u{"), "");
    ck_assert_str_eq(collected("c_total{"), "c_total{process=\"p\",numa_node=\"0\"} 2\n");
    ck_assert_str_eq(collected("t_total{"), "t_total{process=\"p\"} 20\n");
    ck_assert_str_eq(collected("h_count{"), "h_count{process=\"p\",numa_node=\"0\"} 1\n");
}
END_TEST

START_TEST(dead_process_does_not_hide_a_gauge)
{
    struct engram_region *region = fixture_process("twin");
    engram_gauge gauge = engram_gauge_new("g", "", NULL);
    fixture_process("twin");
    engram_gauge_set(gauge, 1);
    engram_gauge_set(engram_gauge_new("g", "", NULL), 2);
    fixture_end(region);
    ck_assert_str_eq(collected("g{"), "g{process=\"twin\"} 2\n");
}
END_TEST

START_TEST(events_are_no_series)
{
    struct engram_spec spec = {.name = {"e", 1}};
    fixture_process("p");
    struct plan *plan = pipeline_plan(&pipeline, none);
    ck_assert_uint_eq(plan->regions[0].ring, UINT32_MAX);
    plan_release(plan);
    engram_event event = engram_event_register(&spec);
    plan = pipeline_plan(&pipeline, none);
    ck_assert_uint_eq(plan->regions[0].ring, fixture_slot(event.at));
    ck_assert_ptr_null(plan_family(plan, "e"));
    plan_release(plan);
}
END_TEST

/* Whoever reads one series after the other reads memory as it lies. */
START_TEST(labels_lie_in_the_order_of_series)
{
    fixture_process("p");
    for (int i = 9; i >= 0; i--) {
        const char *labels[] = {"step", (const char[]){(char)('0' + i), 0}, NULL};
        engram_counter_new("steps_total", "Steps.", labels);
    }
    struct plan *plan = pipeline_plan(&pipeline, none);
    const struct family *family = plan_family(plan, "steps_total");
    ck_assert_ptr_nonnull(family);
    ck_assert_uint_eq(family->count, 10);
    for (uint32_t i = 1; i < family->count; i++) {
        const char *before = family->series[i - 1].labels;
        ck_assert_ptr_eq(family->series[i].labels, before + strlen(before) + 1);
    }
    plan_release(plan);
}
END_TEST

START_TEST(every_series_is_found_again)
{
    char name[32];
    fixture_process("p");
    for (int i = 0; i < 500; i++) {
        snprintf(name, sizeof name, "many_%d_total", i);
        counter_new(name);
    }
    struct plan *plan = pipeline_plan(&pipeline, none);
    for (int i = 0; i < 500; i++) {
        snprintf(name, sizeof name, "many_%d_total", i);
        const struct family *family = plan_family(plan, name);
        ck_assert(family && family_series(family, "process=\"p\""));
        ck_assert_ptr_null(family_series(family, "process=\"q\""));
    }
    ck_assert_ptr_null(plan_family(plan, "many_500_total"));
    ck_assert_uint_eq(plan->series_count, 500 + ENGRAM_OWN_COUNT);
    plan_release(plan);
}
END_TEST

static const struct engram_family_entry recorded_entry = {.name = "c_total"};
static const struct engram_family_entry fixed_entry = {
    .name = "fixed_ratio", .kind = ENGRAM_GAUGE, .unit = "ratio", .help = "Fixed."};
static const struct engram_family_entry derived_entry = {
    .name = "derived_total", .kind = ENGRAM_COUNTER, .unit = "", .help = "Derived."};
static const struct engram_family_entry by_node_entry = {
    .name = "by_node", .kind = ENGRAM_GAUGE, .unit = "", .help = "By node."};
static const struct engram_family_entry info_entry = {
    .name = "own_info", .kind = ENGRAM_GAUGE, .unit = "", .help = "Info."};

static const char *const fixed_labels[] = {"b=\"2\"", "a=\"1\"", NULL};
static const struct engram_family_entry single_entry = {
    .name = "single", .kind = ENGRAM_GAUGE, .unit = "", .help = "Single."};

static const char *const no_labels[] = {"", NULL};
static const struct computed_family fixed = {.about = &fixed_entry, .labels = fixed_labels};
static const struct computed_family info = {.about = &info_entry, .labels = no_labels};
static const struct computed_family single = {.about = &single_entry, .labels = no_labels};
static const struct computed_family derived = {.about = &derived_entry, .from = &recorded_entry};
static const struct computed_family by_node = {
    .about = &by_node_entry, .from = &recorded_entry, .by_node = true};
static const struct computed_family *const computed[] = {&fixed, &derived, &by_node,
                                                         &info,  &single,  NULL};

static void compute_ones(void *argument, const struct plan *plan, const struct snapshot *snapshot,
                         union word *row)
{
    (void)argument, (void)snapshot;
    for (uint32_t i = 0; i < plan->set.computed_words; i++)
        row[i].number = 1;
}

static void start_computing(void)
{
    fixture_start();
    pipeline_start(&pipeline, TWO_NODES, compute_ones, NULL);
}

START_TEST(computed_families_have_their_labels)
{
    pipeline_collect(&pipeline, computed);
    ck_assert_str_eq(shown(pipeline.store, "fixed_ratio"),
                     "fixed_ratio{a=\"1\"} 1\nfixed_ratio{b=\"2\"} 1\n");
    ck_assert_str_eq(shown(pipeline.store, "# HELP fixed_ratio"), "# HELP fixed_ratio Fixed.\n");
    ck_assert_str_eq(shown(pipeline.store, "# TYPE fixed_ratio"), "# TYPE fixed_ratio gauge\n");
    ck_assert_str_eq(shown(pipeline.store, "own_info"), "own_info 1\n");
    /* Nothing is there to derive them from. */
    ck_assert_str_eq(shown(pipeline.store, "# TYPE derived_total"), "");
    ck_assert_str_eq(shown(pipeline.store, "# TYPE by_node"), "");
}
END_TEST

START_TEST(derived_families_follow_what_is_recorded)
{
    static const char *const label[] = {"a", "1", NULL};
    fixture_process("twin");
    counter_new("c_total");
    fixture_process("twin"); /* the same series: derived once */
    counter_new("c_total");
    engram_counter_new("c_total", "", label);
    pipeline_collect(&pipeline, computed);
    ck_assert_str_eq(shown(pipeline.store, "derived_total"),
                     "derived_total{a=\"1\",process=\"twin\"} 1\n"
                     "derived_total{process=\"twin\"} 1\n");
    ck_assert_str_eq(shown(pipeline.store, "# TYPE derived"), "# TYPE derived_total counter\n");
    ck_assert_str_eq(shown(pipeline.store, "by_node"),
                     "by_node{a=\"1\",process=\"twin\",numa_node=\"0\"} 1\n"
                     "by_node{a=\"1\",process=\"twin\",numa_node=\"1\"} 1\n"
                     "by_node{process=\"twin\",numa_node=\"0\"} 1\n"
                     "by_node{process=\"twin\",numa_node=\"1\"} 1\n");
}
END_TEST

/* Whoever stands, a family is served once, as one type, and the other is counted. */
START_TEST(family_is_computed_or_recorded)
{
    fixture_process("p");
    engram_gauge_set(engram_gauge_new("single", "", NULL), 5);
    counter_new("own_info");
    struct plan *plan = pipeline_plan(&pipeline, computed);
    ck_assert_uint_eq(plan->conflicts, 2);
    ck_assert_uint_eq(plan_family(plan, "single")->count, 1);
    ck_assert_uint_eq(plan_family(plan, "own_info")->count, 1);
    plan_release(plan);
}
END_TEST

/* Or any process could hide what the daemon tells of itself. */
START_TEST(computed_family_stands_before_a_recorded_one)
{
    fixture_process("p");
    engram_gauge_set(engram_gauge_new("own_info", "", NULL), 5);
    engram_counter_add(counter_new("fixed_ratio"), 5);
    pipeline_collect(&pipeline, computed);
    ck_assert_str_eq(shown(pipeline.store, "own_info"), "own_info 1\n");
    ck_assert_str_eq(shown(pipeline.store, "fixed_ratio"),
                     "fixed_ratio{a=\"1\"} 1\nfixed_ratio{b=\"2\"} 1\n");
}
END_TEST

/* Names that sort in another order than they were registered in, by two processes of one name. */
START_TEST(rows_are_laid_out_as_memory_is)
{
    static const char *const names[] = {"c_total", "a_total", "d_total", "b_total"};
    for (uint64_t process = 0; process < 2; process++) {
        fixture_process("twin");
        for (uint64_t i = 0; i < 4; i++)
            engram_counter_add(counter_new(names[i]), 10 * process + i);
        engram_gauge_set(engram_gauge_new("g", "", NULL), 7);
    }
    struct plan *plan = pipeline_plan(&pipeline, none);
    for (int i = 0; i < 2; i++) {
        ck_assert_uint_eq(plan->regions[i].of[ENGRAM_PER_CPU].count, 1);
        ck_assert_uint_eq(plan->regions[i].of[ENGRAM_PER_CPU].all[0].cells, 4);
    }
    ck_assert_uint_eq(plan->set.host_words, 1); /* the gauge's, and nobody else's */
    ck_assert_uint_eq(plan->set.words, 5 + ENGRAM_OWN_COUNT);
    plan_release(plan);
    ck_assert_str_eq(collected("a_total"), "a_total{process=\"twin\",numa_node=\"0\"} 12\n");
    ck_assert_str_eq(collected("d_total"), "d_total{process=\"twin\",numa_node=\"0\"} 14\n");
}
END_TEST

static TCase *of_regions(void)
{
    TCase *tests = tcase_create("regions");
    tcase_add_checked_fixture(tests, start, stop);
    tcase_add_test(tests, processes_of_one_name_add_up);
    tcase_add_test(tests, processes_of_two_names_stay_apart);
    tcase_add_loop_test(tests, gauges_merge_as_they_say, 0,
                        (int)(sizeof merges / sizeof merges[0]));
    tcase_add_test(tests, gauge_nobody_set_is_absent);
    tcase_add_test(tests, older_type_stands);
    tcase_add_test(tests, catalogue_defines_its_families);
    tcase_add_test(tests, catalogue_defines_its_buckets);
    tcase_add_test(tests, catalogue_defines_its_schema);
    tcase_add_test(tests, catalogue_has_ratios_by_tenths);
    tcase_add_loop_test(tests, samples_have_one_family, 0,
                        2 * (int)(sizeof clashes / sizeof clashes[0]));
    tcase_add_test(tests, longer_names_need_not_clash);
    tcase_add_test(tests, older_buckets_stand);
    tcase_add_test(tests, older_schema_stands);
    tcase_add_test(tests, older_unit_stands);
    tcase_add_test(tests, totals_wrap_and_deltas_go_below_zero);
    tcase_add_test(tests, one_series_is_of_one_kind);
    tcase_add_test(tests, labels_are_sorted_and_escaped);
    tcase_add_test(tests, dead_process_leaves_its_totals);
    tcase_add_test(tests, dead_process_does_not_hide_a_gauge);
    tcase_add_test(tests, events_are_no_series);
    tcase_add_test(tests, labels_lie_in_the_order_of_series);
    tcase_add_test(tests, every_series_is_found_again);
    tcase_add_test(tests, rows_are_laid_out_as_memory_is);
    return tests;
}

static TCase *of_families(void)
{
    TCase *tests = tcase_create("computed");
    tcase_add_checked_fixture(tests, start_computing, stop);
    tcase_add_test(tests, computed_families_have_their_labels);
    tcase_add_test(tests, derived_families_follow_what_is_recorded);
    tcase_add_test(tests, family_is_computed_or_recorded);
    tcase_add_test(tests, computed_family_stands_before_a_recorded_one);
    return tests;
}

Suite *plan_suite(void)
{
    Suite *suite = suite_create("plan");
    suite_add_tcase(suite, of_regions());
    suite_add_tcase(suite, of_families());
    return suite;
}
