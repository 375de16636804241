/* SPDX-License-Identifier: MIT */
/*
 * Streams on the daemon's own HTTP against streams on libevent's evhttp: N clients each
 * get a frame of 1 KB ten times a second, all the same one, counted and shared.
 *
 *     own, buffered     bufferevents as in daemon/http/http.c; the frame is referred to
 *     own, direct       the same, but the frame is sent at once, and only what the socket
 *                       does not take is referred to
 *     evhttp            evhttp_send_reply_chunk()
 *     evhttp, direct    evhttp for the request, then the socket as in "own, direct"
 *
 * Server and clients are a process each.  A delay runs from the moment that a frame is due
 * to the client's read, so a server that is late cannot hide it; on time is within a period.
 * A frame that never came counts as one that came when it was given up.
 */
#define _GNU_SOURCE
#include "http_bench.h"

#include <event2/buffer.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

#include "daemon/http/http_request.h"

#define PERIOD 0.1 /* seconds */
#define FRAME 1024
#define STREAMS_MAX 10000
#define ROUNDS_MAX 3
#define STALL_SECONDS 10 /* without progress, as in daemon/http/http.c */
#define WATCH_SECONDS 20
#define STALL_FRAME (1 << 16)

/* --- Servers --- */

/* As it goes over the wire: a chunk's length, the payload, and a line end. */
struct frame {
    int references;
    size_t head, payload, length;
    char bytes[];
};

struct stream {
    int fd;
    struct bufferevent *socket;
    struct event *deadline;         /* as each connection of daemon/http/http.c has one */
    struct evhttp_request *request; /* evhttp's */
    uint64_t caught_up;             /* when nothing was left to send, ns */
    struct stream *next, **link;
};

typedef void push_frame(struct stream *stream, struct frame *frame);

static struct stream *streams;
static push_frame *push;
static struct evbuffer *chunk;
static int ticker, frames_most, frame_bytes;
static bool cut_at_push; /* whoever has not caught up for STALL_SECONDS */

static char letter_of(int number)
{
    return (char)('a' + number % 26);
}

static struct frame *frame_new(int number)
{
    char head[16];
    size_t payload = (size_t)frame_bytes;
    size_t length = (size_t)snprintf(head, sizeof head, "%zx\r\n", payload);
    struct frame *frame = malloc(sizeof *frame + length + payload + 2);
    *frame = (struct frame){1, length, payload, length + payload + 2};
    memcpy(frame->bytes, head, length);
    memset(frame->bytes + length, letter_of(number), payload);
    memcpy(frame->bytes + length + payload, "\r\n", 2);
    return frame;
}

static void release(const void *bytes, size_t length, void *argument)
{
    struct frame *frame = argument;
    (void)bytes, (void)length;
    if (--frame->references == 0)
        free(frame);
}

static void refer(struct evbuffer *out, struct frame *frame, size_t from, size_t to)
{
    frame->references++;
    evbuffer_add_reference(out, frame->bytes + from, to - from, release, frame);
}

static void push_buffered(struct stream *stream, struct frame *frame)
{
    refer(bufferevent_get_output(stream->socket), frame, 0, frame->length);
}

static void push_direct(struct stream *stream, struct frame *frame)
{
    struct evbuffer *out = bufferevent_get_output(stream->socket);
    ssize_t sent = 0;
    if (evbuffer_get_length(out) == 0)
        sent = send(stream->fd, frame->bytes, frame->length, MSG_NOSIGNAL);
    if (sent < 0)
        sent = 0; /* the socket is full, or the bufferevent is about to meet the error */
    if ((size_t)sent < frame->length)
        refer(out, frame, (size_t)sent, frame->length);
}

static void push_chunk(struct stream *stream, struct frame *frame)
{
    refer(chunk, frame, frame->head, frame->head + frame->payload);
    evhttp_send_reply_chunk(stream->request, chunk);
}

static void stream_link(struct stream *stream)
{
    stream->next = streams;
    stream->link = &streams;
    if (stream->next)
        stream->next->link = &stream->next;
    streams = stream;
}

static void stream_unlink(struct stream *stream)
{
    *stream->link = stream->next;
    if (stream->next)
        stream->next->link = stream->link;
}

static void stream_close(struct stream *stream)
{
    if (stream->link)
        stream_unlink(stream);
    event_free(stream->deadline);
    bufferevent_free(stream->socket);
    free(stream);
}

