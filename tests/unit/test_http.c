/* SPDX-License-Identifier: MIT */
/* Requests and their answers, through real sockets. */
#define _GNU_SOURCE
#include "fixture.h"
#include "http_client.h"
#include "suites.h"

#include "daemon/base/clock.h"
#include "daemon/http/http_connection.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define PIECE 4096 /* bytes: what libevent reads at a time */

/* Both listeners, unix and TCP, must do the same. */
START_TEST(connection_stays)
{
    struct client *client = client_new(_i);
    for (int i = 0; i < 3; i++) {
        client_ask(client, GET);
        const struct response *response = client_next(client, false);
        ck_assert_int_eq(response->status, 200);
        ck_assert_str_eq(response->body, "hello\n");
        ck_assert_ptr_null(strcasestr(response->head, "Connection: close"));
        ck_assert_ptr_nonnull(strstr(response->head, "\r\nContent-Type: text/plain\r\n"));
    }
    client_expect_silence(client);
    client_free(client);
    ck_assert_int_eq(http.observed[200], 3);
}
END_TEST

START_TEST(requests_are_answered_in_turn)
{
    struct client *client = client_new(_i);
    client_ask(client, "GET /query?1 HTTP/1.1\r\nHost: localhost\r\n\r\n"
                       "GET /query?2 HTTP/1.1\r\nHost: localhost\r\n\r\n"
                       "POST / HTTP/1.1\r\nHost: localhost\r\n\r\n"
                       "GET /query?3 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" GET);
    ck_assert_str_eq(client_next(client, false)->body, "1");
    ck_assert_str_eq(client_next(client, false)->body, "2");
    ck_assert_int_eq(client_next_status(client), 405);
    ck_assert_str_eq(client_next(client, false)->body, "3");
    client_expect_end(client); /* what came after "close" is not even looked at */
    client_free(client);
    ck_assert_int_eq(http.handled, 3);
}
END_TEST

/* A client that says all of it before it listens: the server must not buffer the rest. */
START_TEST(flood_of_requests_waits_its_turn)
{
    struct client *client = client_new(_i);
    size_t left = 1000 * strlen(GET);
    char *flood = malloc(left + 1);
    for (size_t i = 0; i < 1000; i++)
        memcpy(flood + i * strlen(GET), GET, sizeof GET);
    pid_t writer = fork();
    for (const char *at = flood; writer == 0 && left;) {
        struct pollfd room = {.fd = client->fd, .events = POLLOUT};
        poll(&room, 1, -1);
        ssize_t sent = send(client->fd, at, left, MSG_NOSIGNAL);
        at += sent > 0 ? sent : 0;
        left -= sent > 0 ? (size_t)sent : 0;
    }
    if (writer == 0)
        _exit(0);
    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(client_next_status(client), 200);
    waitpid(writer, NULL, 0);
    free(flood);
    client_free(client);
    ck_assert_int_eq(http.handled, 1000);
}
END_TEST

