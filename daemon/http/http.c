/* SPDX-License-Identifier: MIT */
#include "daemon/http/http.h"
#include "daemon/base/clock.h"
#include "daemon/http/cors.h"
#include "daemon/http/host.h"
#include "daemon/http/http_admission.h"
#include "daemon/http/http_listen.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REQUEST_MS 10000
#define IDLE_MS 60000
#define DRAIN_SECONDS 10
#define LINGER_MS 1000
#define REFUSAL_MS_MOST 500 /* that an answer to somebody impatient has to get there */
#define ACCEPT_PAUSE_MS 100
#define ACCEPTED_AT_ONCE 64
#define WRITE_MOST (1 << 20)

/* Some more was read. */
static void on_output(struct evbuffer *out, const struct evbuffer_cb_info *info, void *argument)
{
    struct connection *connection = argument;
    (void)out;
    if (info->n_deleted == 0 || connection->streaming)
        return;
    /* What the kernel had room for at first says nothing of the client. */
    connection->taken = connection->reading ? connection->taken + info->n_deleted : 0;
    connection->reading = true;
    admission_is_busy(connection);
}

/* The one that is enabled first is heard first, and may take all of a turn: each in turn. */
static void accept_again(struct http_server *server)
{
    unsigned count = server->draining ? 0 : (unsigned)server->listener_count;
    server->first_listener++;
    for (unsigned i = 0; i < count; i++)
        evconnlistener_enable(server->listeners[(server->first_listener + i) % count].listener);
}

static void accept_pause(struct http_server *server)
{
    for (int i = 0; i < server->listener_count; i++)
        evconnlistener_disable(server->listeners[i].listener);
}

/* Frees what it is still owed at once: libevent would do so later. */
static void forget_answer(struct connection *connection)
{
    struct evbuffer *out = bufferevent_get_output(connection->stream);
    evbuffer_remove_cb(out, on_output, connection);
    evbuffer_unfreeze(out, 1);
    evbuffer_drain(out, evbuffer_get_length(out));
}

void connection_close(struct connection *connection)
{
    if (connection->calls)
        connection->calls->closed(connection->argument);
    if (connection->asked)
        connection->server->gate->leave(&connection->asker);
    free(connection->asked);
    admission_leave(connection);
    forget_answer(connection);
    event_free(connection->deadline);
    if (connection->sealed)
        connection->server->gate->end(connection->stream);
    bufferevent_free(connection->stream);
    free(connection);
}

void connection_set_deadline(struct connection *connection, uint64_t ms)
{
    struct timeval when = {.tv_sec = (time_t)(ms / 1000), .tv_usec = (int)(ms % 1000) * 1000};
    event_add(connection->deadline, &when);
}

/* Whether there is anything to be said yet: the gate may have to think, or has said it. */
static enum http_verdict judge(struct connection *connection, const struct http_request *request,
                               struct http_response *response)
{
    const struct http_gate *gate = connection->server->gate;
    return connection->guarded ? gate->ask(gate->argument, request, response, &connection->asker)
                               : HTTP_GRANTED;
}

/* Answers a request, NULL if it could not be parsed; `status`: what is wrong with it, or 0. */
static enum http_verdict respond(struct connection *connection, const struct http_request *request,
                                 int status)
{
    struct http_server *server = connection->server;
    struct http_response response = {
        .connection = connection, .request = request, .headers = evbuffer_new()};
    enum http_verdict verdict = HTTP_ANSWERED;
    if (request)
        cors_headers(server->origins, request, &response);
    if (status || !request)
        response_error(&response, status);
    else if (connection->exposed && connection->peer->is_local &&
             !host_is_ours(request->host, server->origins))
        response_misdirected(&response);
    else if (request->options)
        response_options(&response);
    else
        verdict = judge(connection, request, &response);
    if (verdict == HTTP_GRANTED)
        server->handler(request, &response, server->argument);
    if (verdict != HTTP_WAITS && !response.sent)
        response_error(&response, 500);
    evbuffer_free(response.headers);
    return verdict;
}

void http_ask_again(struct http_asker *asker)
{
    struct connection *connection =
        (struct connection *)((char *)asker - offsetof(struct connection, asker));
    struct asked *asked = connection->asked;
    event_del(connection->deadline);
    connection->asked = NULL;
    respond(connection, &asked->request, 0);
    free(asked);
}

