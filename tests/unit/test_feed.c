/* SPDX-License-Identifier: MIT */
/* What has happened: in order, counted where it was overwritten, and named as its process named it.
 */
#include "fixture.h"
#include "suites.h"

#include "daemon/collect/announce.h"
#include "daemon/collect/collector.h"

#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#define ROOM 8

static struct pipeline pipeline;
static struct feed *feed;
static const struct computed_family *const none[] = {NULL};

static void fill_self(void *argument, const struct plan *plan, const struct snapshot *snapshot,
                      union word *row)
{
    (void)argument, (void)snapshot;
    self_fill(pipeline.self, plan, row);
}

static void start(void)
{
    fixture_start();
    pipeline_start(&pipeline, ONE_NODE, fill_self, NULL);
    feed = feed_new(ROOM);
    ck_assert_ptr_nonnull(feed);
}

static void stop(void)
{
    feed_free(feed);
    pipeline_stop(&pipeline);
    fixture_stop();
}

static engram_event event_of(const char *name)
{
    const struct engram_label labels[] = {{engram_string("a"), engram_string("1\"")}};
    const struct engram_spec spec = {
        .name = engram_string(name), .labels = labels, .label_count = 1};
    return engram_event_register(&spec);
}

/* `count` events of a kind, numbered from `first`. */
static void feed_numbers(struct event_source *source, engram_event event, uint64_t first,
                         uint32_t count)
{
    static struct drained drained;
    drained.count = count;
    for (uint32_t i = 0; i < count; i++)
        drained.records[i] =
            (struct engram_event_record){.kind = event.kind, .values = {first + i, 0}};
    feed_events(feed, source, 0, &drained);
}

/* The values of all items up to `end`, as a number of decimal digits: 3, 4, 5 is 345. */
static uint64_t read_digits(uint64_t *cursor, uint64_t end, uint64_t *missed)
{
    struct feed_item items[3];
    uint64_t digits = 0;
    for (uint32_t count; (count = feed_read(feed, cursor, end, items, 3, missed)) > 0;)
        for (uint32_t i = 0; i < count; i++) {
            digits = digits * 10 + items[i].values[0];
            event_source_release(items[i].source);
        }
    return digits;
}

static void make_room(uint32_t items)
{
    feed_free(feed);
    feed = feed_new(items);
    ck_assert_ptr_nonnull(feed);
}

static struct plan *plan_of_one(engram_event *event)
{
    fixture_process("p");
    *event = event_of("e");
    return pipeline_plan(&pipeline, none);
}

START_TEST(items_come_in_order_and_the_oldest_go)
{
    engram_event event;
    struct plan *plan = plan_of_one(&event);
    struct event_source *source = plan->regions[0].events;
    uint64_t cursor = 0, missed = 0;
    feed_numbers(source, event, 1, 5);
    ck_assert_uint_eq(read_digits(&cursor, 4, &missed), 1234);
    ck_assert_uint_eq(read_digits(&cursor, UINT64_MAX, &missed), 5);
    ck_assert_uint_eq(missed, 0);
    feed_numbers(source, event, 0, ROOM);
    feed_numbers(source, event, 8, 2);
    ck_assert_uint_eq(feed_tail(feed), 15 - ROOM);
    ck_assert_uint_eq(feed_head(feed), 15);
    ck_assert_uint_eq(read_digits(&cursor, UINT64_MAX, &missed), 23456789);
    ck_assert_uint_eq(missed, 2);
    plan_release(plan);
}
END_TEST

/* What lies behind the end is not touched, even if all before it is overwritten. */
START_TEST(reading_stops_at_the_end)
{
    engram_event event;
    struct plan *plan = plan_of_one(&event);
    uint64_t cursor = 0, missed = 0;
    feed_numbers(plan->regions[0].events, event, 1, ROOM);
    feed_numbers(plan->regions[0].events, event, 1, ROOM);
    ck_assert_uint_eq(read_digits(&cursor, 5, &missed), 0);
    ck_assert_uint_eq(cursor, 5);
    ck_assert_uint_eq(missed, 5);
    plan_release(plan);
}
END_TEST

