/* SPDX-License-Identifier: MIT */
/* What a client of /stream asks for, and what it is told. */
#include "fixture.h"
#include "suites.h"

#include "daemon/stream/stream_encode.h"

#include <stdio.h>
#include <stdlib.h>

/* --- The filter --- */

static const struct {
    const char *query, *error; /* the latter "" where nothing is wrong */
} queries[] = {
    {"", ""},
    {"kinds=metrics&kinds=event,process,health&fields=rate,buckets&interval=250ms", ""},
    {"match=engram_*&label=a:b&process=p&node=0&last-event-id=1-2", ""},
    {"interval=10ms", ""},
    {"interval=1m", ""},
    {"interval=9ms", "interval is 10ms to 1m"},
    {"interval=61s", "interval is 10ms to 1m"},
    {"interval=100", "interval is 10ms to 1m"},
    {"interval=-5s", "interval is 10ms to 1m"},
    {"interval=99999999999999999999s", "interval is 10ms to 1m"},
    {"kinds=", "kinds are metrics"},
    {"kinds=metrics,", "kinds are metrics"},
    {"kinds=metric", "kinds are metrics"},
    {"fields=values", "fields are delta"},
    {"last-event-id=123456789012345678901234567890123456789012345678", "last-event-id is none"},
    {"color=red", "there is no parameter \"color\";"},
    {"node=x", "node is the number"},
    {"label=nonsense", "label is NAME:VALUE"},
    {"process=", "process is the name"},
    {"match=", "match is a glob"},
};

START_TEST(filter_is_read_or_explained)
{
    struct stream_filter filter;
    char error[128] = "";
    bool right = stream_filter_parse(&filter, queries[_i].query, error, sizeof error);
    stream_filter_free(&filter);
    ck_assert_int_eq(right, !*queries[_i].error);
    ck_assert_msg(strncmp(error, queries[_i].error, strlen(queries[_i].error)) == 0, "%s", error);
}
END_TEST

static const char *key_of(const char *query, char *room, size_t size)
{
    struct stream_filter filter;
    struct buffer key = {0};
    char error[128];
    ck_assert_msg(stream_filter_parse(&filter, query, error, sizeof error), "%s", error);
    stream_filter_key(&filter, &key);
    snprintf(room, size, "%.*s", (int)key.length, key.data);
    buffer_free(&key);
    stream_filter_free(&filter);
    return room;
}

/* Who asks for the same shares, and nobody else. */
START_TEST(key_tells_filters_apart)
{
    static const char *const different[] = {"",         "kinds=event", "fields=value", "node=1",
                                            "match=a*", "label=a:b",   "label=a:c",    "match=a",
                                            "match=b",  "interval=1s", "process=a"};
    char a[256], b[256];
    size_t count = sizeof different / sizeof different[0];
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++)
            ck_assert_str_ne(key_of(different[i], a, sizeof a), key_of(different[j], b, sizeof b));
    ck_assert_str_eq(key_of("interval=1000ms&match=a", a, sizeof a),
                     key_of("match=a&interval=1s&last-event-id=7-7", b, sizeof b));
}
END_TEST

START_TEST(id_is_read_or_refused)
{
    struct stream_id id;
    ck_assert(stream_id_parse(&id, "18eb853030206363-42"));
    ck_assert_uint_eq(id.epoch, 0x18eb853030206363);
    ck_assert_uint_eq(id.sequence, 42);
    ck_assert(!stream_id_parse(&id, ""));
    ck_assert(!stream_id_parse(&id, "12"));
    ck_assert(!stream_id_parse(&id, "12-"));
    ck_assert(!stream_id_parse(&id, "12-5x"));
    ck_assert(!stream_id_parse(&id, "-5"));
}
END_TEST

/* --- Values --- */

static const struct stream_id id = {0xab, 7};
static struct pipeline pipeline;
static struct stream_filter filter;
static struct selection selection;
static struct buffer out;
static const struct computed_family *const none[] = {NULL};

static void start(void)
{
    char error[128];
    fixture_start();
    pipeline_start(&pipeline, TWO_NODES, NULL, NULL);
    ck_assert(stream_filter_parse(&filter, "match=[cghu]&fields=delta,value,rate,buckets", error,
                                  sizeof error));
    selection = (struct selection){0};
}

static void stop(void)
{
    buffer_free(&out);
    selection_free(&selection);
    stream_filter_free(&filter);
    pipeline_stop(&pipeline);
    fixture_stop();
}

