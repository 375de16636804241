/* SPDX-License-Identifier: MIT */
/* How values get from collectors to readers: whole or not at all, and freed in the end. */
#include "fixture.h"
#include "suites.h"

#include "daemon/collect/collector.h"
#include "daemon/collect/drain.h"
#include "shmlib/guard.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct pipeline pipeline;
static const struct computed_family *const none[] = {NULL};

/* Fills the computed row with what the plan says its length is. */
static void compute_length(void *argument, const struct plan *plan, const struct snapshot *snapshot,
                           union word *row)
{
    (void)argument, (void)snapshot;
    for (uint32_t i = 0; i < plan->set.computed_words; i++)
        row[i].count = plan->set.words;
}

static void start(void)
{
    fixture_start();
    pipeline_start(&pipeline, TWO_NODES, compute_length, NULL);
}

static void stop(void)
{
    pipeline_stop(&pipeline);
    fixture_stop();
}

static const struct engram_family_entry about = {
    .name = "f", .kind = ENGRAM_GAUGE, .unit = "", .help = "F."};
static const char *const many_labels[] = {"a=\"1\"", "a=\"2\"", "a=\"3\"", "a=\"4\"",
                                          "a=\"5\"", "a=\"6\"", "a=\"7\"", NULL};

/* A plan of `words` series that are computed. */
static struct plan *plan_of(uint32_t words)
{
    const struct computed_family family = {.about = &about, .labels = many_labels + 7 - words};
    const struct computed_family *const computed[] = {&family, NULL};
    struct totals *empty = totals_new(2, 0, 0, 0);
    struct plan_input input = {.totals = empty, .computed = computed, .nodes = 2};
    struct plan *plan = plan_build(&input);
    totals_release(empty);
    ck_assert_ptr_nonnull(plan);
    ck_assert_uint_eq(plan->set.words, words);
    return plan;
}

/* What a socket would publish: every word of its rows holds the plan's length. */
static void publish(struct plan *plan, uint32_t socket)
{
    struct partial *partial = partial_new(pipeline.store, plan, socket);
    ck_assert_ptr_nonnull(partial);
    for (uint32_t i = 0; i < plan->set.words; i++) {
        partial->nodes[socket][i].count = plan->set.words;
        if (partial->host)
            partial->host[i].count = plan->set.words;
    }
    snapshot_publish_partial(pipeline.store, socket, partial);
}

/* Words of the newest snapshot, 0 if there is none. */
static uint32_t whole_words(void)
{
    const struct snapshot *snapshot = snapshot_begin(pipeline.store);
    uint32_t words = snapshot ? snapshot->set->words : 0;
    snapshot_end();
    return words;
}

START_TEST(nothing_is_there_before_the_first)
{
    ck_assert_ptr_null(snapshot_hold_plan(pipeline.store));
    ck_assert_uint_eq(whole_words(), 0);
    collect_once(pipeline.store, pipeline.topology, pipeline.self); /* no plan: nothing to do */
    ck_assert_uint_eq(whole_words(), 0);
}
END_TEST

START_TEST(parts_of_two_plans_make_no_whole)
{
    struct plan *first = plan_of(3), *second = plan_of(5);
    publish(first, 0);
    ck_assert_uint_eq(whole_words(), 0);
    publish(second, 1);
    ck_assert_uint_eq(whole_words(), 0);
    publish(second, 0);
    ck_assert_uint_eq(whole_words(), 5);
    publish(first, 1); /* the last whole stands while a plan spreads */
    ck_assert_uint_eq(whole_words(), 5);
    publish(first, 0);
    ck_assert_uint_eq(whole_words(), 3);
    plan_release(first);
    plan_release(second);
}
END_TEST

static const struct snapshot *look(void)
{
    const struct snapshot *snapshot = snapshot_begin(pipeline.store);
    snapshot_end(); /* nobody else is there to replace it */
    return snapshot;
}