START_TEST(names_outlive_their_region)
{
    engram_event event;
    struct plan *plan = plan_of_one(&event);
    struct feed_item item;
    uint64_t cursor = 0, missed = 0;
    feed_numbers(plan->regions[0].events, event, 1, 1);
    plan_release(plan);
    found_free(&pipeline.found);
    pipeline.found = (struct found){.totals = pipeline.totals};
    ck_assert_uint_eq(feed_read(feed, &cursor, UINT64_MAX, &item, 1, &missed), 1);
    const struct event_kind *kind = event_source_kind(item.source, item.kind);
    ck_assert_str_eq(kind->name, "e");
    ck_assert_str_eq(kind->labels, "a=\"1\\\"\",process=\"p\"");
    ck_assert_str_eq(item.source->labels, "process=\"p\"");
    event_source_release(item.source);
}
END_TEST

START_TEST(source_keeps_so_many_names)
{
    char name[16];
    fixture_process("p");
    for (int i = 0; i < EVENT_KINDS_MAX + 1; i++) {
        snprintf(name, sizeof name, "e%d", i);
        event_of(name);
    }
    struct plan *plan = pipeline_plan(&pipeline, none);
    struct event_source *source = plan->regions[0].events;
    ck_assert_uint_eq(source->published, EVENT_KINDS_MAX + 1);
    ck_assert_uint_eq(source->count, EVENT_KINDS_MAX);
    plan_release(plan);
}
END_TEST

/* An event that was emitted before any plan could know its kind is told all the same. */
START_TEST(kind_that_is_new_waits_for_its_name)
{
    struct topology *topology = pipeline.topology;
    uint64_t cursor = 0, missed = 0;
    make_room(8 * ROOM);
    struct engram_region *region = fixture_process("p");
    engram_event first = event_of("first");
    snapshot_publish_plan(pipeline.store, pipeline_plan(&pipeline, none));
    engram_event second = event_of("second");
    engram_set_limit(region, 0);
    engram_event_emit(first, 1, 0);
    engram_event_emit(second, 2, 0);
    struct collectors *collectors = collectors_start(&(struct collector_options){
        pipeline.store, topology, pipeline.self, pipeline.pace, feed, NULL});
    usleep(50000); /* ten ticks */
    ck_assert_uint_eq(feed_head(feed), 0);
    snapshot_publish_plan(pipeline.store, pipeline_plan(&pipeline, none));
    while (feed_head(feed) < 2)
        usleep(1000);
    ck_assert(collectors_stop(collectors));
    ck_assert_uint_eq(read_digits(&cursor, UINT64_MAX, &missed), 12);
}
END_TEST

/* One that nobody ever names holds up its ring for some seconds, and no longer; and is missed. */
START_TEST(kind_that_is_never_named_does_not_hold_up_others)
{
    uint64_t cursor = 0, missed = 0;
    struct engram_region *region = fixture_process("p");
    engram_event named = event_of("named"), unknown = named;
    unknown.kind += 8;
    snapshot_publish_plan(pipeline.store, pipeline_plan(&pipeline, none));
    engram_set_limit(region, 0);
    engram_event_emit(unknown, 1, 0);
    engram_event_emit(named, 2, 0);
    struct collectors *collectors = collectors_start(&(struct collector_options){
        pipeline.store, pipeline.topology, pipeline.self, pipeline.pace, feed, NULL});
    while (feed_head(feed) < 1)
        usleep(1000);
    ck_assert(collectors_stop(collectors));
    ck_assert_uint_eq(read_digits(&cursor, UINT64_MAX, &missed), 2);
    snapshot_publish_plan(pipeline.store, pipeline_plan(&pipeline, self_families(pipeline.self)));
    pipeline_collect(&pipeline, NULL);
    ck_assert_double_eq(shown_value(pipeline.store, "engramd_events_missed_total "), 1);
}
END_TEST