/* Follows to the newest snapshot, as a group does, and returns what was said of series, each on its
 * line; "" when that was nothing. */
static const char *told(double seconds)
{
    struct selection next;
    struct gone gone = {.id = id, .json = {.out = &out}};
    buffer_reset(&out);
    const struct snapshot *snapshot = snapshot_begin(pipeline.store);
    if (!selection.plan || snapshot->set != &selection.plan->set) {
        ck_assert(selection_new(&next, &filter.match, snapshot));
        selection_inherit(&next, &selection, encode_gone, &gone);
        encode_gone_end(&gone);
        selection_free(&selection);
        selection = next;
    }
    encode_metrics(&out, id, &filter, &selection, snapshot, seconds);
    snapshot_end();
    buffer_append_char(&out, 0);
    return out.data;
}

static void expect(const char *text, const char *line)
{
    ck_assert_msg(strstr(text, line) != NULL, "no\n%s\nin\n%s", line, text);
}

static void publish_plan(void)
{
    pipeline_collect(&pipeline, none);
}

START_TEST(counter_tells_what_it_grew_by_on_each_node)
{
    fixture_process("p");
    engram_counter counter = engram_counter_new("c", "", (const char *[]){"l", "x\"y", NULL});
    fixture_add(counter, 0, 5);
    publish_plan();
    const char *text = told(0.5);
    expect(text, "event: metrics\nid: ab-7\ndata: {\"time_ms\":");
    expect(text, ",\"seconds\":0.5,\"series\":[\ndata: {");
    expect(text, "\ndata: {\"name\":\"c\",\"labels\":{\"l\":\"x\\\"y\",\"process\":\"p\","
                 "\"numa_node\":\"0\"},\"type\":\"counter\",\"delta\":5,\"rate\":10,\"value\":5},"
                 "\ndata: ");
    expect(text,
           "\"numa_node\":\"1\"},\"type\":\"counter\",\"delta\":0,\"rate\":0,\"value\":0}]}\n\n");
    pipeline_collect(&pipeline, NULL);
    ck_assert_str_eq(told(0.5), ""); /* nothing has changed */
    fixture_add(counter, 0, 2);
    pipeline_collect(&pipeline, NULL);
    text = told(0.5);
    expect(text, "\"numa_node\":\"0\"},\"delta\":2,\"rate\":4,\"value\":7}]}\n\n");
}
END_TEST

START_TEST(gauge_that_nobody_set_is_not_there)
{
    fixture_process("p");
    engram_gauge gauge = engram_gauge_new("g", "", NULL);
    publish_plan();
    ck_assert_str_eq(told(1), "");
    engram_gauge_set(gauge, 1.5);
    pipeline_collect(&pipeline, NULL);
    expect(told(1),
           "{\"name\":\"g\",\"labels\":{\"process\":\"p\"},\"type\":\"gauge\",\"value\":1.5}]}");
    *engram_single_slot(gauge.at) = ENGRAM_GAUGE_UNSET;
    pipeline_collect(&pipeline, NULL);
    expect(told(1), "{\"name\":\"g\",\"labels\":{\"process\":\"p\"},\"value\":null}]}");
    pipeline_collect(&pipeline, NULL);
    ck_assert_str_eq(told(1), ""); /* that was said once */
}
END_TEST

START_TEST(updown_is_the_sum_of_its_nodes)
{
    fixture_process("p");
    const struct engram_spec spec = {.name = engram_string("u")};
    engram_updown updown = engram_updown_register(&spec);
    engram_updown_add(updown, -3);
    publish_plan();
    expect(told(1),
           "{\"name\":\"u\",\"labels\":{\"process\":\"p\"},\"type\":\"gauge\",\"value\":-3}]}");
}
END_TEST

START_TEST(histogram_tells_its_buckets)
{
    static const double bounds[] = {1, 2};
    const struct engram_spec spec = {
        .name = engram_string("h"), .bounds = bounds, .bound_count = 2, .shared = 1};
    fixture_process("p");
    engram_histogram histogram = engram_histogram_register(&spec);
    engram_histogram_record(histogram, 0.5);
    publish_plan();
    expect(told(1), "\"delta\":{\"count\":1,\"sum\":0.5},\"rate\":1,\"buckets\":[[\"1.0\",1]],"
                    "\"value\":{\"count\":1,\"sum\":0.5}}");
    engram_histogram_record(histogram, 8);
    engram_histogram_record(histogram, 1.5);
    pipeline_collect(&pipeline, NULL);
    expect(told(0.5), "\"delta\":{\"count\":2,\"sum\":9.5},\"rate\":4,\"buckets\":"
                      "[[\"2.0\",1],[\"+Inf\",1]],\"value\":{\"count\":3,\"sum\":10}}");
    buffer_reset(&out);
    encode_snapshot(&out, id, &filter, &selection);
    buffer_append_char(&out, 0);
    expect(out.data, "event: snapshot\nid: ab-7\ndata: {\"time_ms\":");
    expect(out.data, "\"type\":\"histogram\",\"value\":{\"count\":3,\"sum\":10},\"buckets\":"
                     "[[\"1.0\",1],[\"2.0\",1],[\"+Inf\",1]]}");
}
END_TEST