/* What the gate looks at has to outlast what is read meanwhile. */
static struct asked *copy_asked(const char *head, size_t length)
{
    struct asked *asked = malloc(sizeof *asked + length);
    if (asked)
        memcpy(asked->head, head, length);
    return asked;
}

static enum http_verdict answer_head(struct connection *connection, struct http_request *request,
                                     char *head, size_t length)
{
    int status = http_request_parse(request, head, length);
    connection->linger = status && status != 405;
    if (connection->linger)
        request->keep_alive = false; /* who knows where the next one would start */
    return respond(connection, request, status);
}

/* How long the gate may think, so that there is an answer before the client has left. */
static uint32_t verdict_ms(const struct http_request *request)
{
    uint32_t patience = request->patience_ms, refusal = patience / 10;
    if (patience == 0)
        return REQUEST_MS;
    patience -= refusal < REFUSAL_MS_MOST ? refusal : REFUSAL_MS_MOST;
    return patience < REQUEST_MS ? patience : REQUEST_MS;
}

/* The same where there is a gate. */
static void answer_guarded(struct connection *connection, const char *head, size_t length)
{
    struct asked *asked = copy_asked(head, length);
    if (!asked) {
        respond(connection, NULL, 503);
    } else if (answer_head(connection, &asked->request, asked->head, length) == HTTP_WAITS) {
        connection->asked = asked;
        connection_set_deadline(connection, verdict_ms(&asked->request));
    } else {
        free(asked);
    }
}

/* Answers the request whose head has `length` bytes; 0 stands for a head that is too long or, if it
 * is NULL, for one that there was no memory to put together. */
static void answer(struct connection *connection, char *head, size_t length)
{
    struct http_request request;
    event_del(connection->deadline);
    connection->receiving = false;
    connection->answering = true;
    connection->reading = false;
    connection->taken = 0;
    connection->asked_at = clock_monotonic();
    admission_is_busy(connection);
    if (length == 0) {
        connection->linger = true;
        respond(connection, NULL, head ? 431 : 503);
    } else if (connection->guarded) {
        answer_guarded(connection, head, length);
    } else {
        answer_head(connection, &request, head, length);
    }
    evbuffer_drain(bufferevent_get_input(connection->stream), length);
}

/* Looks for a whole request in what has arrived; one is answered at a time. */
static void take_request(struct connection *connection)
{
    struct evbuffer *in = bufferevent_get_input(connection->stream);
    size_t there = evbuffer_get_length(in);
    /* libevent calls again and again as long as the buffer is full: it must not look. */
    if (connection->streaming || connection->lingering)
        evbuffer_drain(in, there); /* nobody asks any more */
    if (connection->answering && there >= HTTP_HEAD_MAX)
        bufferevent_disable(connection->stream, EV_READ);
    if (connection->answering || connection->lingering || there == 0)
        return;
    size_t most = there < HTTP_HEAD_MAX ? there : HTTP_HEAD_MAX;
    char *head = (char *)evbuffer_pullup(in, (ev_ssize_t)most);
    size_t length = head ? http_head_length(head, most) : 0;
    if (length || !head || there >= HTTP_HEAD_MAX) {
        answer(connection, head, length);
    } else if (!connection->receiving) {
        connection->receiving = true;
        admission_is_busy(connection);
        connection_set_deadline(connection, REQUEST_MS);
    }
}

static void on_read(struct bufferevent *stream, void *argument)
{
    (void)stream;
    take_request(argument);
}

/* Lets the client read that it was refused while it is still talking. */
static void linger(struct connection *connection)
{
    connection->lingering = true;
    if (connection->sealed)
        connection->server->gate->end(connection->stream);
    shutdown(bufferevent_getfd(connection->stream), SHUT_WR);
    connection_set_deadline(connection, LINGER_MS);
    bufferevent_enable(connection->stream, EV_READ);
    take_request(connection);
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
    connection->account = NULL;
    connection->served = true;
    bool last = connection->close_after || connection->server->draining;
    if (last && connection->linger && !connection->ended) {
        linger(connection);
        return;
    }
    if (last) {
        connection_close(connection);
        return;
    }
    admission_is_idle(connection);
    connection_set_deadline(connection, IDLE_MS);
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
    if (what & BEV_EVENT_CONNECTED) /* the handshake is over */
        return;
    if ((what & BEV_EVENT_EOF) && connection->answering && !connection->streaming) {
        connection->ended = true;
        return;
    }
    connection_close(connection);
}