static void stream_cut(struct stream *stream)
{
    if (stream->request)
        evhttp_connection_free(evhttp_request_get_connection(stream->request));
    else
        stream_close(stream);
}

static void push_all(struct frame *frame)
{
    uint64_t now = clock_monotonic();
    for (struct stream *stream = streams, *next; stream; stream = next) {
        next = stream->next;
        if (evbuffer_get_length(bufferevent_get_output(stream->socket)) == 0)
            stream->caught_up = now;
        if (cut_at_push && now - stream->caught_up > STALL_SECONDS * UINT64_C(1000000000))
            stream_cut(stream);
        else
            push(stream, frame);
    }
}

static void on_tick(evutil_socket_t fd, short what, void *argument)
{
    static int number;
    uint64_t due;
    (void)what, (void)argument;
    if (read(fd, &due, sizeof due) != sizeof due)
        return;
    for (; due > 0 && number < frames_most; due--) {
        struct frame *frame = frame_new(number++);
        push_all(frame);
        release(NULL, 0, frame);
    }
}

static void on_read(struct bufferevent *socket, void *argument)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                               "Transfer-Encoding: chunked\r\n\r\n";
    struct evbuffer *in = bufferevent_get_input(socket);
    struct stream *stream = argument;
    struct http_request request;
    size_t there = evbuffer_get_length(in);
    char *bytes = (char *)evbuffer_pullup(in, -1);
    size_t length = http_head_length(bytes, there);
    if (length == 0 || http_request_parse(&request, bytes, length))
        return;
    evbuffer_drain(in, length);
    event_del(stream->deadline);
    bufferevent_write(socket, head, sizeof head - 1);
    stream_link(stream);
}

static void on_event(struct bufferevent *socket, short what, void *argument)
{
    (void)socket, (void)what;
    stream_close(argument);
}

static void on_deadline(evutil_socket_t fd, short what, void *argument)
{
    (void)fd, (void)what;
    stream_close(argument);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address,
                      int length, void *argument)
{
    struct event_base *base = evconnlistener_get_base(listener);
    struct stream *stream = calloc(1, sizeof *stream);
    struct timeval limit = {.tv_sec = STALL_SECONDS};
    (void)address, (void)length;
    stream->fd = fd;
    stream->socket = one_write(base, argument);
    stream->deadline = evtimer_new(base, on_deadline, stream);
    bufferevent_setfd(stream->socket, fd);
    bufferevent_setcb(stream->socket, on_read, NULL, on_event, stream);
    bufferevent_setwatermark(stream->socket, EV_READ, 0, HTTP_HEAD_MAX);
    bufferevent_set_timeouts(stream->socket, NULL, &limit);
    event_add(stream->deadline, &limit);
    bufferevent_enable(stream->socket, EV_READ | EV_WRITE);
}

static void on_close(struct evhttp_connection *connection, void *argument)
{
    (void)connection;
    stream_unlink(argument);
    free(argument);
}

static void on_request(struct evhttp_request *request, void *argument)
{
    struct evhttp_connection *connection = evhttp_request_get_connection(request);
    struct stream *stream = calloc(1, sizeof *stream);
    struct timeval limit = {.tv_sec = STALL_SECONDS};
    (void)argument;
    stream->request = request;
    stream->socket = evhttp_connection_get_bufferevent(connection);
    stream->fd = bufferevent_getfd(stream->socket);
    evhttp_connection_set_closecb(connection, on_close, stream);
    evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type",
                      "text/event-stream");
    evhttp_send_reply_start(request, 200, "OK");
    bufferevent_set_timeouts(stream->socket, NULL, &limit); /* or silence would end a stream */
    stream_link(stream);
}

static void tick_on(struct event_base *base, push_frame *with)
{
    push = with;
    event_add(event_new(base, ticker, EV_READ | EV_PERSIST, on_tick, NULL), NULL);
}

static int open_own(struct event_base *base, push_frame *with)
{
    int port;
    listen_any(base, on_accept, NULL, &port);
    tick_on(base, with);
    return port;
}

static int open_evhttp(struct event_base *base, push_frame *with)
{
    struct evconnlistener *listener;
    int port;
    evhttp_set_gencb(evhttp_open(base, STALL_SECONDS, &port, &listener), on_request, NULL);
    chunk = evbuffer_new();
    tick_on(base, with);
    return port;
}