/* Totals that were dropped: no delta can say so. */
START_TEST(counter_that_fell_is_reset)
{
    fixture_process("p");
    engram_counter counter = engram_counter_new("c", "", NULL);
    fixture_add(counter, 0, 5);
    publish_plan();
    told(1);
    fixture_add(counter, 0, (uint64_t)-2);
    pipeline_collect(&pipeline, NULL);
    expect(told(1), "\"numa_node\":\"0\"},\"reset\":true,\"value\":3}]}");
}
END_TEST

/* From plan to plan: what is known goes along, what is gone is told, what is new is told whole. */
START_TEST(plans_may_change)
{
    struct engram_region *p = fixture_process("p");
    engram_gauge_set(engram_gauge_new("g", "", NULL), 1);
    engram_counter counter = engram_counter_new("c", "", NULL);
    fixture_add(counter, 0, 5);
    publish_plan();
    told(1);
    fixture_process("q");
    engram_counter other = engram_counter_new("c", "", NULL);
    fixture_add(other, 0, 9);
    fixture_add(counter, 0, 1);
    fixture_end(p);
    publish_plan();
    const char *text = told(1);
    expect(text, "{\"name\":\"g\",\"labels\":{\"process\":\"p\"},\"gone\":true}]}");
    expect(text, "\"process\":\"p\",\"numa_node\":\"0\"},\"delta\":1,\"rate\":1,\"value\":6}");
    expect(text, "\"process\":\"q\",\"numa_node\":\"0\"},\"type\":\"counter\",\"delta\":9,\"rate\":"
                 "9,\"value\":9}");
    ck_assert_ptr_null(strstr(text, "\"process\":\"p\",\"numa_node\":\"1\"")); /* as it was */
}
END_TEST

/* A socket whose collector hangs: nothing is said about it, least of all that it fell. */
START_TEST(what_is_left_out_is_not_told)
{
    fixture_process("p");
    engram_counter counter = engram_counter_new("c", "", NULL);
    const struct engram_spec spec = {.name = engram_string("u")};
    engram_updown_add(engram_updown_register(&spec), 2);
    fixture_add(counter, 0, 5);
    publish_plan();
    told(1);
    ck_assert(snapshot_expire(pipeline.store, 0));
    ck_assert_str_eq(told(1), "");
    fixture_add(counter, 0, 5);
    pipeline_collect(&pipeline, NULL);
    expect(told(1), "\"numa_node\":\"0\"},\"delta\":5,\"rate\":5,\"value\":10}]}");
}
END_TEST

/* --- Rounds of the sockets --- */

static int rounds;

static void count_round(void *argument)
{
    ck_assert_ptr_eq(argument, &rounds);
    rounds++;
}

static void hand_in(struct plan *plan, uint32_t socket)
{
    snapshot_publish_partial(pipeline.store, socket, partial_new(pipeline.store, plan, socket));
}

START_TEST(round_ends_with_the_last_socket_or_the_first_twice)
{
    struct plan *plan = pipeline_plan(&pipeline, none);
    rounds = 0;
    snapshot_tell(pipeline.store, count_round, &rounds);
    hand_in(plan, 0);
    ck_assert_int_eq(rounds, 0);
    hand_in(plan, 1);
    ck_assert_int_eq(rounds, 1);
    hand_in(plan, 0);
    hand_in(plan, 0); /* socket 1 is late: it is not waited for */
    ck_assert_int_eq(rounds, 2);
    hand_in(plan, 1);
    ck_assert_int_eq(rounds, 3);
    ck_assert(snapshot_expire(pipeline.store, 1));
    hand_in(plan, 0);
    ck_assert_int_eq(rounds, 4);
    plan_release(plan);
}
END_TEST

/* --- Health --- */