/* One that hangs stops nobody else, not even when the plan is another one. */
START_TEST(socket_that_is_out_has_no_rows)
{
    struct plan *first = plan_of(3), *second = plan_of(5);
    publish(first, 0);
    publish(first, 1);
    ck_assert(!look()->incomplete);
    ck_assert(snapshot_expire(pipeline.store, 1));
    ck_assert(look()->incomplete);
    ck_assert_ptr_null(look()->nodes[1]);
    ck_assert_ptr_nonnull(look()->nodes[0]);
    ck_assert_ptr_nonnull(look()->host);
    publish(second, 0);
    ck_assert_uint_eq(whole_words(), 5);
    snapshot_publish_plan(pipeline.store, plan_hold(first));
    ck_assert(snapshot_expire(pipeline.store, 0));
    ck_assert_uint_eq(whole_words(), 3); /* nothing but what is computed */
    ck_assert_ptr_null(look()->nodes[0]);
    ck_assert_ptr_null(look()->host);
    publish(first, 1);
    ck_assert_ptr_nonnull(look()->nodes[1]);
    publish(first, 0);
    ck_assert(!look()->incomplete);
    plan_release(first);
    plan_release(second);
}
END_TEST

/* Whoever hung would show counters as they were before. */
START_TEST(late_values_are_dropped)
{
    struct plan *plan = plan_of(1);
    publish(plan, 0);
    struct partial *before = partial_new(pipeline.store, plan, 1);
    publish(plan, 1);
    const struct snapshot *shown = look();
    snapshot_publish_partial(pipeline.store, 1, before);
    ck_assert_ptr_eq(look(), shown);
    before = partial_new(pipeline.store, plan, 1);
    ck_assert(snapshot_expire(pipeline.store, 1));
    snapshot_publish_partial(pipeline.store, 1, before);
    ck_assert_ptr_null(look()->nodes[1]);
    plan_release(plan);
}
END_TEST

START_TEST(sums_need_all_sockets)
{
    struct engram_spec spec = {.name = engram_string("u")};
    fixture_process("p");
    engram_updown_add(engram_updown_register(&spec), 2);
    engram_gauge_set(engram_gauge_new("g", "", NULL), 1);
    engram_counter counter = engram_counter_new("c_total", "", NULL);
    fixture_add(counter, 0, 1);
    fixture_add(counter, 1, 2);
    pipeline_collect(&pipeline, none);
    ck_assert_double_eq(shown_value(pipeline.store, "u{"), 2);
    ck_assert(snapshot_expire(pipeline.store, 1));
    ck_assert_str_eq(shown(pipeline.store, "u{"), "");
    ck_assert_str_eq(shown(pipeline.store, "c_total{"),
                     "c_total{process=\"p\",numa_node=\"0\"} 1\n");
    ck_assert_double_eq(shown_value(pipeline.store, "g{"), 1);
    ck_assert(snapshot_expire(pipeline.store, 0));
    ck_assert_str_eq(shown(pipeline.store, "g{"), "");
    pipeline_collect(&pipeline, NULL);
    ck_assert_double_eq(shown_value(pipeline.store, "u{"), 2);
    ck_assert_double_eq(shown_value(pipeline.store, "g{"), 1);
}
END_TEST

START_TEST(part_has_the_rows_of_its_socket)
{
    struct plan *plan = plan_of(1);
    publish(plan, 1);
    publish(plan, 0);
    const struct snapshot *snapshot = snapshot_begin(pipeline.store);
    ck_assert_uint_eq(snapshot->node_count, 2);
    ck_assert_uint_eq(snapshot->nodes[0][0].count, 1);
    ck_assert_uint_eq(snapshot->nodes[1][0].count, 1);
    ck_assert_uint_eq(snapshot->host[0].count, 1);
    ck_assert_uint_eq(snapshot->computed[0].count, 1);
    snapshot_end();
    struct partial *second = partial_new(pipeline.store, plan, 1);
    ck_assert_ptr_null(second->host);
    ck_assert_ptr_null(second->nodes[0]);
    snapshot_publish_partial(pipeline.store, 1, second);
    plan_release(plan);
}
END_TEST