static int open_own_buffered(struct event_base *base)
{
    return open_own(base, push_buffered);
}

static int open_own_direct(struct event_base *base)
{
    return open_own(base, push_direct);
}

static int open_evhttp_chunks(struct event_base *base)
{
    return open_evhttp(base, push_chunk);
}

static int open_evhttp_direct(struct event_base *base)
{
    return open_evhttp(base, push_direct);
}

static const struct {
    const char *name;
    int (*open)(struct event_base *base);
} kinds[] = {{"own, buffered", open_own_buffered},
             {"own, direct", open_own_direct},
             {"evhttp", open_evhttp_chunks},
             {"evhttp, direct", open_evhttp_direct}};

#define KINDS (sizeof kinds / sizeof kinds[0])

/* --- Clients --- */

static int fds[STREAMS_MAX];
static size_t received[STREAMS_MAX]; /* bytes of frames */
static double *delays;               /* ms, one for each frame of each client */
static size_t arrived;

/* Starts a server whose ticker is armed later; both see it, since it is made before the fork. */
static struct served serve_frames(size_t kind, int frames, int bytes)
{
    frames_most = frames;
    frame_bytes = bytes;
    ticker = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    return serve(kinds[kind].open);
}

/* The first frame is due in 0.2 s; returns when, in us. */
static double start_ticks(void)
{
    uint64_t first = clock_monotonic() + 200000000;
    struct itimerspec ticks = {.it_interval.tv_nsec = (long)(PERIOD * 1e9)};
    ticks.it_value.tv_sec = (time_t)(first / 1000000000);
    ticks.it_value.tv_nsec = (long)(first % 1000000000);
    timerfd_settime(ticker, TFD_TIMER_ABSTIME, &ticks, NULL);
    return (double)first * 1e-3;
}

static void take_head(int fd)
{
    char head[512];
    ssize_t got = recv(fd, head, sizeof head, 0);
    if (got < 16 || memcmp(head, "HTTP/1.1 200", 12) != 0 || memcmp(head + got - 4, "\r\n\r\n", 4))
        die("not a stream's head");
}

static void connect_all(int port, int count, int poller)
{
    for (int i = 0; i < count; i++) {
        fds[i] = ask(1, port, "/stream", 0);
        received[i] = 0;
    }
    for (int i = 0; i < count; i++) {
        take_head(fds[i]);
        epoll_ctl(poller, EPOLL_CTL_ADD, fds[i],
                  &(struct epoll_event){.events = EPOLLIN, .data.u32 = (uint32_t)i});
    }
}

/* Reads what has come to one client and notes the frames that are whole now.  The byte in the
 * middle tells whether any were lost or doubled before. */
static void take_frames(uint32_t client, int frames, double first_due)
{
    static char room[1 << 16];
    static const size_t wire = FRAME + 7; /* with "400\r\n" and "\r\n" */
    ssize_t got = recv(fds[client], room, sizeof room, MSG_DONTWAIT);
    if (got <= 0)
        die("a stream ended");
    double now = now_us();
    size_t middle = received[client] + (size_t)got / 2, whole = received[client] / wire;
    received[client] += (size_t)got;
    if (middle % wire >= 5 && middle % wire < FRAME + 5 &&
        room[got / 2] != letter_of((int)(middle / wire)))
        die("a stream is garbled");
    for (; whole < received[client] / wire; whole++, arrived++)
        delays[client * (size_t)frames + whole] =
            (now - first_due) * 1e-3 - (double)whole * PERIOD * 1e3;
}

static void take_all(int poller, int count, int frames, double first_due)
{
    static struct epoll_event events[1024];
    size_t all = (size_t)count * (size_t)frames;
    double patience = frames * PERIOD + 2, end = first_due + patience * 1e6;
    arrived = 0;
    for (size_t i = 0; i < all; i++)
        delays[i] = patience * 1e3;
    while (arrived < all && now_us() < end)
        for (int n = epoll_wait(poller, events, 1024, 100); n-- > 0;)
            take_frames(events[n].data.u32, frames, first_due);
}

/* --- Figures --- */

enum figure { LATE, P50, P99, CPU, MEMORY, FIGURES };

static double figures[FIGURES][KINDS][ROUNDS_MAX];

static double late(size_t all)
{
    size_t count = 0;
    for (size_t i = 0; i < all; i++)
        count += delays[i] > PERIOD * 1e3;
    return 100.0 * (double)count / (double)all;
}

