/* SPDX-License-Identifier: MIT */
/* The server through real sockets: its loop is run by the test, between a client's steps. */
#define _GNU_SOURCE
#include "fixture.h"
#include "suites.h"

#include "daemon/collector.h"
#include "daemon/http_listen.h"
#include "daemon/web.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libdeflate.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define BIG (8u << 20)       /* more than sockets hold */
#define CONNECTIONS_MAX 1024 /* as in daemon/http.c */
#define GET "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

static struct event_base *base;
static struct http_server *server;
static char listened[256]; /* unix:PATH in the test's directory */
static int released, observed[600], handled;

static void release(void *body)
{
    released++;
    free(body);
}

static void handle(const struct http_request *request, struct http_response *response,
                   void *argument)
{
    (void)argument;
    handled++;
    if (strcmp(request->path, "/big") == 0) {
        http_respond(response, 200, "text/plain", calloc(1, BIG), BIG, release);
    } else if (strcmp(request->path, "/query") == 0) {
        http_header(response, "X-First: 1");
        http_header(response, "X-Second: 2");
        http_respond(response, 200, "text/plain", request->query, strlen(request->query), NULL);
    } else if (strcmp(request->path, "/forgotten") != 0) {
        http_respond(response, 200, "text/plain", "hello\n", 6, NULL);
    }
}

static void observe(int status, void *argument)
{
    (void)argument;
    observed[status]++;
}

static void start(void)
{
    char error[256];
    fixture_start();
    signal(SIGPIPE, SIG_IGN); /* as the daemon does */
    base = event_base_new();
    server = http_server_new(base, handle, observe, NULL);
    snprintf(listened, sizeof listened, "unix:%s/socket", fixture_directory);
    ck_assert_msg(http_server_listen(server, listened, error, sizeof error), "%s", error);
    ck_assert_msg(http_server_listen(server, "127.0.0.1:0", error, sizeof error), "%s", error);
    memset(observed, 0, sizeof observed);
    released = handled = 0;
}

static void stop(void)
{
    if (server)
        http_server_free(server);
    event_base_free(base);
    fixture_stop();
}

/* Lets the server do whatever can be done now. */
static void run(void)
{
    for (int i = 0; i < 4; i++)
        event_base_loop(base, EVLOOP_NONBLOCK);
}

struct client {
    int fd;
    bool ended; /* by the server */
    size_t length;
    char in[65536]; /* what has come and belongs to no response yet */
};

struct response {
    int status;
    char head[1024];
    size_t length;
    char body[32768];
};

static struct sockaddr_un path_of(const char *address)
{
    struct sockaddr_un path = {.sun_family = AF_UNIX};
    ck_assert_uint_lt(strlen(address + 5), sizeof path.sun_path);
    memcpy(path.sun_path, address + 5, strlen(address + 5));
    return path;
}

