/* SPDX-License-Identifier: MIT */
/* Who is let in when there are many, and who has to go. */
#define _GNU_SOURCE
#include "fixture.h"
#include "http_client.h"
#include "suites.h"

#include "daemon/http/http_admission.h"

#include <event2/buffer.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define BIG_GET "GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n"
#define HALF "GET / HT"
#define FOREVER 3600000u
#define SECOND UINT64_C(1000000000)

static void limit(int connections, int of_one, uint32_t patience_ms)
{
    struct http_limits limits = {connections, of_one, 2, 2, 2, 4 * BIG, patience_ms};
    http_server_limit(http.server, &limits);
}

static struct client *asking(int listener, const char *request)
{
    struct client *client = client_new(listener);
    client_ask(client, request);
    http_run();
    return client;
}

/* Asks for more than its socket takes, and reads none of it; what can be sent has been. */
static struct client *stopped(int listener, const struct connection **connection)
{
    struct client *client = asking(listener, BIG_GET);
    *connection = TAILQ_LAST(&http.server->busy, connections);
    struct evbuffer *out = bufferevent_get_output((*connection)->stream);
    size_t left = 0;
    for (int still = 0; still < 100; still++) {
        http_run();
        still = evbuffer_get_length(out) == left ? still : 0;
        left = evbuffer_get_length(out);
    }
    return client;
}

static struct client *served(int listener)
{
    struct client *client = asking(listener, GET);
    ck_assert_int_eq(client_next_status(client), 200);
    return client;
}

static void expect_refusal(struct client *client)
{
    const struct response *response = client_next(client, false);
    ck_assert_int_eq(response->status, 503);
    ck_assert_ptr_nonnull(strstr(response->head, "\r\nRetry-After: 1\r\n"));
    ck_assert_ptr_nonnull(strstr(response->head, "\r\nConnection: close\r\n"));
    client_expect_end(client);
    client_free(client);
}

/* Of connections that ask for nothing, the one that has for longest makes room. */
START_TEST(longest_idle_goes_first)
{
    struct client *clients[3], *newcomer;
    limit(3, 3, FOREVER);
    for (int i = 0; i < 3; i++)
        clients[i] = served(_i);
    client_ask(clients[0], GET);
    ck_assert_int_eq(client_next_status(clients[0]), 200);
    newcomer = served(_i);
    client_expect_end(clients[1]);
    client_expect_silence(clients[0]);
    client_expect_silence(clients[2]);
    client_free(newcomer); /* now there is room, and nobody has to go */
    http_run();
    newcomer = served(_i);
    client_expect_silence(clients[2]);
    client_free(newcomer);
    for (int i = 0; i < 3; i++)
        client_free(clients[i]);
    ck_assert_int_eq(http.observed[503], 0);
    ck_assert_uint_eq(http_server_counts(http.server).crowded[HTTP_WAS_IDLE], 1);
}
END_TEST

START_TEST(silent_connections_keep_nobody_out)
{
    struct client *clients[40];
    limit(4, 4, FOREVER);
    for (int i = 0; i < 40; i++) {
        clients[i] = client_new(_i);
        http_run();
        if (i % 4 == 0)
            client_free(served(_i));
    }
    for (int i = 0; i < 40; i++)
        client_free(clients[i]);
}
END_TEST

/* Who is being served is not cut off; the newcomer is told when to come back. */
START_TEST(newcomer_is_refused_when_all_are_busy)
{
    struct client *half = asking(_i, HALF), *reading = asking(_i, BIG_GET);
    limit(2, 2, FOREVER);
    expect_refusal(client_new(_i));
    expect_refusal(client_new(_i));
    ck_assert_int_eq(http.observed[503], 2);
    ck_assert_uint_eq(http_server_counts(http.server).crowded[HTTP_REFUSED], 2);
    client_ask(half, "TP/1.1\r\nHost: localhost\r\n\r\n");
    ck_assert_int_eq(client_next_status(half), 200);
    struct client *newcomer = served(_i);
    client_expect_end(half); /* idle now */
    client_free(newcomer);
    client_free(half);
    client_free(reading);
}
END_TEST