static void measure(size_t kind, size_t round, int count, int frames)
{
    struct served server = serve_frames(kind, frames, FRAME);
    double before = memory(server, "VmRSS:");
    int poller = epoll_create1(EPOLL_CLOEXEC);
    size_t all = (size_t)count * (size_t)frames;
    delays = calloc(all, sizeof *delays);
    connect_all(server.port, count, poller);
    double first = start_ticks(), cpu = cpu_seconds(server);
    take_all(poller, count, frames, first);
    figures[CPU][kind][round] = (cpu_seconds(server) - cpu) / (frames * PERIOD) * 100;
    figures[MEMORY][kind][round] = (memory(server, "VmHWM:") - before) / count * 1e-3;
    figures[LATE][kind][round] = late(all);
    figures[P50][kind][round] = quantile(delays, all, 0.5);
    figures[P99][kind][round] = quantile(delays, all, 0.99);
    stop(server);
    for (int i = 0; i < count; i++)
        close(fds[i]);
    close(poller);
    close(ticker);
    free(delays);
}

static void bench(int count, size_t rounds, int frames)
{
    static const struct {
        const char *name, *unit;
    } of[FIGURES] = {{"late", "%"}, {"p50", "ms"}, {"p99", "ms"}, {"CPU", "%"}, {"memory", "KB"}};
    char name[64];
    for (size_t round = 0; round < rounds; round++)
        for (size_t k = 0; k < KINDS; k++)
            measure(k, round, count, frames);
    for (size_t i = 0; i < FIGURES; i++)
        for (size_t k = 0; k < KINDS; k++) {
            snprintf(name, sizeof name, "%d streams: %s%s", count, of[i].name,
                     i == MEMORY ? " of each" : "");
            figure(name, kinds[k].name, of[i].unit, figures[i][k], rounds);
        }
}

/* --- A client that reads nothing --- */

struct watch {
    struct served server;
    int fd, open;
    double start, closed, memory;
};

static void watch_start(struct watch *watch, size_t kind)
{
    watch->server = serve_frames(kind, 10 * WATCH_SECONDS, STALL_FRAME);
    watch->fd = ask(1, watch->server.port, "/stream", 4096);
    usleep(100000);
    watch->open = descriptors(watch->server);
    watch->memory = memory(watch->server, "VmRSS:");
    watch->start = start_ticks() * 1e-6;
    close(ticker);
}

static void watch_end(struct watch *watch, const char *who, const char *by)
{
    char name[64];
    snprintf(name, sizeof name, "reads nothing, %s: closed after", by);
    if (watch->closed > 0)
        figure_once(name, who, "s", watch->closed);
    else
        figure_absent(who, "a client that reads nothing is never closed by its write timeout");
    snprintf(name, sizeof name, "reads nothing, %s: grown by", by);
    figure_once(name, who, "MB", (memory(watch->server, "VmHWM:") - watch->memory) * 1e-6);
    close(watch->fd);
    stop(watch->server);
}

/* Each kind by the library's write timeout, then by looking at each push.  The kernel takes some
 * seconds' worth of frames first.  The timeout never comes: a frame that is pushed in the turn of
 * the event loop in which it expires takes it back, which is every time while 10 s is a multiple of
 * the period; and evhttp starts it anew with each chunk. */
static void bench_stalled(void)
{
    struct watch watches[2 * KINDS] = {0};
    for (size_t i = 0; i < 2 * KINDS; i++) {
        cut_at_push = i % 2;
        watch_start(&watches[i], i / 2);
    }
    for (int tick = 0; tick < WATCH_SECONDS * 10; tick++) {
        usleep(100000);
        for (struct watch *watch = watches; watch < watches + 2 * KINDS; watch++)
            if (watch->closed == 0 && descriptors(watch->server) < watch->open)
                watch->closed = now_us() * 1e-6 - watch->start;
    }
    for (size_t i = 0; i < 2 * KINDS; i++)
        watch_end(&watches[i], kinds[i / 2].name, i % 2 ? "seen at a push" : "write timeout");
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    raise_descriptors(STREAMS_MAX + 100);
    bench(5000, ROUNDS_MAX, 20);
    bench(STREAMS_MAX, ROUNDS_MAX, 20);
    bench_stalled();
    return 0;
}
