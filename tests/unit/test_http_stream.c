/* SPDX-License-Identifier: MIT */
/* Responses without an end, through real sockets. */
#define _GNU_SOURCE
#include "http_client.h"
#include "suites.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define STREAM "GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n"

static struct frame *frame_of(const char *text, size_t length)
{
    struct buffer buffer = {0};
    buffer_append(&buffer, text, length);
    return frame_take(&buffer, NULL);
}

static void push(struct http_stream *stream, const char *text)
{
    struct frame *frame = frame_of(text, strlen(text));
    http_stream_send(stream, frame);
    frame_release(frame);
}

/* Asks, and takes the head off what has come. */
static struct client *streaming(int listener)
{
    struct client *client = client_new(listener);
    client_ask(client, STREAM);
    while (!memmem(client->in, client->length, "\r\n\r\n", 4))
        ck_assert(client_hear(client));
    char *end = memmem(client->in, client->length, "\r\n\r\n", 4);
    *end = '\0';
    ck_assert_ptr_nonnull(strstr(client->in, "HTTP/1.1 200 OK\r\n"));
    ck_assert_ptr_nonnull(strstr(client->in, "\r\nContent-Type: text/event-stream"));
    ck_assert_ptr_nonnull(strstr(client->in, "\r\nConnection: close"));
    ck_assert_ptr_null(strstr(client->in, "Content-Length"));
    client->length = 0;
    return client;
}

static void expect_bytes(struct client *client, const char *text)
{
    while (client->length < strlen(text))
        ck_assert(client_hear(client));
    ck_assert_uint_eq(client->length, strlen(text));
    ck_assert_mem_eq(client->in, text, strlen(text));
    client->length = 0;
}

START_TEST(frames_arrive_in_order)
{
    struct client *client = streaming(_i);
    push(http.stream, "first ");
    push(http.stream, "second");
    expect_bytes(client, "first second");
    ck_assert_uint_eq(http_stream_backlog(http.stream), 0);
    client_free(client);
    http_run();
    ck_assert_int_eq(http.closed, 1);
}
END_TEST

/* What is pushed before the head has left waits behind it. */
START_TEST(nothing_overtakes_the_head)
{
    static const char head[] = "HTTP/1.1 200 OK\r\n";
    struct client *client = client_new(_i);
    client_ask(client, "GET /stream?greet HTTP/1.1\r\nHost: localhost\r\n\r\n");
    while (!memmem(client->in, client->length, "welcome ", 8))
        ck_assert(client_hear(client));
    ck_assert_mem_eq(client->in, head, sizeof head - 1);
    client->length = 0;
    push(http.stream, "first");
    expect_bytes(client, "first");
    client_free(client);
}
END_TEST

START_TEST(nobody_answers_on_a_stream)
{
    struct client *client = streaming(_i);
    for (int i = 0; i < 1000; i++) {
        client_ask(client, GET);
        http_run();
    }
    push(http.stream, "frame");
    expect_bytes(client, "frame");
    ck_assert_int_eq(http.handled, 1);
    client_free(client);
    http_run();
    ck_assert_int_eq(http.closed, 1); /* the end is seen behind all that it said */
}
END_TEST

/* A client that does not read: what it is owed stays, once, and reaches it later. */
START_TEST(backlog_is_shared_and_drains)
{
    struct client *client = streaming(_i);
    char *text = malloc(BIG);
    memset(text, 'x', BIG);
    struct frame *frame = frame_of(text, BIG);
    http.drained = 0;
    http_stream_send(http.stream, frame);
    ck_assert_uint_gt(http_stream_backlog(http.stream), BIG / 2);
    ck_assert_uint_eq(frame->references, 2);
    size_t got = (size_t)recv(client->fd, text, BIG, 0); /* there is room now, */
    push(http.stream, "end");                            /* but for what came before */
    char last = 0;
    for (; got < BIG + 3; client->length = 0) {
        client_hear(client);
        got += client->length;
        last = client->length ? client->in[client->length - 1] : last;
    }
    ck_assert_int_eq(last, 'd');
    ck_assert_uint_eq(got, BIG + 3);
    http_run();
    ck_assert_int_eq(http.drained, 1);
    ck_assert_uint_eq(frame->references, 1);
    frame_release(frame);
    free(text);
    client_free(client);
}
END_TEST

START_TEST(leaving_releases_the_backlog)
{
    struct client *client = streaming(_i);
    char *text = calloc(1, BIG);
    struct frame *frame = frame_of(text, BIG);
    http_stream_send(http.stream, frame);
    ck_assert_uint_eq(frame->references, 2);
    client_free(client);
    http_run();
    ck_assert_int_eq(http.closed, 1);
    ck_assert_uint_eq(frame->references, 1);
    frame_release(frame);
    free(text);
}
END_TEST

START_TEST(who_is_cut_off_is_not_told_of)
{
    struct client *client = streaming(0);
    http_stream_close(http.stream);
    client_expect_end(client);
    ck_assert_int_eq(http.closed, 0);
    client_free(client);
}
END_TEST

START_TEST(drain_ends_streams)
{
    struct client *client = streaming(0);
    http_server_drain(http.server);
    client_expect_end(client);
    ck_assert_int_eq(http.closed, 1);
    client_free(client);
}
END_TEST

/* However many streams there are, there is room for those who ask. */
START_TEST(streams_are_counted_apart)
{
    enum { MANY = 20 };
    const struct http_limits limits = {.connections = 2, /* that ask, fewer than MANY */
                                       .connections_of_one = 2,
                                       .streams = MANY,
                                       .streams_of_one = MANY,
                                       .streams_local = MANY,
                                       .owed = BIG,
                                       .patience_ms = 3600000};
    static struct client *clients[MANY];
    http_server_limit(http.server, &limits);
    for (int i = 0; i < MANY; i++)
        clients[i] = streaming(0);
    struct client *asker = client_new(0);
    client_ask(asker, GET);
    ck_assert_int_eq(client_next_status(asker), 200);
    client_free(asker);
    for (int i = 0; i < MANY; i++)
        client_free(clients[i]);
    for (int i = 0; i < MANY && http.closed < MANY; i++)
        http_run();
    ck_assert_int_eq(http.closed, MANY);
}
END_TEST

Suite *http_stream_suite(void)
{
    Suite *suite = suite_create("http_stream");
    TCase *tests = tcase_create("streams");
    tcase_set_timeout(tests, 20);
    tcase_add_checked_fixture(tests, http_start, http_stop);
    tcase_add_loop_test(tests, frames_arrive_in_order, 0, 2);
    tcase_add_loop_test(tests, nothing_overtakes_the_head, 0, 2);
    tcase_add_loop_test(tests, nobody_answers_on_a_stream, 0, 2);
    tcase_add_loop_test(tests, backlog_is_shared_and_drains, 0, 2);
    tcase_add_loop_test(tests, leaving_releases_the_backlog, 0, 2);
    tcase_add_test(tests, who_is_cut_off_is_not_told_of);
    tcase_add_test(tests, drain_ends_streams);
    tcase_add_test(tests, streams_are_counted_apart);
    suite_add_tcase(suite, tests);
    return suite;
}