START_TEST(slow_askers_go)
{
    struct client *half = asking(_i, HALF), *later = asking(_i, HALF), *newcomer;
    limit(2, 2, 0);
    client_ask(half, "T"); /* a byte now and then does not make it younger */
    newcomer = served(_i);
    client_expect_end(half);
    client_expect_silence(later);
    client_free(newcomer);
    client_free(half);
    client_free(later);
}
END_TEST

START_TEST(slow_readers_go)
{
    const struct connection *one, *other;
    struct client *reading = stopped(_i, &one), *slow = stopped(_i, &other);
    limit(2, 2, 0);
    do {
        client_hear(reading);
        reading->length = 0;
    } while (TAILQ_FIRST(&http.server->busy) == one);
    struct client *newcomer = served(_i);
    struct http_counts counts = http_server_counts(http.server);
    ck_assert_uint_eq(counts.owed, BIG);
    ck_assert_uint_eq(counts.connections, 2);
    ck_assert_uint_eq(counts.crowded[HTTP_WAS_SLOW], 1);
    ck_assert_ptr_eq(TAILQ_FIRST(&http.server->busy), one);
    client_free(newcomer);
    client_free(reading);
    client_free(slow);
}
END_TEST

/* Some bytes now and then are progress, but not an end of it. */
START_TEST(nibbling_readers_go)
{
    const struct connection *one;
    uint64_t now = 1000 * SECOND;
    fixture_clock(now);
    struct client *reading = stopped(_i, &one);
    limit(1, 1, 1000);
    for (int steps = 0; steps < 20 || one->since < now; steps++) {
        ck_assert_int_lt(steps, 200);
        fixture_clock(now += 4 * SECOND); /* a buffer of the client: a quarter of the rate */
        client_hear(reading);
        reading->length = 0;
        http_run();
    }
    struct client *newcomer = served(_i);
    ck_assert_uint_eq(http_server_counts(http.server).crowded[HTTP_WAS_SLOW], 1);
    client_free(newcomer);
    client_free(reading);
    fixture_clock(0);
}
END_TEST

/* Whoever asks for what all get is served, however many read theirs slowly, and bytes are bounded.
 */
START_TEST(shared_bodies_are_never_refused)
{
    struct client *clients[6];
    limit(10, 10, FOREVER);
    for (int i = 0; i < 6; i++)
        clients[i] = asking(_i, "GET /shared HTTP/1.1\r\nHost: localhost\r\n\r\n");
    ck_assert_int_eq(http.observed[200], 6);
    ck_assert_uint_eq(http.server->owed[HTTP_SHARED], 4 * BIG);
    ck_assert_int_eq(http.server->connection_count, 4);
    for (int i = 0; i < 2; i++) /* the oldest are those that went */
        while (!clients[i]->ended) {
            client_hear(clients[i]);
            clients[i]->length = 0;
        }
    client_hear(clients[5]);
    ck_assert(!clients[5]->ended);
    for (int i = 0; i < 6; i++)
        client_free(clients[i]);
}
END_TEST

/* What was compressed is counted, too, and held by nobody who could go. */
START_TEST(a_large_body_is_served_compressed)
{
    limit(10, 10, FOREVER);
    http.server->limits.owed = BIG;
    struct client *client = asking(_i, "GET /packed HTTP/1.1\r\nHost: localhost\r\n\r\n");
    ck_assert_int_eq(http.observed[200], 1);
    client_free(client);
}
END_TEST

/* What slow readers are owed is bounded, however many they are: they go, or the next is refused. */
START_TEST(bytes_outstanding_are_bounded)
{
    struct client *clients[5];
    limit(10, 10, FOREVER);
    for (int i = 0; i < 4; i++)
        clients[i] = asking(_i, BIG_GET);
    clients[4] = asking(_i, BIG_GET);
    const struct response *refusal = client_next(clients[4], false);
    ck_assert_int_eq(refusal->status, 503);
    ck_assert_ptr_null(strstr(refusal->head, "Content-Encoding")); /* of the body that it has not */
    ck_assert_uint_eq(http.server->owed[HTTP_OWN], 4 * BIG);
    limit(10, 10, 0);
    client_ask(clients[4], BIG_GET);
    http_run();
    ck_assert_uint_eq(http.server->owed[HTTP_OWN], 4 * BIG);
    ck_assert_int_eq(http.observed[200], 5);
    ck_assert_uint_eq(http_server_counts(http.server).crowded[HTTP_WAS_SLOW], 1);
    ck_assert_int_eq(http.server->connection_count, 4);
    for (int i = 0; i < 5; i++)
        client_free(clients[i]);
    http_run();
    ck_assert_uint_eq(http.server->owed[HTTP_OWN], 0);
}
END_TEST