/* How many of `count` events an owner may add. */
static uint32_t allowed(uint32_t owner, uint64_t tick, uint32_t count)
{
    static struct drained drained;
    const struct event_source source = {.owner = owner};
    drained.count = count;
    drained.missed = 1;
    feed_limit(feed, &source, tick, &drained);
    ck_assert_uint_eq(drained.count + drained.missed, count + 1);
    return drained.count;
}

START_TEST(each_owner_has_a_share_of_each_tick)
{
    make_room(8 * ROOM);
    ck_assert_uint_eq(allowed(1, 1, ROOM - 1), ROOM - 1);
    ck_assert_uint_eq(allowed(1, 1, ROOM), 1);
    ck_assert_uint_eq(allowed(1, 1, ROOM), 0);
    ck_assert_uint_eq(allowed(2, 1, 2 * ROOM), ROOM);
    ck_assert_uint_eq(allowed(1, 2, 2 * ROOM), ROOM);
}
END_TEST

/* Those who are too many to be counted each have one share together. */
START_TEST(owners_without_number_have_one_share)
{
    make_room(8 * ROOM);
    for (uint32_t owner = 0; owner < 64; owner++)
        ck_assert_uint_eq(allowed(owner, 1, 1), 1);
    ck_assert_uint_eq(allowed(64, 1, ROOM), ROOM);
    ck_assert_uint_eq(allowed(65, 1, ROOM), 0);
    ck_assert_uint_eq(allowed(63, 1, ROOM), ROOM - 1);
    ck_assert_uint_eq(allowed(65, 2, ROOM), ROOM);
}
END_TEST

/* What one owner emits beyond its share is missed, and counted. */
START_TEST(flood_is_cut_and_counted)
{
    struct engram_region *region = fixture_process("p");
    engram_event event = event_of("e");
    make_room(8 * ROOM);
    snapshot_publish_plan(pipeline.store, pipeline_plan(&pipeline, none));
    engram_set_limit(region, 0);
    for (int i = 0; i < 3 * ROOM; i++)
        engram_event_emit(event, 1, 0);
    struct collectors *collectors = collectors_start(&(struct collector_options){
        pipeline.store, pipeline.topology, pipeline.self, pipeline.pace, feed, NULL});
    while (feed_head(feed) < ROOM)
        usleep(1000);
    ck_assert(collectors_stop(collectors));
    ck_assert_uint_eq(feed_head(feed), ROOM);
    snapshot_publish_plan(pipeline.store, pipeline_plan(&pipeline, self_families(pipeline.self)));
    pipeline_collect(&pipeline, NULL);
    ck_assert_double_eq(shown_value(pipeline.store, "engramd_events_missed_total "), 2 * ROOM);
}
END_TEST

static bool rings(void)
{
    struct pollfd bell = {.fd = feed_bell(feed), .events = POLLIN};
    return poll(&bell, 1, 0) == 1;
}

START_TEST(bell_rings_until_it_is_heard)
{
    feed_ring(feed);
    ck_assert(!rings()); /* nobody listens */
    feed_listen(feed, true);
    ck_assert(!rings());
    feed_ring(feed);
    feed_ring(feed);
    ck_assert(rings());
    feed_silence(feed);
    ck_assert(!rings());
    feed_silence(feed); /* harmless */
    feed_listen(feed, false);
    feed_ring(feed);
    ck_assert(!rings());
}
END_TEST

/* --- Processes that come and go --- */

static struct plan *announced(struct plan *before)
{
    struct plan *now = pipeline_plan(&pipeline, none);
    const struct drain drain = {pipeline.topology, pipeline.self, feed, pipeline.pace, ANY_SOCKET};
    announce(&drain, before, now);
    if (before)
        plan_release(before);
    return now;
}

/* "+p" for each process that came, "-p" for each that went, "!p" for what it did, since the cursor.
 */
static const char *comings_and_goings(uint64_t *cursor)
{
    static char text[64];
    struct feed_item item;
    uint64_t missed = 0;
    size_t length = 0;
    text[0] = 0;
    while (feed_read(feed, cursor, UINT64_MAX, &item, 1, &missed)) {
        length += (size_t)snprintf(text + length, sizeof text - length, "%c%s",
                                   item.what == FEED_EVENT      ? '!'
                                   : item.what == FEED_ATTACHED ? '+'
                                                                : '-',
                                   item.source->process);
        event_source_release(item.source);
    }
    return text;
}