/* The gate thinks for too long. */
static void give_up(struct connection *connection)
{
    struct asked *asked = connection->asked;
    const struct http_server *server = connection->server;
    struct http_response response = {
        .connection = connection, .request = &asked->request, .headers = evbuffer_new()};
    connection->asked = NULL;
    cors_headers(server->origins, &asked->request, &response);
    server->gate->put_off(server->gate->argument, &response, &connection->asker);
    evbuffer_free(response.headers);
    free(asked);
}

static void on_deadline(evutil_socket_t fd, short what, void *argument)
{
    struct connection *connection = argument;
    (void)fd, (void)what;
    if (connection->asked)
        give_up(connection);
    else
        connection_close(connection);
}

static void connection_watch(struct connection *connection, int fd)
{
    struct timeval drain = {.tv_sec = DRAIN_SECONDS};
    bufferevent_setcb(connection->stream, on_read, on_drained, on_event, connection);
    evbuffer_add_cb(bufferevent_get_output(connection->stream), on_output, connection);
    bufferevent_setwatermark(connection->stream, EV_READ, 0, HTTP_HEAD_MAX);
    /* By default libevent writes 16 KiB at a time, and Nagle's algorithm holds back the rest. */
    bufferevent_set_max_single_write(connection->stream, WRITE_MOST);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    bufferevent_set_timeouts(connection->stream, NULL, &drain);
    connection_set_deadline(connection, REQUEST_MS);
    bufferevent_enable(connection->stream, EV_READ | EV_WRITE);
}

/* False when there is no memory; `fd` is closed then. */
static bool connection_start(struct connection *connection, int fd)
{
    struct event_base *base = connection->server->base;
    const struct http_gate *gate = connection->server->gate;
    connection->asker.peer = (uintptr_t)connection->peer;
    connection->stream = connection->sealed
                             ? gate->open(gate->argument, base, fd)
                             : bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
    connection->deadline = evtimer_new(base, on_deadline, connection);
    if (connection->stream && connection->deadline) {
        connection_watch(connection, fd);
        return true;
    }
    if (connection->deadline)
        event_free(connection->deadline);
    if (connection->stream)
        bufferevent_free(connection->stream);
    else
        close(fd);
    return false;
}

/* Without having heard what it asks, and without waiting for it to listen. */
static void refuse(struct http_server *server, int fd, bool sealed)
{
    static const char answer[] = "HTTP/1.1 503 Service Unavailable\r\nServer: engramd\r\n"
                                 "Content-Type: text/plain; charset=utf-8\r\n"
                                 "Content-Length: 32\r\nRetry-After: 1\r\n"
                                 "Connection: close\r\n\r\n503 There are too many clients.\n";
    if (!sealed)
        send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    close(fd);
    if (server->observer)
        server->observer(503, server->argument);
}

/* In a turn so many only: others have to be read from, or would seem idle. */
static void count_accepted(struct http_server *server)
{
    if (server->accepted++ == 0) {
        server->accepting_since = clock_monotonic();
        event_add(server->resume, &(struct timeval){0});
    }
    server->accept_later |= server->accepted == ACCEPTED_AT_ONCE;
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address,
                      int length, void *argument)
{
    struct http_server *server = argument;
    const struct http_gate *gate = address->sa_family == AF_UNIX ? NULL : server->gate;
    struct connection made = {.server = server,
                              .guarded = gate,
                              .exposed = !gate && address->sa_family != AF_UNIX,
                              .sealed = gate && gate->seals(gate->argument)};
    struct connection *connection = malloc(sizeof *connection);
    (void)listener, (void)length;
    count_accepted(server);
    if (connection)
        *connection = made;
    if (!connection || !admission_enter(connection, fd, address)) {
        refuse(server, fd, made.sealed);
        free(connection);
    } else if (!connection_start(connection, fd)) {
        admission_leave(connection);
        free(connection);
    }
    if (server->accept_later)
        accept_pause(server);
}

