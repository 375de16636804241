/* SPDX-License-Identifier: MIT */
#include "daemon/http.h"
#include "daemon/cors.h"
#include "daemon/http_connection.h"
#include "daemon/http_listen.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONNECTIONS_MAX 1024
#define STREAMS_MAX 16384
#define REQUEST_SECONDS 10
#define IDLE_SECONDS 60
#define DRAIN_SECONDS 10
#define ACCEPT_PAUSE_MS 100
#define WRITE_MOST (1 << 20)

static void accept_again(struct http_server *server)
{
    for (int i = 0; i < server->listener_count && !server->draining; i++)
        evconnlistener_enable(server->listeners[i].listener);
}

static void accept_pause(struct http_server *server)
{
    for (int i = 0; i < server->listener_count; i++)
        evconnlistener_disable(server->listeners[i].listener);
}

/* One connection less that asks. */
static void count_down(struct http_server *server)
{
    if (server->connection_count-- == CONNECTIONS_MAX)
        accept_again(server);
}

bool connection_becomes_stream(struct connection *connection)
{
    struct http_server *server = connection->server;
    if (server->stream_count == STREAMS_MAX)
        return false;
    connection->streaming = true;
    server->stream_count++;
    count_down(server);
    return true;
}

void connection_close(struct connection *connection)
{
    struct http_server *server = connection->server;
    *connection->link = connection->next;
    if (connection->next)
        connection->next->link = connection->link;
    if (connection->calls)
        connection->calls->closed(connection->argument);
    if (connection->streaming)
        server->stream_count--;
    else
        count_down(server);
    event_free(connection->deadline);
    bufferevent_free(connection->stream);
    free(connection);
}

static void set_deadline(struct connection *connection, int seconds)
{
    struct timeval when = {.tv_sec = seconds};
    event_add(connection->deadline, &when);
}

/* Answers the request whose head has `length` bytes; 0 stands for a head that is too long. */
static void answer(struct connection *connection, size_t length)
{
    struct http_server *server = connection->server;
    struct evbuffer *in = bufferevent_get_input(connection->stream);
    struct http_request request;
    struct http_response response = {.connection = connection, .headers = evbuffer_new()};
    char *head = length ? (char *)evbuffer_pullup(in, (ev_ssize_t)length) : NULL;
    int status = head ? http_request_parse(&request, head, length) : 431;
    event_del(connection->deadline);
    connection->receiving = false;
    connection->answering = true;
    if (head)
        response.request = &request;
    if (head && status && status != 405)
        request.keep_alive = false; /* who knows where the next one would start */
    if (head)
        cors_headers(server->origins, &request, &response);
    if (status)
        response_error(&response, status);
    else if (request.options)
        response_options(&response);
    else
        server->handler(&request, &response, server->argument);
    if (!response.sent)
        response_error(&response, 500);
    evbuffer_drain(in, length);
    evbuffer_free(response.headers);
}

/* Looks for a whole request in what has arrived; one is answered at a time. */
static void take_request(struct connection *connection)
{
    struct evbuffer *in = bufferevent_get_input(connection->stream);
    size_t there = evbuffer_get_length(in);
    /* libevent calls again and again as long as the buffer is full: it must not look. */
    if (connection->streaming)
        evbuffer_drain(in, there); /* nothing is asked of a stream */
    if (connection->answering && there >= HTTP_HEAD_MAX)
        bufferevent_disable(connection->stream, EV_READ);
    if (connection->answering || there == 0)
        return;
    size_t most = there < HTTP_HEAD_MAX ? there : HTTP_HEAD_MAX;
    size_t length = http_head_length((const char *)evbuffer_pullup(in, (ev_ssize_t)most), most);
    if (length || there >= HTTP_HEAD_MAX) {
        answer(connection, length);
    } else if (!connection->receiving) {
        connection->receiving = true;
        set_deadline(connection, REQUEST_SECONDS);
    }
}

static void on_read(struct bufferevent *stream, void *argument)
{
    (void)stream;
    take_request(argument);
}

/* The response has left. */
static void on_drained(struct bufferevent *stream, void *argument)
{
    struct connection *connection = argument;
    (void)stream;
    if (connection->streaming)
        connection->calls->drained(connection->argument);
    if (!connection->answering || connection->streaming)
        return;
    connection->answering = false;
    if (connection->close_after || connection->server->draining) {
        connection_close(connection);
        return;
    }
    set_deadline(connection, IDLE_SECONDS);
    if (!connection->ended)
        bufferevent_enable(connection->stream, EV_READ);
    take_request(connection);
    if (connection->ended && !connection->answering)
        connection_close(connection);
}

/* End of the client's half, an error, or no progress for too long. */
static void on_event(struct bufferevent *stream, short what, void *argument)
{
    struct connection *connection = argument;
    (void)stream;
    if ((what & BEV_EVENT_EOF) && connection->answering && !connection->streaming) {
        connection->ended = true;
        return;
    }
    connection_close(connection);
}