/* One address makes room by its own connections, however old those of others are. */
START_TEST(address_makes_room_by_its_own)
{
    struct client *others[2] = {served(1 - _i), served(1 - _i)}, *own[2] = {served(_i), served(_i)};
    limit(5, 2, FOREVER);
    struct client *newcomer = served(_i);
    client_expect_end(own[0]);
    client_expect_silence(own[1]);
    client_ask(newcomer, HALF);
    client_ask(own[1], HALF);
    http_run();
    expect_refusal(client_new(_i));
    for (int i = 0; i < 2; i++) {
        client_expect_silence(others[i]);
        client_free(others[i]);
        client_free(own[i]);
    }
    client_free(newcomer);
}
END_TEST

/* All at once: each is heard before so many others come that it would have to go. */
START_TEST(crowd_is_served_one_after_the_other)
{
    enum { CROWD = 300 }; /* fewer than half the descriptors that one usually may have */
    static struct client *clients[CROWD];
    limit(80, 80, FOREVER);
    for (int i = 0; i < CROWD; i++) {
        clients[i] = client_new(_i);
        ck_assert_int_gt(send(clients[i]->fd, GET, strlen(GET), 0), 0);
    }
    for (int i = 0; i < CROWD; i++) {
        ck_assert_int_eq(client_next_status(clients[i]), 200);
        client_free(clients[i]);
    }
}
END_TEST