static const struct {
    const char *query;
    bool passes;
} health_queries[] = {
    {"", true},
    {"kinds=health", true},
    {"kinds=event,process", false},
    {"match=engram_health*", true},
    {"match=engram_cls*", false},
    {"label=component:thread_pool", true},
    {"label=component:memory_pressure", false},
    {"process=p", false},
    {"node=0", false},
};

static const struct {
    const char *query;
    bool passes;
} alert_queries[] = {
    {"", true},
    {"kinds=alert", true},
    {"kinds=health", false},
    {"match=engram_alert_state&label=severity:warning", true},
    {"label=severity:critical", false},
    {"match=engram_health_status", false},
    {"node=0", false},
};

START_TEST(health_is_told_to_who_asks_for_it)
{
    struct stream_filter asked;
    struct buffer said = {0};
    char error[128];
    const struct feed_item item = {.what = FEED_HEALTH,
                                   .kind = HEALTH_THREAD_POOL,
                                   .values = {(uint64_t)HEALTH_UNKNOWN, HEALTH_DEGRADED}};
    ck_assert(stream_filter_parse(&asked, health_queries[_i].query, error, sizeof error));
    encode_item(&said, (struct stream_id){1, 2}, &asked, &item);
    ck_assert_int_eq(said.length > 0, health_queries[_i].passes);
    buffer_append_char(&said, '\0');
    if (health_queries[_i].passes) {
        ck_assert_ptr_eq(strstr(said.data, "event: health\nid: 1-2\ndata: {\"time_ms\":"),
                         said.data);
        ck_assert_ptr_nonnull(strstr(said.data, ",\"component\":\"thread_pool\",\"before\":"
                                                "\"unknown\",\"status\":\"degraded\"}\n\n"));
    }
    buffer_free(&said);
    stream_filter_free(&asked);
}
END_TEST

/* The first that there is. */
START_TEST(alert_is_told_to_who_asks_for_it)
{
    struct stream_filter asked;
    struct buffer said = {0};
    char error[128], expected[256];
    const struct feed_item item = {
        .what = FEED_ALERT, .kind = 0, .values = {ALERT_PENDING, ALERT_FIRING}};
    ck_assert(stream_filter_parse(&asked, alert_queries[_i].query, error, sizeof error));
    encode_item(&said, (struct stream_id){1, 2}, &asked, &item);
    ck_assert_int_eq(said.length > 0, alert_queries[_i].passes);
    buffer_append_char(&said, '\0');
    snprintf(expected, sizeof expected,
             ",\"name\":\"%s\",\"severity\":\"warning\",\"before\":\"pending\","
             "\"state\":\"firing\",\"summary\":\"",
             alert_numbered(0)->name);
    if (alert_queries[_i].passes) {
        ck_assert_ptr_eq(strstr(said.data, "event: alert\nid: 1-2\ndata: {\"time_ms\":"),
                         said.data);
        ck_assert_ptr_nonnull(strstr(said.data, expected));
    }
    buffer_free(&said);
    stream_filter_free(&asked);
}
END_TEST

Suite *stream_suite(void)
{
    Suite *suite = suite_create("stream");
    TCase *asked = tcase_create("asked"), *values = tcase_create("told");
    tcase_add_loop_test(asked, filter_is_read_or_explained, 0,
                        (int)(sizeof queries / sizeof queries[0]));
    tcase_add_test(asked, key_tells_filters_apart);
    tcase_add_test(asked, id_is_read_or_refused);
    tcase_add_checked_fixture(values, start, stop);
    tcase_add_test(values, counter_tells_what_it_grew_by_on_each_node);
    tcase_add_test(values, gauge_that_nobody_set_is_not_there);
    tcase_add_test(values, updown_is_the_sum_of_its_nodes);
    tcase_add_test(values, histogram_tells_its_buckets);
    tcase_add_test(values, counter_that_fell_is_reset);
    tcase_add_test(values, plans_may_change);
    tcase_add_test(values, what_is_left_out_is_not_told);
    tcase_add_test(values, round_ends_with_the_last_socket_or_the_first_twice);
    suite_add_tcase(suite, asked);
    suite_add_tcase(suite, values);
    tcase_add_loop_test(asked, health_is_told_to_who_asks_for_it, 0,
                        sizeof health_queries / sizeof health_queries[0]);
    tcase_add_loop_test(asked, alert_is_told_to_who_asks_for_it, 0,
                        sizeof alert_queries / sizeof alert_queries[0]);
    return suite;
}