static void on_deadline(evutil_socket_t fd, short what, void *argument)
{
    (void)fd, (void)what;
    connection_close(argument);
}

static bool connection_start(struct http_server *server, evutil_socket_t fd)
{
    struct connection *connection = calloc(1, sizeof *connection);
    struct timeval drain = {.tv_sec = DRAIN_SECONDS};
    if (!connection)
        return false;
    connection->server = server;
    connection->stream = bufferevent_socket_new(server->base, fd, BEV_OPT_CLOSE_ON_FREE);
    connection->deadline = evtimer_new(server->base, on_deadline, connection);
    if (!connection->stream || !connection->deadline) {
        if (connection->deadline)
            event_free(connection->deadline);
        if (connection->stream) {
            bufferevent_free(connection->stream);
        }
        free(connection);
        return false;
    }
    connection->next = server->connections;
    connection->link = &server->connections;
    if (connection->next)
        connection->next->link = &connection->next;
    server->connections = connection;
    server->connection_count++;
    bufferevent_setcb(connection->stream, on_read, on_drained, on_event, connection);
    bufferevent_setwatermark(connection->stream, EV_READ, 0, HTTP_HEAD_MAX);
    /* By default libevent writes 16 KiB at a time, and Nagle's algorithm holds back the rest. */
    bufferevent_set_max_single_write(connection->stream, WRITE_MOST);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    bufferevent_set_timeouts(connection->stream, NULL, &drain);
    set_deadline(connection, REQUEST_SECONDS);
    bufferevent_enable(connection->stream, EV_READ | EV_WRITE);
    return true;
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address,
                      int length, void *argument)
{
    struct http_server *server = argument;
    (void)listener, (void)address, (void)length;
    if (!connection_start(server, fd))
        evutil_closesocket(fd);
    if (server->connection_count >= CONNECTIONS_MAX)
        accept_pause(server);
}

static void on_resume(evutil_socket_t fd, short what, void *argument)
{
    struct http_server *server = argument;
    (void)fd, (void)what;
    if (server->connection_count < CONNECTIONS_MAX)
        accept_again(server);
}

/* Descriptors ran out, most likely: wait for some to come back instead of spinning. */
static void on_accept_error(struct evconnlistener *listener, void *argument)
{
    struct http_server *server = argument;
    struct timeval pause = {.tv_usec = ACCEPT_PAUSE_MS * 1000};
    (void)listener;
    accept_pause(server);
    event_add(server->resume, &pause);
}

struct http_server *http_server_new(struct event_base *base, http_handler *handler,
                                    http_observer *observer, void *argument)
{
    struct http_server *server = calloc(1, sizeof *server);
    if (!server)
        return NULL;
    server->base = base;
    server->handler = handler;
    server->observer = observer;
    server->argument = argument;
    server->resume = evtimer_new(base, on_resume, server);
    if (server->resume)
        return server;
    free(server);
    return NULL;
}

void http_server_allow_origins(struct http_server *server, char *const *origins)
{
    server->origins = origins;
}

bool http_server_listen(struct http_server *server, const char *address, char *error, size_t size)
{
    struct listener *to = &server->listeners[server->listener_count];
    if (server->listener_count == LISTENERS_MAX) {
        snprintf(error, size, "there are %d listeners already; drop one", LISTENERS_MAX);
        return false;
    }
    int fd = http_listen(address, error, size);
    if (fd < 0)
        return false;
    to->listener = evconnlistener_new(server->base, on_accept, server,
                                      LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
    if (!to->listener) {
        close(fd);
        snprintf(error, size, "no memory to listen");
        return false;
    }
    evconnlistener_set_error_cb(to->listener, on_accept_error);
    http_bound_address(fd, to->address, sizeof to->address);
    server->listener_count++;
    return true;
}

const char *http_server_address(const struct http_server *server, int i)
{
    return server->listeners[i].address;
}

bool http_server_is_local(const struct http_server *server, int i)
{
    return http_listens_locally(evconnlistener_get_fd(server->listeners[i].listener));
}

void http_server_drain(struct http_server *server)
{
    struct connection *next;
    server->draining = true;
    accept_pause(server);
    for (struct connection *connection = server->connections; connection; connection = next) {
        next = connection->next;
        if (!connection->answering || connection->streaming)
            connection_close(connection);
    }
}

void http_server_free(struct http_server *server)
{
    struct connection *next;
    server->draining = true;
    for (struct connection *connection = server->connections; connection; connection = next) {
        next = connection->next;
        connection_close(connection);
    }
    for (int i = 0; i < server->listener_count; i++) {
        evconnlistener_free(server->listeners[i].listener);
        if (strncmp(server->listeners[i].address, "unix:", 5) == 0)
            unlink(server->listeners[i].address + 5);
    }
    event_free(server->resume);
    free(server);
}