/* However many come to one listener, those who come to another are let in beside them. */
START_TEST(crowd_at_one_listener_does_not_close_the_other)
{
    enum { CROWD = 300 };
    const struct http_limits limits = {.connections = 2 * CROWD,
                                       .connections_of_one = 2 * CROWD,
                                       .streams = 1,
                                       .streams_of_one = 1,
                                       .streams_local = 1,
                                       .owed = BIG,
                                       .patience_ms = 3600000};
    static struct client *crowd[CROWD];
    http_server_limit(http.server, &limits);
    for (int i = 0; i < CROWD; i++)
        crowd[i] = client_new(_i);
    struct client *asker = client_new(1 - _i);
    ck_assert_int_gt(send(asker->fd, GET, strlen(GET), 0), 0);
    while (http.handled == 0)
        event_base_loop(http.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
    ck_assert_uint_lt(http_server_counts(http.server).connections, CROWD);
    for (int i = 0; i < CROWD; i++)
        client_free(crowd[i]);
    client_free(asker);
}
END_TEST

START_TEST(streams_take_no_room)
{
    struct client *streams[2], *more;
    limit(1, 1, FOREVER);
    for (int i = 0; i < 2; i++)
        streams[i] = asking(_i, "GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
    more = asking(_i, "GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
    ck_assert_int_eq(client_next_status(more), 503);
    client_free(more);
    http_run();
    client_free(served(_i));
    client_free(streams[0]);
    http_run();
    more = asking(_i, "GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
    ck_assert_int_eq(http.server->stream_count, 2);
    client_free(more);
    client_free(streams[1]);
}
END_TEST

/* The next to ask for a stream, as if it came from another host; what it is answered. */
static int asked_from_afar(struct client *client)
{
    http_run();
    TAILQ_FIRST(&http.server->idle)->peer->is_local = false;
    client_ask(client, "GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
    while (!client->length)
        client_hear(client);
    return atoi(client->in + strlen("HTTP/1.1 "));
}

/* Neither does this host take all streams, nor another one more than some. */
START_TEST(streams_are_left_for_other_hosts)
{
    static const char stream[] = "GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n";
    http_server_limit(http.server, &(struct http_limits){.connections = 8,
                                                         .connections_of_one = 8,
                                                         .streams = 5,
                                                         .streams_of_one = 2,
                                                         .streams_local = 2});
    struct client *local[3] = {asking(0, stream), asking(0, stream), asking(1, stream)};
    ck_assert_int_eq(client_next_status(local[2]), 503);
    client_free(local[2]);
    struct client *far[3] = {client_new(1), client_new(1), client_new(1)};
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(asked_from_afar(far[i]), i < 2 ? 200 : 503);
    ck_assert_int_eq(http.server->stream_count, 4);
    client_free(local[0]);
    http_run();
    local[0] = asking(0, stream);
    ck_assert_int_eq(http.server->stream_count, 4);
    for (int i = 0; i < 3; i++)
        client_free(far[i]);
    for (int i = 0; i < 2; i++)
        client_free(local[i]);
}
END_TEST

/* With no descriptor left, one of those that are connected already has to give up its own. */
static void expect_served_without_descriptors(int listener)
{
    struct client *client = client_new(listener);
    struct rlimit limit, none;
    int next_fd = dup(client->fd);
    close(next_fd);
    getrlimit(RLIMIT_NOFILE, &limit);
    none = limit;
    none.rlim_cur = (rlim_t)next_fd;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    client_ask(client, GET);
    ck_assert_int_eq(client_next_status(client), 200);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    client_free(client);
}

START_TEST(idle_connection_leaves_its_descriptor)
{
    struct client *second = served(_i), *first = served(_i);
    client_ask(first, GET);
    ck_assert_int_eq(client_next_status(first), 200);
    client_ask(second, GET);
    ck_assert_int_eq(client_next_status(second), 200);
    expect_served_without_descriptors(_i);
    client_expect_end(first);
    client_expect_silence(second);
    client_free(first);
    client_free(second);
}
END_TEST

/* A scrape counts for more than the oldest of the streams. */
START_TEST(stream_leaves_its_descriptor)
{
    static const char stream[] = "GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n";
    struct client *streams[2] = {asking(_i, stream), asking(_i, stream)};
    expect_served_without_descriptors(_i);
    ck_assert_int_eq(http.server->stream_count, 1);
    while (!streams[0]->ended)
        client_hear(streams[0]);
    for (int i = 0; i < 2; i++)
        client_free(streams[i]);
}
END_TEST

START_TEST(limits_fit_the_descriptors)
{
    struct rlimit files, few = {256, 256};
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &files), 0);
    few.rlim_max = files.rlim_max;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    struct http_limits limits = admission_limits();
    ck_assert_int_eq(limits.connections, 32);
    ck_assert_int_eq(limits.connections_of_one, 8);
    ck_assert_int_eq(limits.streams, 192);
    ck_assert_int_eq(limits.streams_local, 180);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &files), 0);
}
END_TEST

Suite *http_admission_suite(void)
{
    Suite *suite = suite_create("http_admission");
    TCase *tests = tcase_create("limits");
    tcase_set_timeout(tests, 20);
    tcase_add_checked_fixture(tests, http_start, http_stop);
    tcase_add_loop_test(tests, longest_idle_goes_first, 0, 2);
    tcase_add_loop_test(tests, silent_connections_keep_nobody_out, 0, 2);
    tcase_add_loop_test(tests, newcomer_is_refused_when_all_are_busy, 0, 2);
    tcase_add_loop_test(tests, slow_askers_go, 0, 2);
    tcase_add_loop_test(tests, slow_readers_go, 0, 2);
    tcase_add_loop_test(tests, nibbling_readers_go, 0, 2);
    tcase_add_loop_test(tests, shared_bodies_are_never_refused, 0, 2);
    tcase_add_loop_test(tests, a_large_body_is_served_compressed, 0, 2);
    tcase_add_loop_test(tests, bytes_outstanding_are_bounded, 0, 2);
    tcase_add_loop_test(tests, address_makes_room_by_its_own, 0, 2);
    tcase_add_loop_test(tests, crowd_is_served_one_after_the_other, 0, 2);
    tcase_add_loop_test(tests, crowd_at_one_listener_does_not_close_the_other, 0, 2);
    tcase_add_loop_test(tests, streams_take_no_room, 0, 2);
    tcase_add_test(tests, streams_are_left_for_other_hosts);
    tcase_add_loop_test(tests, idle_connection_leaves_its_descriptor, 0, 2);
    tcase_add_loop_test(tests, stream_leaves_its_descriptor, 0, 2);
    tcase_add_test(tests, limits_fit_the_descriptors);
    suite_add_tcase(suite, tests);
    return suite;
}
