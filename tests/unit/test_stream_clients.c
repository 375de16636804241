/* SPDX-License-Identifier: MIT */
/* Clients of /stream as they come back, and as they fall behind. */
#define _GNU_SOURCE
#include "fixture.h"
#include "http_client.h"
#include "suites.h"

#include "daemon/base/clock.h"
#include "daemon/stream/stream.h"
#include "daemon/stream/stream_client.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#define POOR (64u << 10) /* less than a snapshot of */
#define MANY 3000        /* gauges, which is more than a socket takes */
#define ITEMS 4          /* that the feed remembers */
#define LONG 65536       /* items */
#define SECOND UINT64_C(1000000000)

static struct pipeline pipeline;
static struct feed *feed;
static struct streams *streams;
static struct event_source *source;
static const struct computed_family *const none[] = {NULL};

static void serve(const struct http_request *request, struct http_response *response,
                  void *argument)
{
    (void)argument;
    streams_serve(streams, request, response);
}

/* One process with a gauge, which is collected. */
static void start_with(size_t budget, uint32_t items)
{
    http_start();
    pipeline_start(&pipeline, ONE_NODE, NULL, NULL);
    feed = feed_new(items);
    streams = streams_new(
        &(struct stream_options){http.base, pipeline.store, feed, pipeline.self, budget});
    ck_assert_ptr_nonnull(streams);
    http.handler = serve;
    fixture_process("p");
    engram_gauge_set(engram_gauge_new("g", "", NULL), 1);
    pipeline_collect(&pipeline, none);
    struct plan *plan = snapshot_hold_plan(pipeline.store);
    source = event_source_hold(plan->regions[0].events);
    plan_release(plan);
}

static void start(void)
{
    start_with(STREAM_BUDGET, ITEMS);
}

static void start_poor(void)
{
    start_with(POOR, ITEMS);
}

static void start_long(void)
{
    start_with(STREAM_BUDGET, LONG);
}

static void stop(void)
{
    http_server_free(http.server); /* before what its streams need */
    http.server = NULL;
    streams_free(streams);
    event_source_release(source);
    feed_free(feed);
    pipeline_stop(&pipeline);
    http_stop();
}

/* Happens `count` times, and nobody is woken by it. */
static void happen(int count)
{
    while (count-- > 0)
        feed_process(feed, source, FEED_ATTACHED);
}

/* What a client hears after its head until there is `word`; static. */
static const char *heard(struct client *client, const char *query, const char *word)
{
    char request[256];
    snprintf(request, sizeof request, "GET /stream?%s HTTP/1.1\r\nHost: localhost\r\n\r\n", query);
    client_ask(client, request);
    while (!memmem(client->in, client->length, word, strlen(word)))
        ck_assert(client_hear(client));
    client->in[client->length < sizeof client->in ? client->length : sizeof client->in - 1] = 0;
    return client->in;
}

/* The query that a client of this run comes back with. */
static const char *coming_back(const char *said, const char *query, int sequence)
{
    static char text[256];
    const char *id = strstr(said, "\nid: ");
    ck_assert_ptr_nonnull(id);
    snprintf(text, sizeof text, "%s&last-event-id=%.*s-%d", query, (int)strcspn(id + 5, "-"),
             id + 5, sequence);
    return text;
}

/* Another stream had told it more than those who ask for this have heard. */
START_TEST(who_knows_more_than_the_others_is_no_stranger)
{
    struct client *first = client_new(0), *second = client_new(0), *third = client_new(0);
    const char *said = heard(first, "kinds=metrics,process", "event: snapshot");
    happen(2);
    said = heard(second, coming_back(said, "kinds=metrics,process", 2), "event: snapshot");
    ck_assert_msg(!strstr(said, "event: reset"), "%s", said);
    said = heard(third, coming_back(said, "kinds=metrics,process", 3), "event: snapshot");
    ck_assert_msg(strstr(said, "event: reset") != NULL, "%s", said);
    client_free(first);
    client_free(second);
    client_free(third);
}
END_TEST