START_TEST(coming_and_going_is_told_once)
{
    uint64_t cursor = 0;
    struct engram_region *p = fixture_process("p");
    struct plan *plan = announced(NULL);
    ck_assert_str_eq(comings_and_goings(&cursor), "+p");
    fixture_process("q");
    plan = announced(plan);
    ck_assert_str_eq(comings_and_goings(&cursor), "+q");
    plan = announced(plan);
    ck_assert_str_eq(comings_and_goings(&cursor), "");
    fixture_end(p);
    plan = announced(plan);
    ck_assert_str_eq(comings_and_goings(&cursor), "-p");
    plan = announced(plan);
    ck_assert_str_eq(comings_and_goings(&cursor), "");
    plan_release(plan);
}
END_TEST

/* One that is folded between two plans is in the second no more. */
START_TEST(who_is_missing_in_the_next_plan_has_gone)
{
    uint64_t cursor = 0;
    fixture_process("p");
    struct plan *plan = announced(NULL);
    ck_assert_str_eq(comings_and_goings(&cursor), "+p");
    found_free(&pipeline.found);
    pipeline.found = (struct found){
        .totals = pipeline.totals, .series_limit = UINT32_MAX, .cpus = ENGRAM_CPUS_MAX};
    fixture_files(true);
    plan = announced(plan);
    ck_assert_str_eq(comings_and_goings(&cursor), "-p");
    plan_release(plan);
}
END_TEST

/* What it did since the last tick comes before the word of its end. */
START_TEST(last_events_are_told_before_the_end)
{
    uint64_t cursor = 0;
    struct engram_region *p = fixture_process("p");
    engram_event event = event_of("e");
    struct plan *plan = announced(NULL);
    ck_assert_str_eq(comings_and_goings(&cursor), "+p");
    engram_event_emit(event, 1, 2);
    fixture_end(p);
    plan = announced(plan);
    ck_assert_str_eq(comings_and_goings(&cursor), "!p-p");
    pipeline_collect(&pipeline, none);
    ck_assert_str_eq(comings_and_goings(&cursor), "");
    plan_release(plan);
}
END_TEST

START_TEST(who_came_and_went_at_once_is_told_of)
{
    uint64_t cursor = 0;
    struct engram_region *p = fixture_process("p");
    engram_event_emit(event_of("e"), 1, 2);
    fixture_end(p);
    struct plan *plan = announced(NULL);
    ck_assert_str_eq(comings_and_goings(&cursor), "+p!p-p");
    plan = announced(plan);
    ck_assert_str_eq(comings_and_goings(&cursor), "");
    plan_release(plan);
}
END_TEST

Suite *feed_suite(void)
{
    Suite *suite = suite_create("feed");
    TCase *tests = tcase_create("feed");
    tcase_set_timeout(tests, 20);
    tcase_add_checked_fixture(tests, start, stop);
    tcase_add_test(tests, items_come_in_order_and_the_oldest_go);
    tcase_add_test(tests, reading_stops_at_the_end);
    tcase_add_test(tests, names_outlive_their_region);
    tcase_add_test(tests, source_keeps_so_many_names);
    tcase_add_test(tests, kind_that_is_new_waits_for_its_name);
    tcase_add_test(tests, kind_that_is_never_named_does_not_hold_up_others);
    tcase_add_test(tests, each_owner_has_a_share_of_each_tick);
    tcase_add_test(tests, owners_without_number_have_one_share);
    tcase_add_test(tests, flood_is_cut_and_counted);
    tcase_add_test(tests, bell_rings_until_it_is_heard);
    tcase_add_test(tests, coming_and_going_is_told_once);
    tcase_add_test(tests, who_is_missing_in_the_next_plan_has_gone);
    tcase_add_test(tests, last_events_are_told_before_the_end);
    tcase_add_test(tests, who_came_and_went_at_once_is_told_of);
    suite_add_tcase(suite, tests);
    return suite;
}