static int connected(const char *address)
{
    struct sockaddr_in inet = {.sin_family = AF_INET};
    bool local = strncmp(address, "unix:", 5) == 0;
    int fd = socket(local ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), result;
    if (local) {
        struct sockaddr_un path = path_of(address);
        result = connect(fd, (const struct sockaddr *)&path, sizeof path);
    } else {
        inet.sin_port = htons((uint16_t)atoi(strchr(address, ':') + 1));
        inet.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        result = connect(fd, (const struct sockaddr *)&inet, sizeof inet);
    }
    ck_assert_msg(result == 0, "%s: %s", address, strerror(errno));
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

static struct client *client_new(int listener)
{
    struct client *client = calloc(1, sizeof *client);
    client->fd = connected(http_server_address(server, listener));
    return client;
}

static void client_free(struct client *client)
{
    close(client->fd);
    free(client);
}

/* All of it, however little the server takes at a time. */
static void say(struct client *client, const char *text, size_t length)
{
    while (length) {
        ssize_t sent = send(client->fd, text, length, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN)
            return; /* the server has closed: what it said is read all the same */
        text += sent > 0 ? sent : 0;
        length -= sent > 0 ? (size_t)sent : 0;
        run();
    }
}

static void ask(struct client *client, const char *text)
{
    say(client, text, strlen(text));
}

/* Takes what has come; true when there was something, or the end. */
static bool hear(struct client *client)
{
    run();
    ssize_t got =
        recv(client->fd, client->in + client->length, sizeof client->in - client->length, 0);
    if (got > 0)
        client->length += (size_t)got;
    client->ended |= got == 0 || (got < 0 && errno != EAGAIN);
    return got > 0 || client->ended;
}

/* Cuts the next response off; `head` when none has a body. */
static const struct response *next(struct client *client, bool head)
{
    static struct response response;
    char *end;
    memset(&response, 0, sizeof response);
    while (!(end = memmem(client->in, client->length, "\r\n\r\n", 4))) {
        ck_assert_msg(!client->ended, "the connection ended");
        hear(client);
    }
    size_t size = (size_t)(end - client->in) + 4;
    ck_assert_uint_lt(size, sizeof response.head);
    memcpy(response.head, client->in, size);
    ck_assert_int_eq(sscanf(response.head, "HTTP/1.1 %d ", &response.status), 1);
    const char *length = strstr(response.head, "\r\nContent-Length: ");
    ck_assert_ptr_nonnull(length);
    response.length = head ? 0 : strtoul(length + 18, NULL, 10);
    ck_assert_uint_lt(response.length, sizeof response.body);
    while (client->length < size + response.length && !client->ended)
        hear(client);
    ck_assert_uint_ge(client->length, size + response.length);
    memcpy(response.body, client->in + size, response.length);
    client->length -= size + response.length;
    memmove(client->in, client->in + size + response.length, client->length);
    return &response;
}

static int next_status(struct client *client)
{
    return next(client, false)->status;
}

/* The server closes, and says nothing more before. */
static void expect_end(struct client *client)
{
    while (!client->ended)
        hear(client);
    ck_assert_uint_eq(client->length, 0);
}

static void expect_silence(struct client *client)
{
    for (int i = 0; i < 20; i++)
        hear(client);
    ck_assert(!client->ended);
    ck_assert_uint_eq(client->length, 0);
}

/* Both listeners, unix and TCP, must do the same. */
START_TEST(connection_stays)
{
    struct client *client = client_new(_i);
    for (int i = 0; i < 3; i++) {
        ask(client, GET);
        const struct response *response = next(client, false);
        ck_assert_int_eq(response->status, 200);
        ck_assert_str_eq(response->body, "hello\n");
        ck_assert_ptr_null(strcasestr(response->head, "Connection: close"));
        ck_assert_ptr_nonnull(strstr(response->head, "\r\nContent-Type: text/plain\r\n"));
    }
    expect_silence(client);
    client_free(client);
    ck_assert_int_eq(observed[200], 3);
}
END_TEST

START_TEST(requests_are_answered_in_turn)
{
    struct client *client = client_new(_i);
    ask(client, "GET /query?1 HTTP/1.1\r\nHost: x\r\n\r\n"
                "GET /query?2 HTTP/1.1\r\nHost: x\r\n\r\n"
                "POST / HTTP/1.1\r\nHost: x\r\n\r\n"
                "GET /query?3 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" GET);
    ck_assert_str_eq(next(client, false)->body, "1");
    ck_assert_str_eq(next(client, false)->body, "2");
    ck_assert_int_eq(next_status(client), 405);
    ck_assert_str_eq(next(client, false)->body, "3");
    expect_end(client); /* what came after "close" is not even looked at */
    client_free(client);
    ck_assert_int_eq(handled, 3);
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
        ck_assert_int_eq(next_status(client), 200);
    waitpid(writer, NULL, 0);
    free(flood);
    client_free(client);
    ck_assert_int_eq(handled, 1000);
}
END_TEST

START_TEST(head_has_no_body)
{
    struct client *client = client_new(_i);
    ask(client, "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n");
    const struct response *response = next(client, true);
    ck_assert_int_eq(response->status, 200);
    ck_assert_ptr_nonnull(strstr(response->head, "\r\nContent-Length: 6\r\n"));
    expect_silence(client);
    ask(client, "HEAD /big HTTP/1.1\r\nHost: x\r\n\r\n" GET);
    ck_assert_int_eq(next(client, true)->status, 200);
    ck_assert_str_eq(next(client, false)->body, "hello\n");
    ck_assert_int_eq(released, 1);
    client_free(client);
}
END_TEST

START_TEST(head_has_no_body_even_when_refused)
{
    struct client *client = client_new(0);
    ask(client, "HEAD / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n");
    ck_assert_int_eq(next(client, true)->status, 413);
    expect_end(client);
    client_free(client);
}
END_TEST

START_TEST(headers_are_added)
{
    struct client *client = client_new(0);
    ask(client, "GET /query HTTP/1.1\r\nHost: x\r\n\r\n");
    const struct response *response = next(client, false);
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
    {"POST / HTTP/1.1\r\nHost: x\r\n\r\n", 405, true},
    {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", 413, false},
    {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 501, false},
    {"GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505, false},
    {"GET /forgotten HTTP/1.1\r\nHost: x\r\n\r\n", 500, true},
};

START_TEST(errors_have_a_status)
{
    struct client *client = client_new(1);
    ask(client, errors[_i].request);
    const struct response *response = next(client, false);
    ck_assert_int_eq(response->status, errors[_i].status);
    ck_assert_int_eq(atoi(response->body), errors[_i].status);
    ck_assert_int_eq(observed[errors[_i].status], 1);
    ck_assert((strstr(response->head, "\r\nAllow: GET, HEAD\r\n") != NULL) ==
              (errors[_i].status == 405));
    ck_assert((strstr(response->head, "\r\nConnection: close\r\n") != NULL) == !errors[_i].stays);
    if (errors[_i].stays) {
        ask(client, GET);
        ck_assert_int_eq(next_status(client), 200);
    } else {
        expect_end(client);
    }
    client_free(client);
}
END_TEST

/* A head of exactly the most that is taken, and one byte more. */
START_TEST(long_heads_are_refused)
{
    static const char first[] = "GET / HTTP/1.1\r\nHost: x\r\nA: ";
    for (size_t more = 0; more < 2; more++) {
        struct client *client = client_new(1);
        size_t fill = HTTP_HEAD_MAX - (sizeof first - 1) - 4 + more;
        char *head = malloc(HTTP_HEAD_MAX + 2);
        snprintf(head, HTTP_HEAD_MAX + 2, "%s%0*d\r\n\r\n", first, (int)fill, 0);
        ask(client, head);
        ck_assert_int_eq(next_status(client), more ? 431 : 200);
        if (more)
            expect_end(client);
        free(head);
        client_free(client);
    }
}
END_TEST

START_TEST(endless_head_is_answered_once)
{
    struct client *client = client_new(1);
    char *flood = malloc(1 << 20);
    memset(flood, 'a', 1 << 20);
    ask(client, "GET / HTTP/1.1\r\n");
    say(client, flood, 1 << 20);
    ck_assert_int_eq(next_status(client), 431);
    expect_end(client);
    ck_assert_int_eq(observed[431], 1);
    ck_assert_int_eq(handled, 0);
    free(flood);
    client_free(client);
}
END_TEST

START_TEST(head_may_come_byte_by_byte)
{
    static const char requests[] = GET "GET /query?second HTTP/1.1\r\nHost: x\r\n\r\n";
    struct client *client = client_new(_i);
    for (const char *at = requests; *at; at++) {
        say(client, at, 1);
        hear(client);
    }
    ck_assert_str_eq(next(client, false)->body, "hello\n");
    ck_assert_str_eq(next(client, false)->body, "second");
    client_free(client);
}
END_TEST

static const struct {
    const char *request;
    bool stays;
} versions[] = {
    {"GET / HTTP/1.0\r\n\r\n", false},
    {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true},
    {"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", false},
    {"GET / HTTP/1.1\r\nHost: x\r\nconnection: Keep-Alive\r\n\r\n", true},
};

START_TEST(connection_closes_when_asked)
{
    struct client *client = client_new(1);
    ask(client, versions[_i].request);
    const struct response *response = next(client, false);
    ck_assert_int_eq(response->status, 200);
    ck_assert((strstr(response->head, "\r\nConnection: close\r\n") == NULL) == versions[_i].stays);
    if (versions[_i].stays)
        expect_silence(client);
    else
        expect_end(client);
    client_free(client);
}
END_TEST

START_TEST(half_a_request_is_no_request)
{
    struct client *client = client_new(_i), *other = client_new(_i);
    ask(client, "GET / HTTP/1.1\r\nHo");
    shutdown(client->fd, SHUT_WR);
    expect_end(client);
    client_free(client);
    ask(other, GET);
    ck_assert_int_eq(next_status(other), 200);
    client_free(other);
    ck_assert_int_eq(handled, 1);
}
END_TEST

START_TEST(half_closed_client_gets_all_its_answers)
{
    struct client *client = client_new(_i);
    ck_assert_int_gt(send(client->fd, GET GET GET, 3 * strlen(GET), 0), 0);
    shutdown(client->fd, SHUT_WR);
    for (int i = 0; i < 3; i++)
        ck_assert_str_eq(next(client, false)->body, "hello\n");
    expect_end(client);
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
        if (!hear(client) && total > BIG)
            break;
    }
    return total + client->length;
}

START_TEST(big_body_arrives_whole_and_is_released)
{
    struct client *client = client_new(_i);
    ask(client, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
    ck_assert_uint_ge(drink(client), BIG);
    run();
    ck_assert_int_eq(released, 1);
    client_free(client);
}
END_TEST

START_TEST(half_closed_client_gets_its_answer)
{
    struct client *client = client_new(_i);
    ask(client, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
    shutdown(client->fd, SHUT_WR);
    ck_assert_uint_ge(drink(client), BIG);
    while (!client->ended)
        hear(client);
    client_free(client);
}
END_TEST

START_TEST(leaving_early_releases_the_body)
{
    struct client *client = client_new(_i);
    ask(client, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
    hear(client);
    ck_assert_int_eq(released, 0);
    client_free(client);
    run();
    ck_assert_int_eq(released, 1);
}
END_TEST

START_TEST(drain_closes_who_is_owed_nothing)
{
    struct client *idle = client_new(0), *asking = client_new(0), *reading = client_new(0);
    ask(idle, GET);
    ck_assert_int_eq(next_status(idle), 200);
    ask(asking, "GET / HT");
    ask(reading, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n" GET);
    hear(reading);
    http_server_drain(server);
    expect_end(idle);
    expect_end(asking);
    struct client *late = client_new(0); /* the kernel takes it, the server does not */
    ask(late, GET);
    ck_assert_uint_ge(drink(reading), BIG);
    ck_assert(reading->ended);
    expect_silence(late);
    client_free(late);
    client_free(idle);
    client_free(asking);
    client_free(reading);
}
END_TEST

#define MORE 8

START_TEST(connections_have_a_limit)
{
    static int clients[CONNECTIONS_MAX + MORE];
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    ck_assert_msg(limit.rlim_max > 2 * (CONNECTIONS_MAX + MORE) + 50, "raise ulimit -Hn");
    for (int i = 0; i < CONNECTIONS_MAX + MORE; i++) {
        clients[i] = connected(listened);
        ck_assert_int_gt(send(clients[i], GET, strlen(GET), 0), 0);
        run();
    }
    run();
    ck_assert_int_eq(handled, CONNECTIONS_MAX); /* the others wait */
    for (int i = 0; i < MORE; i++) {
        close(clients[i]);
        run();
        ck_assert_int_eq(handled, CONNECTIONS_MAX + 1 + i); /* each that leaves lets one in */
    }
    for (int i = MORE; i < CONNECTIONS_MAX + MORE; i++)
        close(clients[i]);
    run();
    struct client *client = client_new(0);
    ask(client, GET);
    ck_assert_int_eq(next_status(client), 200);
    client_free(client);
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
    ask(client, GET);
    expect_silence(client);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert_int_eq(next_status(client), 200); /* once accepting was tried again */
    client_free(client);
}
END_TEST

static TCase *of_requests(void)
{
    TCase *tests = tcase_create("requests");
    tcase_set_timeout(tests, 20);
    tcase_add_checked_fixture(tests, start, stop);
    tcase_add_loop_test(tests, connection_stays, 0, 2);
    tcase_add_loop_test(tests, requests_are_answered_in_turn, 0, 2);
    tcase_add_loop_test(tests, flood_of_requests_waits_its_turn, 0, 2);
    tcase_add_loop_test(tests, head_has_no_body, 0, 2);
    tcase_add_test(tests, head_has_no_body_even_when_refused);
    tcase_add_test(tests, headers_are_added);
    tcase_add_loop_test(tests, errors_have_a_status, 0, (int)(sizeof errors / sizeof errors[0]));
    tcase_add_test(tests, long_heads_are_refused);
    tcase_add_test(tests, endless_head_is_answered_once);
    tcase_add_loop_test(tests, head_may_come_byte_by_byte, 0, 2);
    tcase_add_loop_test(tests, connection_closes_when_asked, 0,
                        (int)(sizeof versions / sizeof versions[0]));
    tcase_add_loop_test(tests, half_a_request_is_no_request, 0, 2);
    tcase_add_loop_test(tests, half_closed_client_gets_its_answer, 0, 2);
    tcase_add_loop_test(tests, half_closed_client_gets_all_its_answers, 0, 2);
    tcase_add_loop_test(tests, big_body_arrives_whole_and_is_released, 0, 2);
    tcase_add_loop_test(tests, leaving_early_releases_the_body, 0, 2);
    tcase_add_test(tests, drain_closes_who_is_owed_nothing);
    tcase_add_test(tests, connections_have_a_limit);
    tcase_add_test(tests, descriptors_may_run_out);
    return tests;
}

START_TEST(unix_socket_is_for_its_group)
{
    struct stat status;
    ck_assert_int_eq(stat(listened + 5, &status), 0);
    ck_assert(S_ISSOCK(status.st_mode));
    ck_assert_uint_eq(status.st_mode & 07777, 0660);
    ck_assert_str_eq(http_server_address(server, 0), listened);
    http_server_free(server);
    server = NULL;
    ck_assert_int_eq(stat(listened + 5, &status), -1);
}
END_TEST

START_TEST(left_over_socket_is_replaced)
{
    char error[256], address[300];
    snprintf(address, sizeof address, "%s-old", listened);
    struct sockaddr_un path = path_of(address);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(fd, (const struct sockaddr *)&path, sizeof path), 0);
    close(fd); /* and the file stays, as after a crash */
    ck_assert_msg(http_server_listen(server, address, error, sizeof error), "%s", error);
    struct client *client = client_new(2);
    ask(client, GET);
    ck_assert_int_eq(next_status(client), 200);
    client_free(client);
}
END_TEST

START_TEST(socket_in_use_is_left_alone)
{
    char error[256] = "";
    ck_assert(!http_server_listen(server, listened, error, sizeof error));
    ck_assert_ptr_nonnull(strstr(error, "is another engramd running?"));
    struct client *client = client_new(0);
    ask(client, GET);
    ck_assert_int_eq(next_status(client), 200);
    client_free(client);
}
END_TEST

START_TEST(file_is_never_replaced)
{
    char error[256] = "", address[300];
    struct stat status;
    snprintf(address, sizeof address, "%s-file", listened);
    close(open(address + 5, O_CREAT | O_WRONLY, 0600));
    ck_assert(!http_server_listen(server, address, error, sizeof error));
    ck_assert(*error);
    ck_assert_int_eq(stat(address + 5, &status), 0);
    ck_assert(S_ISREG(status.st_mode));
}
END_TEST

START_TEST(port_in_use_is_named_with_advice)
{
    char error[256] = "";
    ck_assert(!http_server_listen(server, http_server_address(server, 1), error, sizeof error));
    ck_assert_ptr_nonnull(strstr(error, "is another engramd running?"));
}
END_TEST

START_TEST(bound_port_is_told)
{
    int port = 0;
    ck_assert_int_eq(sscanf(http_server_address(server, 1), "127.0.0.1:%d", &port), 1);
    ck_assert_int_gt(port, 0);
}
END_TEST

START_TEST(ipv6_is_told_in_brackets)
{
    char error[256] = "", address[64];
    int fd = http_listen("[::1]:0", error, sizeof error);
    if (fd < 0) { /* a host without IPv6 says so */
        ck_assert(*error);
        return;
    }
    http_bound_address(fd, address, sizeof address);
    ck_assert_int_eq(strncmp(address, "[::1]:", 6), 0);
    ck_assert_int_gt(atoi(address + 6), 0);
    close(fd);
}
END_TEST

START_TEST(listeners_have_a_limit)
{
    char error[256] = "";
    for (int i = 2; i < 16; i++)
        ck_assert(http_server_listen(server, "127.0.0.1:0", error, sizeof error));
    ck_assert(!http_server_listen(server, "127.0.0.1:0", error, sizeof error));
    ck_assert_ptr_nonnull(strstr(error, "16 listeners"));
}
END_TEST

static const char *const bad_addresses[] = {
    "",
    "127.0.0.1",
    ":80",
    "localhost:80",
    "256.0.0.1:80",
    "1.2.3.4.5:80",
    "127.0.0.1:http",
    "127.0.0.1:",
    "127.0.0.1:65536",
    "127.0.0.1:99999",
    "127.0.0.1:-1",
    "127.0.0.1:+80",
    "127.0.0.1:*",
    "::1:80",
    "[::1:80",
    "[]:80",
    "203.0.113.1:80", /* for documentation: no host has it */
    "unix:",
    "unix:/nonexistent/directory/socket",
    "unix:/tmp/"
    "a-name-longer-than-the-107-bytes-that-a-socket-s-may-have-which-is-the-kernel-s-limit-"
    "and-not-ours-so-nothing-can-be-done-about-it",
};

START_TEST(bad_addresses_get_a_sentence)
{
    char error[256] = "";
    ck_assert_int_eq(http_listen(bad_addresses[_i], error, sizeof error), -1);
    const char *advice = strchr(error, ';');
    ck_assert_msg(advice && strlen(advice) > 10, "%s: %s", bad_addresses[_i], error);
}
END_TEST

static TCase *of_listeners(void)
{
    TCase *tests = tcase_create("listeners");
    tcase_add_checked_fixture(tests, start, stop);
    tcase_add_test(tests, unix_socket_is_for_its_group);
    tcase_add_test(tests, left_over_socket_is_replaced);
    tcase_add_test(tests, socket_in_use_is_left_alone);
    tcase_add_test(tests, file_is_never_replaced);
    tcase_add_test(tests, port_in_use_is_named_with_advice);
    tcase_add_test(tests, bound_port_is_told);
    tcase_add_test(tests, ipv6_is_told_in_brackets);
    tcase_add_test(tests, listeners_have_a_limit);
    tcase_add_loop_test(tests, bad_addresses_get_a_sentence, 0,
                        (int)(sizeof bad_addresses / sizeof bad_addresses[0]));
    return tests;
}

static struct pipeline pipeline;
static struct web web;

static void start_web(void)
{
    start();
    http_server_free(server);
    pipeline_start(&pipeline, ONE_NODE, NULL, NULL);
    web = (struct web){pipeline.store, pipeline.self};
    server = http_server_new(base, web_handle, web_observe, &web);
    char error[256];
    ck_assert_msg(http_server_listen(server, listened, error, sizeof error), "%s", error);
}

static void stop_web(void)
{
    pipeline_stop(&pipeline);
    stop();
}

static const struct response *got(const char *path, const char *headers)
{
    char request[512];
    struct client *client = client_new(0);
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: x\r\n%s\r\n", path, headers);
    ask(client, request);
    const struct response *response = next(client, false);
    client_free(client);
    return response;
}

START_TEST(paths_have_a_status)
{
    static const struct computed_family *const none[] = {NULL};
    ck_assert_int_eq(got("/-/ready", "")->status, 503);
    ck_assert_int_eq(got("/metrics", "")->status, 503);
    ck_assert_int_eq(got("/-/healthy", "")->status, 200);
    pipeline_collect(&pipeline, none);
    ck_assert_int_eq(got("/-/ready", "")->status, 200);
    ck_assert_int_eq(got("/metrics", "")->status, 200);
    ck_assert_int_eq(got("/metrics/prometheus?a=b", "")->status, 200);
    ck_assert_int_eq(got("/metrics", "Accept: application/json\r\n")->status, 406);
    ck_assert_int_eq(got("/", "")->status, 200);
    ck_assert_int_eq(got("/metrics/", "")->status, 404);
    ck_assert_int_eq(got("/../etc/passwd", "")->status, 404);
}
END_TEST

START_TEST(gzip_is_the_same_text)
{
    static const struct computed_family *const none[] = {NULL};
    char plain[sizeof((struct response *)0)->body], text[sizeof plain];
    size_t length;
    fixture_process("p");
    engram_histogram_new("h_seconds", "Enough text to be worth it.", NULL);
    pipeline_collect(&pipeline, none);
    const struct response *response = got("/metrics", "");
    ck_assert_ptr_null(strstr(response->head, "Content-Encoding"));
    memcpy(plain, response->body, sizeof plain);
    ck_assert_uint_gt(strlen(plain), 1024);
    response = got("/metrics", "Accept-Encoding: gzip\r\n");
    ck_assert_ptr_nonnull(strstr(response->head, "\r\nContent-Encoding: gzip\r\n"));
    ck_assert_ptr_nonnull(strstr(response->head, "\r\nVary: Accept, Accept-Encoding\r\n"));
    struct libdeflate_decompressor *decompressor = libdeflate_alloc_decompressor();
    ck_assert_int_eq(libdeflate_gzip_decompress(decompressor, response->body, response->length,
                                                text, sizeof text - 1, &length),
                     LIBDEFLATE_SUCCESS);
    libdeflate_free_decompressor(decompressor);
    text[length] = 0;
    ck_assert_str_eq(text, plain);
}
END_TEST

static TCase *of_paths(void)
{
    TCase *tests = tcase_create("paths");
    tcase_add_checked_fixture(tests, start_web, stop_web);
    tcase_add_test(tests, paths_have_a_status);
    tcase_add_test(tests, gzip_is_the_same_text);
    return tests;
}

Suite *http_suite(void)
{
    Suite *suite = suite_create("http");
    suite_add_tcase(suite, of_requests());
    suite_add_tcase(suite, of_listeners());
    suite_add_tcase(suite, of_paths());
    return suite;
}