START_TEST(newest_plan_is_held)
{
    struct plan *first = plan_of(1), *second = plan_of(2);
    snapshot_publish_plan(pipeline.store, first);
    struct plan *held = snapshot_hold_plan(pipeline.store);
    ck_assert_ptr_eq(held, first);
    snapshot_publish_plan(pipeline.store, second);
    ck_assert_uint_eq(held->set.words, 1); /* retired, and yet there as long as it is held */
    plan_release(held);
    held = snapshot_hold_plan(pipeline.store);
    ck_assert_ptr_eq(held, second);
    plan_release(held);
}
END_TEST

START_TEST(cpus_count_to_their_node)
{
    struct engram_region *region = fixture_process("p");
    engram_counter counter = engram_counter_new("c_total", "", NULL);
    for (uint32_t cpu = 0; cpu < region->cpus; cpu++)
        fixture_add(counter, cpu, 10 + cpu);
    __atomic_fetch_add(engram_node_slot(region, 0, fixture_slot(counter.at)), 1, __ATOMIC_RELAXED);
    pipeline_collect(&pipeline, none);
    /* The machine has CPU 0 on node 0 and CPU 1 on node 1; all others are unknown: node 0. */
    uint64_t on_first = 1;
    for (uint32_t cpu = 0; cpu < region->cpus; cpu++)
        on_first += cpu == 1 ? 0 : 10 + cpu;
    ck_assert_double_eq(shown_value(pipeline.store, "c_total{process=\"p\",numa_node=\"0\"}"),
                        (double)on_first);
    ck_assert_double_eq(shown_value(pipeline.store, "c_total{process=\"p\",numa_node=\"1\"}"),
                        region->cpus > 1 ? 11 : 0);
}
END_TEST

#ifndef __SANITIZE_THREAD__ /* under it the load that faults is a call into its own runtime */
START_TEST(truncated_region_spoils_no_other)
{
    guard_install();
    fixture_process("good");
    fixture_add(engram_counter_new("c_total", "", NULL), 0, 5);
    fixture_process("bad");
    engram_counter_add(engram_counter_new("c_total", "", NULL), 5);
    pipeline_collect(&pipeline, none);
    char path[512];
    snprintf(path, sizeof path, "%s/%s", fixture_directory, fixture_name("bad"));
    ck_assert_int_eq(truncate(path, 0), 0);
    pipeline_collect(&pipeline, NULL);
    pipeline_collect(&pipeline, NULL);
    ck_assert_double_eq(shown_value(pipeline.store, "c_total{process=\"good\",numa_node=\"0\"}"),
                        5);
    struct plan *plan = snapshot_hold_plan(pipeline.store);
    ck_assert(!atomic_load(&plan->regions[0].region->truncated));
    ck_assert(atomic_load(&plan->regions[1].region->truncated));
    plan_release(plan);
}
END_TEST
#endif

static void await_collection(void)
{
    do {
        usleep(20000); /* all have had time for it: nobody moves twice */
        self_discovered(pipeline.self);
    } while (!self_has_moved(pipeline.self));
}

START_TEST(collectors_tick_until_stopped)
{
    fixture_process("p");
    engram_counter counter = engram_counter_new("c_total", "", NULL);
    snapshot_publish_plan(pipeline.store, pipeline_plan(&pipeline, none));
    struct collectors *collectors = collectors_start(&(struct collector_options){
        pipeline.store, pipeline.topology, pipeline.self, pipeline.pace, NULL, NULL});
    ck_assert_ptr_nonnull(collectors);
    await_collection();
    engram_counter_add(counter, 7);
    await_collection();
    await_collection();
    ck_assert_double_eq(shown_value(pipeline.store, "c_total{process=\"p\",numa_node=\"0\"}") +
                            shown_value(pipeline.store, "c_total{process=\"p\",numa_node=\"1\"}"),
                        7);
    ck_assert(collectors_stop(collectors));
    self_has_moved(pipeline.self);
    usleep(20000);
    self_discovered(pipeline.self);
    ck_assert(!self_has_moved(pipeline.self));
}
END_TEST