static void on_resume(evutil_socket_t fd, short what, void *argument)
{
    struct http_server *server = argument;
    (void)fd, (void)what;
    server->accepted = 0;
    server->accept_later = false;
    accept_again(server);
}

static bool has_waiting(struct evconnlistener *listener)
{
    struct pollfd waiting = {.fd = evconnlistener_get_fd(listener), .events = POLLIN};
    return poll(&waiting, 1, 0) > 0;
}

/* Descriptors ran out, most likely: make one free, and wait instead of spinning.  Without any, the
 * kernel says so even if nobody waits. */
static void on_accept_error(struct evconnlistener *listener, void *argument)
{
    struct http_server *server = argument;
    struct timeval pause = {.tv_usec = ACCEPT_PAUSE_MS * 1000};
    if (!has_waiting(listener))
        return;
    if (server->accepted == 0)
        server->accepting_since = clock_monotonic();
    admission_close_one(server);
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
    server->limits = admission_limits();
    TAILQ_INIT(&server->idle);
    TAILQ_INIT(&server->busy);
    TAILQ_INIT(&server->streams);
    server->peers = peers_new();
    server->resume = evtimer_new(base, on_resume, server);
    if (server->peers && server->resume)
        return server;
    http_server_free(server);
    return NULL;
}

void http_server_limit(struct http_server *server, const struct http_limits *limits)
{
    server->limits = *limits;
}

void http_server_set_gate(struct http_server *server, const struct http_gate *gate)
{
    server->gate = gate;
}

void http_server_allow_origins(struct http_server *server, char *const *origins)
{
    server->origins = origins;
}

static bool has_room(const struct http_server *server, char *error, size_t size)
{
    if (server->listener_count < LISTENERS_MAX)
        return true;
    snprintf(error, size, "there are %d listeners already; drop one", LISTENERS_MAX);
    return false;
}

static bool accept_on(struct http_server *server, int fd, bool adopted, char *error, size_t size)
{
    struct listener *to = &server->listeners[server->listener_count];
    to->listener = evconnlistener_new(server->base, on_accept, server,
                                      LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
    if (!to->listener) {
        snprintf(error, size, "no memory to listen");
        return false;
    }
    evconnlistener_set_error_cb(to->listener, on_accept_error);
    http_bound_address(fd, to->address, sizeof to->address);
    to->adopted = adopted;
    server->listener_count++;
    return true;
}

bool http_server_listen(struct http_server *server, const char *address, char *error, size_t size)
{
    int fd = has_room(server, error, size) ? http_listen(address, error, size) : -1;
    if (fd < 0)
        return false;
    if (accept_on(server, fd, false, error, size))
        return true;
    close(fd);
    return false;
}

bool http_server_adopt(struct http_server *server, int fd, char *error, size_t size)
{
    return has_room(server, error, size) && http_listens(fd, error, size) &&
           accept_on(server, fd, true, error, size);
}

const char *http_server_address(const struct http_server *server, int i)
{
    return server->listeners[i].address;
}

bool http_server_is_local(const struct http_server *server, int i)
{
    return http_listens_locally(evconnlistener_get_fd(server->listeners[i].listener));
}

static bool is_owed(const struct connection *connection)
{
    return !connection->served || connection->receiving || connection->answering;
}

/* Closes all of them, or those that are owed no answer. */
static void close_all(struct connections *connections, bool all)
{
    struct connection *next;
    for (struct connection *at = TAILQ_FIRST(connections); at; at = next) {
        next = TAILQ_NEXT(at, link);
        if (all || !is_owed(at))
            connection_close(at);
    }
}

void http_server_drain(struct http_server *server)
{
    server->draining = true;
    accept_pause(server);
    close_all(&server->idle, false);
    close_all(&server->busy, false);
    close_all(&server->streams, true);
}

void http_server_free(struct http_server *server)
{
    server->draining = true;
    close_all(&server->idle, true);
    close_all(&server->busy, true);
    close_all(&server->streams, true);
    for (int i = 0; i < server->listener_count; i++) {
        evconnlistener_free(server->listeners[i].listener);
        if (!server->listeners[i].adopted && strncmp(server->listeners[i].address, "unix:", 5) == 0)
            unlink(server->listeners[i].address + 5);
    }
    if (server->resume)
        event_free(server->resume);
    if (server->peers)
        peers_free(server->peers);
    free(server);
}