START_TEST(who_asked_for_values_does_not_hear_of_lost_events)
{
    struct client *first = client_new(0), *second = client_new(0), *other = client_new(0);
    const char *said = heard(first, "kinds=metrics", "event: snapshot");
    happen(2 * ITEMS);
    feed_ring(feed);
    http_run();
    said = heard(second, coming_back(said, "kinds=metrics", 0), "event: snapshot");
    ck_assert_msg(!strstr(said, "event: gap"), "%s", said);
    said = heard(other, coming_back(said, "kinds=metrics,process", 0), "event: snapshot");
    ck_assert_msg(strstr(said, "\"missed\":4}") != NULL, "%s", said);
    client_hear(first);
    ck_assert_ptr_null(memmem(first->in, first->length, "event: gap", 10));
    client_free(first);
    client_free(second);
    client_free(other);
}
END_TEST

/* Turns of the event loop until a client has heard a word. */
static int turns_until(const struct client *client, const char *word)
{
    char text[65536];
    for (int turns = 0; turns < 1000; turns++) {
        event_base_loop(http.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
        ssize_t length = recv(client->fd, text, sizeof text, MSG_DONTWAIT);
        if (length > 0 && memmem(text, (size_t)length, word, strlen(word)))
            return turns;
    }
    return -1;
}

/* Whoever comes back after all that the feed remembers has others served meanwhile. */
START_TEST(much_to_catch_up_with_takes_many_turns)
{
    struct client *first = client_new(0), *second = client_new(0);
    char request[256];
    const char *said = heard(first, "kinds=metrics,process&process=q", "\nid: ");
    happen(LONG);
    feed_ring(feed);
    http_run();
    snprintf(request, sizeof request, "GET /stream?%s HTTP/1.1\r\nHost: localhost\r\n\r\n",
             coming_back(said, "kinds=metrics,process&process=q", 0));
    ck_assert_int_gt(send(second->fd, request, strlen(request), 0), 0);
    ck_assert_int_ge(turns_until(second, "event: snapshot"), LONG / 8192);
    client_free(first);
    client_free(second);
}
END_TEST

static struct frame *frame_of(char byte, size_t length)
{
    struct buffer buffer = {0};
    while (length-- > 0)
        buffer_append_char(&buffer, byte);
    return frame_take(&buffer, NULL);
}

/* A client of nobody's stream; `reader` is its other end. */
static struct stream_client client_of(struct client **reader)
{
    *reader = client_new(0);
    http.handler = NULL;
    client_ask(*reader, "GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
    http_run();
    return (struct stream_client){.stream = http.stream};
}

/* Ten seconds, and one for each 128 KiB. */
START_TEST(patience_grows_with_what_is_owed)
{
    struct client *reader;
    struct stream_client client = client_of(&reader);
    client_send(&client, frame_of('a', BIG));
    ck_assert_uint_gt(client.owed, BIG / 2);
    uint64_t patience = (10 + client.owed / (128 << 10)) * SECOND;
    ck_assert(!client_is_stuck(&client, client.owing + patience));
    ck_assert(client_is_stuck(&client, client.owing + patience + SECOND));
    client_send(&client, frame_of('b', 256 << 10));
    ck_assert(!client_is_stuck(&client, client.owing + patience + SECOND));
    client_drained(&client); /* had it taken some, its time would start anew */
    ck_assert(client_is_stuck(&client, client.owing + patience + 3 * SECOND));
    client_forget(&client);
    client_free(reader);
}
END_TEST

/* One frame is on its way; the others wait here, and follow in their order. */
START_TEST(frames_wait_for_their_turn)
{
    static char last;
    size_t got = 0;
    struct client *reader;
    struct stream_client client = client_of(&reader);
    struct frame *waiting = frame_of('b', 10), *forgotten = frame_of('c', 10);
    client_send(&client, frame_of('a', BIG));
    client_send(&client, frame_hold(waiting));
    client_send(&client, frame_hold(forgotten));
    ck_assert_uint_eq(client.count, 2);
    ck_assert_uint_eq(waiting->references, 2);
    for (http.drained = 0; client.owing; reader->length = 0) {
        client_hear(reader);
        got += reader->length;
        last = reader->length ? reader->in[reader->length - 1] : last;
        if (http.drained)
            client_drained(&client);
        http.drained = 0;
    }
    while (client_hear(reader))
        last = reader->in[reader->length - 1];
    ck_assert_uint_ge(got, BIG);
    ck_assert_int_eq(last, 'c');
    ck_assert_uint_eq(waiting->references, 1);
    ck_assert(!client_is_stuck(&client, UINT64_MAX));
    client_send(&client, frame_of('a', BIG));
    client_send(&client, frame_hold(forgotten));
    client_forget(&client);
    ck_assert_uint_eq(forgotten->references, 1);
    frame_release(waiting);
    frame_release(forgotten);
    client_free(reader);
}
END_TEST

static void register_many(void)
{
    for (int i = 0; i < MANY; i++) {
        char name[32];
        snprintf(name, sizeof name, "gauge_with_a_number_%d", i);
        engram_gauge_set(engram_gauge_new(name, "", NULL), i);
    }
    pipeline_collect(&pipeline, none);
}

static void hear_all(struct client *client)
{
    do
        client->length = 0;
    while (!client->ended && client_hear(client));
}

/* Two clients, of which one reads nothing, and a second goes by. */
static void let_one_wait(struct client **reader, struct client **stuck)
{
    register_many();
    *reader = client_new(0);
    *stuck = client_new(0);
    client_ask(*stuck, "GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
    client_ask(*reader, "GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
    http_run();
    hear_all(*reader);
    fixture_clock(clock_monotonic() + SECOND);
    feed_ring(feed);
    http_run();
    hear_all(*reader);
    hear_all(*stuck);
    fixture_clock(0);
}

START_TEST(slowest_go_when_memory_is_short)
{
    struct client *reader, *stuck;
    let_one_wait(&reader, &stuck);
    ck_assert(stuck->ended);
    ck_assert(!reader->ended);
    client_free(reader);
    client_free(stuck);
}
END_TEST

START_TEST(nobody_goes_while_there_is_memory)
{
    struct client *reader, *stuck;
    let_one_wait(&reader, &stuck);
    ck_assert(!stuck->ended);
    ck_assert(!reader->ended);
    client_free(reader);
    client_free(stuck);
}
END_TEST

/* What is known of series for one filter leaves no room for another; for the same there is. */
START_TEST(filters_are_bounded_by_what_they_take)
{
    struct client *first = client_new(0), *same = client_new(0), *other = client_new(0);
    register_many();
    heard(first, "kinds=metrics", "event: snapshot");
    engram_gauge_set(engram_gauge_new("gauge_with_a_number_0", "", NULL), -1);
    pipeline_collect(&pipeline, NULL);
    feed_ring(feed); /* the snapshot is old then, and not kept */
    hear_all(first);
    client_ask(other, "GET /stream?kinds=event HTTP/1.1\r\nHost: localhost\r\n\r\n");
    client_ask(same, "GET /stream?kinds=metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
    http_run();
    ck_assert(client_hear(same));
    ck_assert_mem_eq(same->in, "HTTP/1.1 200", 12);
    ck_assert_int_eq(client_next_status(other), 503);
    client_free(first);
    client_free(same);
    client_free(other);
}
END_TEST

#define FILTERS_MOST 16 /* of one address */

/* The status of a client that asks for a filter of its own. */
static int asked_for(struct client *client, int number)
{
    char request[128];
    snprintf(request, sizeof request,
             "GET /stream?kinds=event&match=f%d HTTP/1.1\r\nHost: localhost\r\n\r\n", number);
    client_ask(client, request);
    http_run();
    if (!client_hear(client))
        return 0;
    return atoi(client->in + strlen("HTTP/1.1 "));
}

/* One address takes some of the filters, and those in use and the default one are there for it. */
START_TEST(nobody_takes_all_filters)
{
    struct client *clients[FILTERS_MOST], *more = client_new(0), *other = client_new(1);
    struct client *same = client_new(0), *usual = client_new(0);
    for (int i = 0; i < FILTERS_MOST; i++) {
        clients[i] = client_new(0);
        ck_assert_int_eq(asked_for(clients[i], i), 200);
    }
    ck_assert_int_eq(asked_for(more, FILTERS_MOST), 503);
    ck_assert_ptr_nonnull(strstr(more->in, "Retry-After: "));
    ck_assert_ptr_nonnull(strstr(more->in, "from your address"));
    ck_assert_int_eq(asked_for(same, 0), 200);
    ck_assert_int_eq(asked_for(other, FILTERS_MOST), 200);
    heard(usual, "", "event: snapshot");
    for (int i = 0; i < FILTERS_MOST; i++)
        client_free(clients[i]);
    client_free(more);
    client_free(other);
    client_free(same);
    client_free(usual);
}
END_TEST

#define GROUPS_MOST 64

/* However many filters others have in use, the usual stream is there. */
START_TEST(last_group_is_kept_for_the_usual_stream)
{
    static struct client *clients[GROUPS_MOST];
    for (int i = 0; i < GROUPS_MOST; i++) {
        clients[i] = client_from(INADDR_LOOPBACK + (uint32_t)(i / FILTERS_MOST));
        ck_assert_int_eq(asked_for(clients[i], i), i < GROUPS_MOST - 1 ? 200 : 503);
    }
    ck_assert_ptr_nonnull(strstr(clients[GROUPS_MOST - 1]->in, "as many filters in use as there"));
    struct client *usual = client_from(INADDR_LOOPBACK), *again = client_from(INADDR_LOOPBACK + 9);
    heard(usual, "", "event: snapshot");
    heard(again, "", "event: snapshot");
    for (int i = 0; i < GROUPS_MOST; i++)
        client_free(clients[i]);
    client_free(usual);
    client_free(again);
}
END_TEST

/* Nothing is selected for a client that there is no room for; it is told so. */
START_TEST(room_is_looked_for_before_a_filter_is_made)
{
    struct client *first = client_new(0), *more = client_new(0);
    http_server_limit(http.server, &(struct http_limits){.connections = 8,
                                                         .connections_of_one = 8,
                                                         .streams = 1,
                                                         .streams_of_one = 1,
                                                         .streams_local = 1});
    ck_assert_int_eq(asked_for(first, 0), 200);
    ck_assert_int_eq(asked_for(more, 1), 503);
    ck_assert_ptr_nonnull(strstr(more->in, "there are as many streams, or from your address"));
    client_free(first);
    client_free(more);
}
END_TEST

Suite *stream_clients_suite(void)
{
    Suite *suite = suite_create("stream_clients");
    TCase *tests = tcase_create("clients");
    tcase_add_checked_fixture(tests, start, stop);
    tcase_add_test(tests, who_knows_more_than_the_others_is_no_stranger);
    tcase_add_test(tests, who_asked_for_values_does_not_hear_of_lost_events);
    tcase_add_test(tests, patience_grows_with_what_is_owed);
    tcase_add_test(tests, frames_wait_for_their_turn);
    tcase_add_test(tests, nobody_takes_all_filters);
    tcase_add_test(tests, last_group_is_kept_for_the_usual_stream);
    tcase_add_test(tests, room_is_looked_for_before_a_filter_is_made);
    tcase_add_test(tests, nobody_goes_while_there_is_memory);
    suite_add_tcase(suite, tests);
    TCase *poor = tcase_create("poor");
    tcase_add_checked_fixture(poor, start_poor, stop);
    tcase_add_test(poor, slowest_go_when_memory_is_short);
    tcase_add_test(poor, filters_are_bounded_by_what_they_take);
    suite_add_tcase(suite, poor);
    TCase *lengthy = tcase_create("long");
    tcase_add_checked_fixture(lengthy, start_long, stop);
    tcase_add_test(lengthy, much_to_catch_up_with_takes_many_turns);
    suite_add_tcase(suite, lengthy);
    return suite;
}