/* Wholes wait for each other, but not with what has ended. */
START_TEST(plan_that_is_replaced_is_let_go_at_once)
{
    fixture_process("p");
    struct plan *old = plan_hold(pipeline_plan(&pipeline, none));
    snapshot_publish_plan(pipeline.store, old);
    pipeline_collect(&pipeline, NULL);
    ck_assert_uint_gt(atomic_load(&old->references), 1);
    pipeline_collect(&pipeline, none);
    while (atomic_load(&old->references) > 1)
        usleep(1000);
    plan_release(old);
}
END_TEST

/* As when a thread that hung comes back beside the one in its place: each event is told once. */
START_TEST(two_drain_one_ring)
{
    static struct drain_look hung, other, later;
    const struct copy copy = {.of_cpu = false, .index = 0};
    struct engram_spec spec = {.name = engram_string("e")};
    fixture_process("p");
    engram_event event = engram_event_register(&spec);
    engram_set_limit(engram_process_state.region, 0); /* one ring, whatever the scheduler does */
    struct plan *plan = pipeline_plan(&pipeline, none);
    engram_process_state.region->nodes = 1; /* that of node 0; the reader has its own copy */
    engram_event_emit(event, 1, 2);
    drain_look(&plan->regions[0], copy, &hung);
    engram_event_emit(event, 3, 4);
    drain_look(&plan->regions[0], copy, &other);
    ck_assert(drain_take(&other));
    ck_assert(!drain_take(&hung));
    drain_look(&plan->regions[0], copy, &later);
    ck_assert_uint_eq(hung.drained.count, 1);
    ck_assert_uint_eq(other.drained.count, 2);
    ck_assert_uint_eq(later.drained.count, 0);
    ck_assert(drain_take(&later));
    plan_release(plan);
}
END_TEST

#define RECORDERS 3

static atomic_bool enough;

static void *record_flat_out(void *argument)
{
    const engram_histogram *histogram = argument;
    for (unsigned i = 0; !atomic_load(&enough); i++)
        engram_histogram_record(*histogram, i % 11);
    return NULL;
}

/* Of one histogram: whether its lines, in their order, make sense; its count. */
static double check_histogram(const char *node)
{
    char prefix[64];
    double last = 0;
    snprintf(prefix, sizeof prefix, "h_bucket{process=\"p\",numa_node=\"%s\"", node);
    for (const char *at = shown(pipeline.store, prefix); *at; at = strchr(at, '\n') + 1) {
        double count = strtod(strchr(at, ' '), NULL);
        ck_assert_double_ge(count, last);
        last = count;
    }
    snprintf(prefix, sizeof prefix, "h_count{process=\"p\",numa_node=\"%s\"", node);
    ck_assert_double_eq(shown_value(pipeline.store, prefix), last);
    return last;
}