START_TEST(head_has_no_body)
{
    struct client *client = client_new(_i);
    client_ask(client, "HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    const struct response *response = client_next(client, true);
    ck_assert_int_eq(response->status, 200);
    ck_assert_ptr_nonnull(strstr(response->head, "\r\nContent-Length: 6\r\n"));
    client_expect_silence(client);
    client_ask(client, "HEAD /big HTTP/1.1\r\nHost: localhost\r\n\r\n" GET);
    ck_assert_int_eq(client_next(client, true)->status, 200);
    ck_assert_str_eq(client_next(client, false)->body, "hello\n");
    ck_assert_uint_eq(http.server->owed[HTTP_OWN], 0);
    client_free(client);
}
END_TEST

START_TEST(head_has_no_body_even_when_refused)
{
    struct client *client = client_new(0);
    client_ask(client, "HEAD / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\n");
    ck_assert_int_eq(client_next(client, true)->status, 413);
    client_expect_end(client);
    client_free(client);
}
END_TEST

START_TEST(headers_are_added)
{
    struct client *client = client_new(0);
    client_ask(client, "GET /query HTTP/1.1\r\nHost: localhost\r\n\r\n");
    const struct response *response = client_next(client, false);
    ck_assert_ptr_nonnull(strstr(response->head, "\r\nX-First: 1\r\nX-Second: 2\r\n"));
    ck_assert_uint_eq(response->length, 0);
    client_free(client);
}
END_TEST

static const struct {
    const char *request;
    int status;
    bool stays;
} errors[] = {
    {"nonsense\r\n\r\n", 400, false},
    {"GET / HTTP/1.1\r\n\r\n", 400, false}, /* no Host */
    {"POST / HTTP/1.1\r\nHost: localhost\r\n\r\n", 405, true},
    {"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc", 413, false},
    {"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 501,
     false},
    {"GET / HTTP/2.0\r\nHost: localhost\r\n\r\n", 505, false},
    {"GET /forgotten HTTP/1.1\r\nHost: localhost\r\n\r\n", 500, true},
};

START_TEST(errors_have_a_status)
{
    struct client *client = client_new(1);
    client_ask(client, errors[_i].request);
    const struct response *response = client_next(client, false);
    ck_assert_int_eq(response->status, errors[_i].status);
    ck_assert_int_eq(atoi(response->body), errors[_i].status);
    ck_assert_int_eq(http.observed[errors[_i].status], 1);
    ck_assert((strstr(response->head, "\r\nAllow: GET, HEAD, OPTIONS\r\n") != NULL) ==
              (errors[_i].status == 405));
    ck_assert((strstr(response->head, "\r\nConnection: close\r\n") != NULL) == !errors[_i].stays);
    if (errors[_i].stays) {
        client_ask(client, GET);
        ck_assert_int_eq(client_next_status(client), 200);
    } else {
        client_expect_end(client);
    }
    client_free(client);
}
END_TEST

/* A head of exactly the most that is taken, and one byte more. */
START_TEST(long_heads_are_refused)
{
    static const char first[] = "GET / HTTP/1.1\r\nHost: localhost\r\nA: ";
    for (size_t more = 0; more < 2; more++) {
        struct client *client = client_new(1);
        size_t fill = HTTP_HEAD_MAX - (sizeof first - 1) - 4 + more;
        char *head = malloc(HTTP_HEAD_MAX + 2);
        snprintf(head, HTTP_HEAD_MAX + 2, "%s%0*d\r\n\r\n", first, (int)fill, 0);
        client_ask(client, head);
        ck_assert_int_eq(client_next_status(client), more ? 431 : 200);
        if (more)
            client_expect_end(client);
        free(head);
        client_free(client);
    }
}
END_TEST

/* A reset would overtake the answer if the server closed while there is more to read. */
START_TEST(refused_body_is_let_go_by)
{
    struct client *client = client_new(_i);
    char *body = calloc(1, 1 << 20), rest;
    client_ask(client, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1048576\r\n\r\n");
    for (size_t sent = 0; sent < 1 << 20; http_run()) {
        ssize_t more = send(client->fd, body, (1 << 20) - sent, MSG_NOSIGNAL);
        ck_assert_msg(more > 0 || errno == EAGAIN, "cut off after %zu bytes", sent);
        sent += more > 0 ? (size_t)more : 0;
    }
    ck_assert_int_eq(client_next_status(client), 413);
    shutdown(client->fd, SHUT_WR);
    http_run();
    ck_assert_int_eq(recv(client->fd, &rest, 1, 0), 0);
    ck_assert_int_eq(http.handled, 0);
    free(body);
    client_free(client);
}
END_TEST

/* Whatever it does, a client has an end. */
START_TEST(answer_has_a_deadline)
{
    struct client *client = client_new(0);
    struct timeval now, end;
    client_ask(client, "GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n");
    client_hear(client);
    const struct connection *connection = TAILQ_FIRST(&http.server->busy);
    ck_assert(event_pending(connection->deadline, EV_TIMEOUT, &end));
    gettimeofday(&now, NULL);
    ck_assert_int_gt(end.tv_sec, now.tv_sec);
    ck_assert_int_le(end.tv_sec, now.tv_sec + 30 + (BIG >> 16) + 1);
    client_free(client);
}
END_TEST

/* What Prometheus does not wait for is not kept for it; what it has taken by then is its own. */
START_TEST(who_scrapes_is_not_waited_for_longer_than_it_waits)
{
    struct client *client = client_new(_i);
    struct timeval now, end, left, wait = {.tv_sec = 1};
    client_ask(client, "GET /big HTTP/1.1\r\nHost: localhost\r\n"
                       "X-Prometheus-Scrape-Timeout-Seconds: 0.2\r\n\r\n");
    ck_assert_uint_gt(http.server->owed[HTTP_OWN], 0);
    ck_assert(event_pending(TAILQ_FIRST(&http.server->busy)->deadline, EV_TIMEOUT, &end));
    gettimeofday(&now, NULL);
    timersub(&end, &now, &left);
    ck_assert(timercmp(&left, &wait, <));
    while (http_server_counts(http.server).connections)
        http_run();
    ck_assert_uint_eq(http.server->owed[HTTP_OWN], 0);
    client_free(client);
}
END_TEST

START_TEST(endless_head_is_answered_once)
{
    struct client *client = client_new(1);
    char *flood = malloc(1 << 20);
    memset(flood, 'a', 1 << 20);
    client_ask(client, "GET / HTTP/1.1\r\n");
    client_say(client, flood, 1 << 20);
    ck_assert_int_eq(client_next_status(client), 431);
    client_expect_end(client);
    ck_assert_int_eq(http.observed[431], 1);
    ck_assert_int_eq(http.handled, 0);
    free(flood);
    client_free(client);
}
END_TEST

START_TEST(head_may_come_byte_by_byte)
{
    static const char requests[] = GET "GET /query?second HTTP/1.1\r\nHost: localhost\r\n\r\n";
    struct client *client = client_new(_i);
    for (const char *at = requests; *at; at++) {
        client_say(client, at, 1);
        client_hear(client);
    }
    ck_assert_str_eq(client_next(client, false)->body, "hello\n");
    ck_assert_str_eq(client_next(client, false)->body, "second");
    client_free(client);
}
END_TEST

/* No memory for a buffer of more than what is read at a time. */
static void *allocate_little(size_t size)
{
    return size > 2 * PIECE ? NULL : malloc(size);
}

static void *reallocate_little(void *old, size_t size)
{
    return size > 2 * PIECE ? NULL : realloc(old, size);
}

/* A head that came in pieces has to be put together first. */
START_TEST(head_that_does_not_fit_into_memory_is_refused)
{
    struct client *client = client_new(_i), *other = client_new(_i);
    static char head[3 * PIECE];
    memset(head, 'a', sizeof head);
    memcpy(head, "GET /", 5);
    event_set_mem_functions(allocate_little, reallocate_little, free);
    for (size_t at = 0; at < sizeof head; at += PIECE)
        client_say(client, head + at, PIECE);
    ck_assert_int_eq(client_next_status(client), 503);
    client_ask(other, GET);
    ck_assert_int_eq(client_next_status(other), 200);
    event_set_mem_functions(malloc, realloc, free);
    client_free(client);
    client_free(other);
    ck_assert_int_eq(http.handled, 1);
}
END_TEST

static const struct {
    const char *request;
    bool stays;
} versions[] = {
    {"GET / HTTP/1.0\r\n\r\n", false},
    {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true},
    {"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", false},
    {"GET / HTTP/1.1\r\nHost: localhost\r\nconnection: Keep-Alive\r\n\r\n", true},
};

START_TEST(connection_closes_when_asked)
{
    struct client *client = client_new(1);
    client_ask(client, versions[_i].request);
    const struct response *response = client_next(client, false);
    ck_assert_int_eq(response->status, 200);
    ck_assert((strstr(response->head, "\r\nConnection: close\r\n") == NULL) == versions[_i].stays);
    if (versions[_i].stays)
        client_expect_silence(client);
    else
        client_expect_end(client);
    client_free(client);
}
END_TEST

START_TEST(half_a_request_is_no_request)
{
    struct client *client = client_new(_i), *other = client_new(_i);
    client_ask(client, "GET / HTTP/1.1\r\nHo");
    shutdown(client->fd, SHUT_WR);
    client_expect_end(client);
    client_free(client);
    client_ask(other, GET);
    ck_assert_int_eq(client_next_status(other), 200);
    client_free(other);
    ck_assert_int_eq(http.handled, 1);
}
END_TEST

START_TEST(half_closed_client_gets_all_its_answers)
{
    struct client *client = client_new(_i);
    ck_assert_int_gt(send(client->fd, GET GET GET, 3 * strlen(GET), 0), 0);
    shutdown(client->fd, SHUT_WR);
    for (int i = 0; i < 3; i++)
        ck_assert_str_eq(client_next(client, false)->body, "hello\n");
    client_expect_end(client);
    client_free(client);
}
END_TEST

/* Reads a big response to its end; its bytes. */
static size_t drink(struct client *client)
{
    size_t total = 0;
    while (!client->ended && total < BIG + 1000) {
        total += client->length;
        client->length = 0;
        if (!client_hear(client) && total > BIG)
            break;
    }
    return total + client->length;
}

START_TEST(big_body_arrives_whole_and_is_released)
{
    struct client *client = client_new(_i);
    client_ask(client, "GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n");
    ck_assert_uint_ge(drink(client), BIG);
    http_run();
    ck_assert_uint_eq(http.server->owed[HTTP_OWN], 0);
    client_free(client);
}
END_TEST

START_TEST(half_closed_client_gets_its_answer)
{
    struct client *client = client_new(_i);
    client_ask(client, "GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n");
    shutdown(client->fd, SHUT_WR);
    ck_assert_uint_ge(drink(client), BIG);
    while (!client->ended)
        client_hear(client);
    client_free(client);
}
END_TEST

START_TEST(leaving_early_releases_the_body)
{
    struct client *client = client_new(_i);
    client_ask(client, "GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n");
    client_hear(client);
    ck_assert_uint_eq(http.server->owed[HTTP_OWN], BIG);
    client_free(client);
    http_run();
    ck_assert_uint_eq(http.server->owed[HTTP_OWN], 0);
}
END_TEST

START_TEST(drain_closes_who_is_owed_nothing)
{
    struct client *idle = client_new(0), *asking = client_new(0), *reading = client_new(0),
                  *fresh = client_new(0);
    client_ask(idle, GET);
    ck_assert_int_eq(client_next_status(idle), 200);
    client_ask(asking, "GET / HT");
    client_ask(reading, "GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n" GET);
    client_hear(reading);
    http_run(); /* all are accepted */
    http_server_drain(http.server);
    client_expect_end(idle);
    client_ask(asking, "TP/1.1\r\nHost: localhost\r\n\r\n"); /* a scrape at a restart is not lost */
    client_ask(fresh, GET);
    ck_assert_int_eq(client_next_status(asking), 200);
    ck_assert_int_eq(client_next_status(fresh), 200);
    client_expect_end(asking);
    client_expect_end(fresh);
    struct client *late = client_new(0); /* the kernel takes it, the server does not */
    client_ask(late, GET);
    ck_assert_uint_ge(drink(reading), BIG);
    ck_assert(reading->ended);
    client_expect_silence(late);
    client_free(late);
    client_free(idle);
    client_free(asking);
    client_free(fresh);
    client_free(reading);
}
END_TEST

START_TEST(descriptors_may_run_out)
{
    struct rlimit limit, none;
    struct client *client = client_new(0);
    int next_fd = dup(client->fd);
    close(next_fd);
    getrlimit(RLIMIT_NOFILE, &limit);
    none = limit;
    none.rlim_cur = (rlim_t)next_fd;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    client_ask(client, GET);
    client_expect_silence(client);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert_int_eq(client_next_status(client), 200); /* once accepting was tried again */
    client_free(client);
}
END_TEST

static TCase *of_requests(void)
{
    TCase *tests = tcase_create("requests");
    tcase_set_timeout(tests, 20);
    tcase_add_checked_fixture(tests, http_start, http_stop);
    tcase_add_loop_test(tests, connection_stays, 0, 2);
    tcase_add_loop_test(tests, requests_are_answered_in_turn, 0, 2);
    tcase_add_loop_test(tests, flood_of_requests_waits_its_turn, 0, 2);
    tcase_add_loop_test(tests, head_has_no_body, 0, 2);
    tcase_add_test(tests, head_has_no_body_even_when_refused);
    tcase_add_test(tests, headers_are_added);
    tcase_add_loop_test(tests, errors_have_a_status, 0, (int)(sizeof errors / sizeof errors[0]));
    tcase_add_test(tests, long_heads_are_refused);
    tcase_add_loop_test(tests, refused_body_is_let_go_by, 0, 2);
    tcase_add_test(tests, answer_has_a_deadline);
    tcase_add_loop_test(tests, who_scrapes_is_not_waited_for_longer_than_it_waits, 0, 2);
    tcase_add_test(tests, endless_head_is_answered_once);
    tcase_add_loop_test(tests, head_may_come_byte_by_byte, 0, 2);
    tcase_add_loop_test(tests, head_that_does_not_fit_into_memory_is_refused, 0, 2);
    tcase_add_loop_test(tests, connection_closes_when_asked, 0,
                        (int)(sizeof versions / sizeof versions[0]));
    tcase_add_loop_test(tests, half_a_request_is_no_request, 0, 2);
    tcase_add_loop_test(tests, half_closed_client_gets_its_answer, 0, 2);
    tcase_add_loop_test(tests, half_closed_client_gets_all_its_answers, 0, 2);
    tcase_add_loop_test(tests, big_body_arrives_whole_and_is_released, 0, 2);
    tcase_add_loop_test(tests, leaving_early_releases_the_body, 0, 2);
    tcase_add_test(tests, drain_closes_who_is_owed_nothing);
    tcase_add_test(tests, descriptors_may_run_out);
    return tests;
}

Suite *http_suite(void)
{
    Suite *suite = suite_create("http");
    suite_add_tcase(suite, of_requests());
    return suite;
}
