/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "fixture.h"
#include "http_client.h"

#include "daemon/base/gzip.h"

#include <check.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct http_fixture http;

static void on_drained(void *argument)
{
    ck_assert_ptr_eq(argument, &http);
    http.drained++;
}

static void on_closed(void *argument)
{
    ck_assert_ptr_eq(argument, &http);
    http.closed++;
}

static void begin_stream(struct http_response *response)
{
    static const struct http_stream_calls calls = {on_drained, on_closed};
    http.stream = http_stream_begin(response, "text/event-stream", &calls, &http);
    if (!http.stream)
        http_respond(response, 503, "text/plain", "full\n", 5);
}

static void respond_big(struct http_response *response, enum http_body whose)
{
    struct buffer body = {0};
    buffer_reserve(&body, BIG);
    memset(body.data, 'x', BIG);
    body.length = BIG;
    struct frame *frame = frame_take(&body, http_account(response, whose));
    http_header(response, "Content-Encoding: big");
    http_respond_frame(response, 200, "text/plain", frame);
    frame_release(frame);
}

/* As the daemon does: the whole of it is kept for who wants that. */
static void respond_packed(struct http_response *response)
{
    size_t *account = http_account(response, HTTP_SHARED);
    struct buffer body = {0};
    buffer_reserve(&body, BIG);
    memset(body.data, 'x', BIG);
    body.length = BIG;
    struct frame *whole = frame_take(&body, account), *packed = gzip_frame(whole, account);
    http_respond_frame(response, 200, "text/plain", packed);
    frame_release(packed);
    frame_release(whole);
}

static void greet(void)
{
    struct buffer buffer = {0};
    buffer_append_string(&buffer, "welcome ");
    struct frame *frame = frame_take(&buffer, NULL);
    http_stream_send(http.stream, frame);
    frame_release(frame);
}

static void handle(const struct http_request *request, struct http_response *response,
                   void *argument)
{
    (void)argument;
    http.handled++;
    if (http.handler) {
        http.handler(request, response, argument);
    } else if (strcmp(request->path, "/stream") == 0) {
        begin_stream(response);
        if (strcmp(request->query, "greet") == 0)
            greet();
    } else if (strcmp(request->path, "/big") == 0) {
        respond_big(response, HTTP_OWN);
    } else if (strcmp(request->path, "/shared") == 0) {
        respond_big(response, HTTP_SHARED);
    } else if (strcmp(request->path, "/packed") == 0) {
        respond_packed(response);
    } else if (strcmp(request->path, "/query") == 0) {
        http_header(response, "X-First: 1");
        http_header(response, "X-Second: 2");
        http_respond(response, 200, "text/plain", request->query, strlen(request->query));
    } else if (strcmp(request->path, "/forgotten") != 0) {
        http_respond(response, 200, "text/plain", "hello\n", 6);
    }
}

static void observe(int status, void *argument)
{
    (void)argument;
    http.observed[status]++;
}

void http_start_deaf(void)
{
    fixture_start();
    signal(SIGPIPE, SIG_IGN); /* as the daemon does */
    http.base = event_base_new();
    http.server = http_server_new(http.base, handle, observe, NULL);
    snprintf(http.listened, sizeof http.listened, "unix:%s/socket", fixture_directory);
    memset(http.observed, 0, sizeof http.observed);
    http.handled = http.drained = http.closed = 0;
    http.stream = NULL;
    http.handler = NULL;
}

void http_start(void)
{
    char error[256];
    http_start_deaf();
    ck_assert_msg(http_server_listen(http.server, http.listened, error, sizeof error), "%s", error);
    ck_assert_msg(http_server_listen(http.server, "127.0.0.1:0", error, sizeof error), "%s", error);
}

void http_stop(void)
{
    if (http.server)
        http_server_free(http.server);
    event_base_free(http.base);
    fixture_stop();
}

void http_run(void)
{
    for (int i = 0; i < 4; i++)
        event_base_loop(http.base, EVLOOP_NONBLOCK);
}

struct sockaddr_un http_path_of(const char *address)
{
    struct sockaddr_un path = {.sun_family = AF_UNIX};
    ck_assert_uint_lt(strlen(address + 5), sizeof path.sun_path);
    memcpy(path.sun_path, address + 5, strlen(address + 5));
    return path;
}

int http_connected(const char *address)
{
    struct sockaddr_in inet = {.sin_family = AF_INET};
    bool local = strncmp(address, "unix:", 5) == 0;
    int fd = socket(local ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), result;
    if (local) {
        struct sockaddr_un path = http_path_of(address);
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

struct client *client_new(int listener)
{
    struct client *client = calloc(1, sizeof *client);
    client->fd = http_connected(http_server_address(http.server, listener));
    return client;
}

struct client *client_from(uint32_t address)
{
    struct client *client = calloc(1, sizeof *client);
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(address)}, to = from;
    to.sin_port = htons((uint16_t)atoi(strchr(http_server_address(http.server, 1), ':') + 1));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(client->fd, (const struct sockaddr *)&from, sizeof from), 0);
    ck_assert_int_eq(connect(client->fd, (const struct sockaddr *)&to, sizeof to), 0);
    fcntl(client->fd, F_SETFL, O_NONBLOCK);
    return client;
}

void client_free(struct client *client)
{
    close(client->fd);
    free(client);
}

void client_say(struct client *client, const char *text, size_t length)
{
    while (length) {
        ssize_t sent = send(client->fd, text, length, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN)
            return; /* the server has closed: what it said is read all the same */
        text += sent > 0 ? sent : 0;
        length -= sent > 0 ? (size_t)sent : 0;
        http_run();
    }
}

void client_ask(struct client *client, const char *text)
{
    client_say(client, text, strlen(text));
}

bool client_hear(struct client *client)
{
    http_run();
    ssize_t got =
        recv(client->fd, client->in + client->length, sizeof client->in - client->length, 0);
    if (got > 0)
        client->length += (size_t)got;
    client->ended |= got == 0 || (got < 0 && errno != EAGAIN);
    return got > 0 || client->ended;
}

const struct response *client_next(struct client *client, bool head)
{
    static struct response response;
    char *end;
    memset(&response, 0, sizeof response);
    while (!(end = memmem(client->in, client->length, "\r\n\r\n", 4))) {
        ck_assert_msg(!client->ended, "the connection ended");
        client_hear(client);
    }
    size_t size = (size_t)(end - client->in) + 4;
    ck_assert_uint_lt(size, sizeof response.head);
    memcpy(response.head, client->in, size);
    ck_assert_int_eq(sscanf(response.head, "HTTP/1.1 %d ", &response.status), 1);
    const char *length = strstr(response.head, "\r\nContent-Length: ");
    ck_assert((length != NULL) == (response.status != 204));
    response.length = head || !length ? 0 : strtoul(length + 18, NULL, 10);
    ck_assert_uint_lt(response.length, sizeof response.body);
    while (client->length < size + response.length && !client->ended)
        client_hear(client);
    ck_assert_uint_ge(client->length, size + response.length);
    memcpy(response.body, client->in + size, response.length);
    client->length -= size + response.length;
    memmove(client->in, client->in + size + response.length, client->length);
    return &response;
}

int client_next_status(struct client *client)
{
    return client_next(client, false)->status;
}

void client_expect_end(struct client *client)
{
    while (!client->ended)
        client_hear(client);
    ck_assert_uint_eq(client->length, 0);
}

void client_expect_silence(struct client *client)
{
    for (int i = 0; i < 20; i++)
        client_hear(client);
    ck_assert(!client->ended);
    ck_assert_uint_eq(client->length, 0);
}