/* Each scrape of the same snapshot, too, while a newer one is being made. */
START_TEST(histogram_is_whole_while_it_is_recorded)
{
    static const double bounds[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    struct engram_spec spec = {.name = engram_string("h"), .bounds = bounds, .bound_count = 9};
    pthread_t threads[RECORDERS];
    double before[2] = {0, 0};
    fixture_process("p");
    engram_histogram histogram = engram_histogram_register(&spec);
    for (int i = 0; i < RECORDERS; i++)
        pthread_create(&threads[i], NULL, record_flat_out, &histogram);
    pipeline_collect(&pipeline, none);
    for (int i = 0; i < 300; i++) {
        pipeline_collect(&pipeline, NULL);
        double counts[2] = {check_histogram("0"), check_histogram("1")};
        ck_assert(counts[0] >= before[0] && counts[1] >= before[1]);
        memcpy(before, counts, sizeof before);
    }
    atomic_store(&enough, true);
    for (int i = 0; i < RECORDERS; i++)
        pthread_join(threads[i], NULL);
    ck_assert_double_gt(before[0] + before[1], 1000);
}
END_TEST

#define PLANS 300
#define READERS 3

/* Failures are counted, since Check's assertions belong to the main thread. */
static atomic_bool done;
static atomic_uint wrong, seen[READERS];

static void *publish_plans(void *argument)
{
    (void)argument;
    snapshot_thread_start();
    for (uint32_t i = 0; i < PLANS; i++) {
        snapshot_publish_plan(pipeline.store, plan_of(1 + i % 7));
        sched_yield();
    }
    snapshot_thread_stop();
    return NULL;
}

static void *publish_parts(void *argument)
{
    const uint32_t *socket = argument;
    snapshot_thread_start();
    while (!atomic_load(&done)) {
        struct plan *plan = snapshot_hold_plan(pipeline.store);
        if (!plan)
            continue;
        publish(plan, *socket);
        plan_release(plan);
    }
    snapshot_thread_stop();
    return NULL;
}

static bool row_is(const union word *row, uint32_t words)
{
    for (uint32_t i = 0; i < words; i++)
        if (row[i].count != words)
            return false;
    return true;
}

static bool is_whole(const struct snapshot *snapshot)
{
    uint32_t words = snapshot->set->words;
    return row_is(snapshot->nodes[0], words) && row_is(snapshot->nodes[1], words) &&
           row_is(snapshot->host, words) && row_is(snapshot->computed, words) &&
           snapshot->set->count == 1 && snapshot->set->families[0].count == words &&
           strcmp(snapshot->set->families[0].name, "f") == 0;
}

/* Looks twice at each snapshot, with time to be replaced in between. */
static void *read_snapshots(void *argument)
{
    atomic_uint *count = argument;
    snapshot_thread_start();
    while (!atomic_load(&done)) {
        const struct snapshot *snapshot = snapshot_begin(pipeline.store);
        if (snapshot) {
            bool whole = is_whole(snapshot);
            sched_yield();
            atomic_fetch_add(&wrong, !whole || !is_whole(snapshot));
            atomic_fetch_add(count, 1);
        }
        snapshot_end();
    }
    snapshot_thread_stop();
    return NULL;
}

START_TEST(readers_hold_what_is_replaced)
{
    static uint32_t sockets[] = {0, 1};
    pthread_t plans, parts[2], readers[READERS];
    for (int i = 0; i < READERS; i++)
        pthread_create(&readers[i], NULL, read_snapshots, &seen[i]);
    for (int i = 0; i < 2; i++)
        pthread_create(&parts[i], NULL, publish_parts, &sockets[i]);
    pthread_create(&plans, NULL, publish_plans, NULL);
    pthread_join(plans, NULL);
    for (int i = 0; i < READERS; i++)
        while (atomic_load(&seen[i]) < 10)
            sched_yield();
    atomic_store(&done, true);
    for (int i = 0; i < 2; i++)
        pthread_join(parts[i], NULL);
    for (int i = 0; i < READERS; i++)
        pthread_join(readers[i], NULL);
    ck_assert_uint_eq(atomic_load(&wrong), 0);
}
END_TEST

Suite *snapshot_suite(void)
{
    Suite *suite = suite_create("snapshot");
    TCase *tests = tcase_create("store");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, start, stop);
    tcase_add_test(tests, nothing_is_there_before_the_first);
    tcase_add_test(tests, parts_of_two_plans_make_no_whole);
    tcase_add_test(tests, part_has_the_rows_of_its_socket);
    tcase_add_test(tests, socket_that_is_out_has_no_rows);
    tcase_add_test(tests, late_values_are_dropped);
    tcase_add_test(tests, sums_need_all_sockets);
    tcase_add_test(tests, newest_plan_is_held);
    tcase_add_test(tests, cpus_count_to_their_node);
#ifndef __SANITIZE_THREAD__
    tcase_add_test(tests, truncated_region_spoils_no_other);
#endif
    tcase_add_test(tests, histogram_is_whole_while_it_is_recorded);
    tcase_add_test(tests, collectors_tick_until_stopped);
    tcase_add_test(tests, plan_that_is_replaced_is_let_go_at_once);
    tcase_add_test(tests, two_drain_one_ring);
    tcase_add_test(tests, readers_hold_what_is_replaced);
    suite_add_tcase(suite, tests);
    return suite;
}
