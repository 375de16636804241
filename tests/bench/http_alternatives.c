/* SPDX-License-Identifier: MIT */
/*
 * The daemon's own HTTP against libevent's evhttp: scrapes of 1 MB that is rendered
 * already, then what counts beyond speed.  http_streams.c does the same for streams.
 *
 * "evhttp, filter" is evhttp with what its interface leaves out: it tells nobody that a
 * connection has ended before its first request, but a filter below it learns that, and sees
 * the bytes of a request arrive.  With it an exact cap and a deadline can be had.
 */
#define _GNU_SOURCE
#include "http_bench.h"

#include <event2/buffer.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>

#include "daemon/http/http.h"

#define BODY 1000000
#define CAP 1024 /* connections, as in daemon/http/http.h */
#define HOSTS 5  /* servers of ours: together they take 5,000 */
#define IDLE 5000
#define IDLE_ROUNDS 3
#define TOO_MANY (CAP + 76)
#define REQUEST_SECONDS 10 /* as in daemon/http/http.h */
#define WATCH_SECONDS 14
#define CLIENTS 8
#define TIMES 100
#define ROUNDS_MAX 60
#define SMALL "/small" /* one byte */
#define LARGE "/large"

static char body[BODY];
static char room[1 << 18];
static int cap; /* of evhttp with a filter */

/* --- The three servers --- */

/* Made once for each server, as the daemon makes a scrape's body. */
static struct frame *large_of(size_t *account)
{
    static struct frame *frames[HOSTS];
    struct buffer bytes = {0};
    int i = 0;
    while (frames[i] && frames[i]->account != account)
        i++;
    if (!frames[i]) {
        buffer_append(&bytes, body, sizeof body);
        frames[i] = frame_take(&bytes, account);
    }
    return frames[i];
}

static void handle_own(const struct http_request *request, struct http_response *response,
                       void *argument)
{
    (void)argument;
    if (strcmp(request->path, SMALL) == 0) {
        http_respond(response, 200, "text/plain", body, 1);
        return;
    }
    http_respond_frame(response, 200, "text/plain", large_of(http_account(response, HTTP_SHARED)));
}

/* Several, each on an address of its own, because each stops at its cap. */
static int open_own(struct event_base *base)
{
    char address[64], error[160];
    int port = 0;
    for (int host = 1; host <= HOSTS; host++) {
        struct http_server *server = http_server_new(base, handle_own, NULL, NULL);
        snprintf(address, sizeof address, "127.0.0.%d:%d", host, port);
        if (!http_server_listen(server, address, error, sizeof error))
            return 0;
        port = atoi(strrchr(http_server_address(server, 0), ':') + 1);
    }
    return port;
}

static void handle_evhttp(struct evhttp_request *request, void *argument)
{
    struct evbuffer *out = evhttp_request_get_output_buffer(request);
    bool small = strcmp(evhttp_request_get_uri(request), SMALL) == 0;
    (void)argument;
    evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type", "text/plain");
    evbuffer_add_reference(out, body, small ? 1 : sizeof body, NULL, NULL);
    evhttp_send_reply(request, 200, "OK", NULL);
}

static int open_evhttp(struct event_base *base)
{
    struct evconnlistener *listener;
    int port;
    evhttp_set_gencb(evhttp_open(base, REQUEST_SECONDS, &port, &listener), handle_evhttp, NULL);
    return port;
}

struct hook {
    struct bufferevent *filter;
    struct event *deadline;
};

static struct evconnlistener *capped;
static int connections;

static void on_deadline(evutil_socket_t fd, short what, void *argument)
{
    struct hook *hook = argument;
    (void)fd, (void)what;
    bufferevent_trigger_event(hook->filter, BEV_EVENT_READING | BEV_EVENT_TIMEOUT, 0);
}

static enum bufferevent_filter_result move(struct evbuffer *from, struct evbuffer *to)
{
    if (evbuffer_get_length(from) == 0)
        return BEV_NEED_MORE;
    return evbuffer_add_buffer(to, from) ? BEV_ERROR : BEV_OK;
}

static enum bufferevent_filter_result on_input(struct evbuffer *from, struct evbuffer *to,
                                               ev_ssize_t limit, enum bufferevent_flush_mode mode,
                                               void *argument)
{
    struct hook *hook = argument;
    (void)limit, (void)mode;
    if (!event_pending(hook->deadline, EV_TIMEOUT, NULL))
        event_add(hook->deadline, &(struct timeval){.tv_sec = REQUEST_SECONDS});
    return move(from, to);
}

static enum bufferevent_filter_result on_output(struct evbuffer *from, struct evbuffer *to,
                                                ev_ssize_t limit, enum bufferevent_flush_mode mode,
                                                void *argument)
{
    struct hook *hook = argument;
    (void)limit, (void)mode;
    event_del(hook->deadline);
    return move(from, to);
}

static void on_end(void *argument)
{
    struct hook *hook = argument;
    event_free(hook->deadline);
    free(hook);
    if (connections-- == cap)
        evconnlistener_enable(capped);
}

static struct bufferevent *filtered(struct event_base *base, void *argument)
{
    struct hook *hook = calloc(1, sizeof *hook);
    hook->deadline = evtimer_new(base, on_deadline, hook);
    hook->filter = bufferevent_filter_new(one_write(base, argument), on_input, on_output,
                                          BEV_OPT_CLOSE_ON_FREE, on_end, hook);
    if (++connections == cap)
        evconnlistener_disable(capped);
    return hook->filter;
}

/* evhttp writes first and enables writing then, which a filter takes no notice of. */
static void handle_filtered(struct evhttp_request *request, void *argument)
{
    struct evhttp_connection *connection = evhttp_request_get_connection(request);
    handle_evhttp(request, argument);
    bufferevent_flush(evhttp_connection_get_bufferevent(connection), EV_WRITE, BEV_FLUSH);
}

static int open_filtered(struct event_base *base)
{
    int port;
    struct evhttp *http = evhttp_open(base, REQUEST_SECONDS, &port, &capped);
    evhttp_set_bevcb(http, filtered, NULL);
    evhttp_set_gencb(http, handle_filtered, NULL);
    return port;
}

static const struct {
    const char *name;
    int (*open)(struct event_base *base);
} kinds[] = {{"engram", open_own}, {"evhttp", open_evhttp}, {"evhttp, filter", open_filtered}};

#define KINDS (sizeof kinds / sizeof kinds[0])

/* --- Scrapes --- */

static size_t receive(int fd, int flags)
{
    ssize_t got = recv(fd, room, sizeof room, flags);
    if (got <= 0)
        die("recv");
    return (size_t)got;
}

/* Waits for a response and returns its whole length; what has arrived stays. */
static size_t response_length(int fd)
{
    ssize_t got = recv(fd, room, sizeof room - 1, MSG_PEEK);
    room[got < 0 ? 0 : got] = 0;
    const char *field = strstr(room, "Content-Length: "), *end = strstr(room, "\r\n\r\n");
    if (strncmp(room, "HTTP/1.1 200", 12) != 0 || !field || !end)
        die("not a whole head");
    return (size_t)(end + 4 - room) + strtoul(field + 16, NULL, 10);
}

static double scrape(int fd, size_t length)
{
    double start = now_us();
    get(fd, LARGE);
    while (length > 0)
        length -= receive(fd, 0);
    return now_us() - start;
}

/* Scrapes `times` on a new connection; returns the server's CPU, us each. */
static double scrape_often(struct served server, int times, double *took)
{
    int fd = ask(1, server.port, LARGE, 0);
    size_t length = response_length(fd);
    for (size_t left = length; left > 0;)
        left -= receive(fd, 0);
    double cpu = cpu_seconds(server);
    for (int i = 0; i < times; i++)
        took[i] = scrape(fd, length);
    cpu = (cpu_seconds(server) - cpu) * 1e6 / times;
    close(fd);
    return cpu;
}

/* A kept connection to each in turn; many of them, since how large TCP's buffers grow is decided
 * early in each one's life. */
static void bench_latency(const struct served *servers, size_t rounds)
{
    static double took[KINDS][ROUNDS_MAX * TIMES], cpu[KINDS][ROUNDS_MAX];
    for (size_t round = 0; round < rounds; round++)
        for (size_t k = 0; k < KINDS; k++)
            cpu[k][round] = scrape_often(servers[k], TIMES, took[k] + round * TIMES);
    for (size_t k = 0; k < KINDS; k++) {
        figure_spread("1 MB, one kept connection", kinds[k].name, "us", took[k], rounds * TIMES);
        figure("1 MB, one kept connection: CPU", kinds[k].name, "us", cpu[k], rounds);
    }
}

/* Responses in `seconds` on all of `clients`.  Bytes are thrown away in the kernel, so that the
 * server is what limits. */
static double count_responses(struct served server, double seconds)
{
    int poller = epoll_create1(EPOLL_CLOEXEC), fds[CLIENTS], responses = 0;
    size_t left[CLIENTS], all = 0;
    struct epoll_event events[CLIENTS];
    for (uint32_t i = 0; i < CLIENTS; i++) {
        fds[i] = ask(1, server.port, LARGE, 0);
        left[i] = all = response_length(fds[i]);
        epoll_ctl(poller, EPOLL_CTL_ADD, fds[i],
                  &(struct epoll_event){.events = EPOLLIN, .data.u32 = i});
    }
    for (double end = now_us() + seconds * 1e6; now_us() < end;)
        for (int n = epoll_wait(poller, events, CLIENTS, 1000); n-- > 0;) {
            uint32_t i = events[n].data.u32;
            left[i] -= receive(fds[i], MSG_TRUNC);
            if (left[i] == 0) {
                get(fds[i], LARGE);
                left[i] = all;
                responses++;
            }
        }
    for (int i = 0; i < CLIENTS; i++)
        close(fds[i]);
    close(poller);
    return responses;
}

static void bench_rate(const struct served *servers, size_t rounds, double seconds)
{
    double rate[KINDS][ROUNDS_MAX], cpu[KINDS][ROUNDS_MAX];
    for (size_t round = 0; round < rounds; round++)
        for (size_t k = 0; k < KINDS; k++) {
            double start = cpu_seconds(servers[k]), began = now_us();
            double responses = count_responses(servers[k], seconds);
            rate[k][round] = responses / (now_us() - began) * 1e6;
            cpu[k][round] = (cpu_seconds(servers[k]) - start) * 1e6 / responses;
        }
    for (size_t k = 0; k < KINDS; k++) {
        figure("1 MB, 8 connections", kinds[k].name, "1/s", rate[k], rounds);
        figure("1 MB, 8 connections: CPU", kinds[k].name, "us", cpu[k], rounds);
    }
}

/* --- Beyond speed --- */

/* How many of the clients have an answer, half a second later. */
static int answered(struct pollfd *clients, nfds_t count)
{
    usleep(500000);
    return poll(clients, count, 0);
}

/* More clients than the cap, all asking; then one of those that were answered goes. */
static void check_cap(struct served server, const char *who)
{
    static struct pollfd clients[TOO_MANY];
    for (int i = 0; i < TOO_MANY; i++)
        clients[i] = (struct pollfd){.fd = ask(1, server.port, SMALL, 0), .events = POLLIN};
    int first = answered(clients, TOO_MANY);
    close(clients[0].fd);
    clients[0].fd = -1; /* poll() passes over it */
    int then = answered(clients, TOO_MANY) - (first - 1);
    for (int i = 1; i < TOO_MANY; i++)
        close(clients[i].fd);
    figure_once("1,100 ask at once: answered", who, "", first);
    figure_once("one of them leaves: answered then", who, "", then);
}

/* As many silent clients as the cap come and go: what counts them must have seen both. */
static void check_silent(struct served server, const char *who)
{
    static int silent[CAP];
    for (int i = 0; i < CAP; i++)
        silent[i] = ask(1, server.port, NULL, 0);
    usleep(300000);
    for (int i = 0; i < CAP; i++)
        close(silent[i]);
    struct pollfd client = {.fd = ask(1, server.port, SMALL, 0), .events = POLLIN};
    figure_once("1,024 silent ones have left: answered", who, "", answered(&client, 1));
    close(client.fd);
}

/* Bytes of memory for a connection that was answered once and is kept. */
static double idle_memory(struct served server, bool own)
{
    static struct pollfd clients[IDLE];
    double before = memory(server, "VmRSS:");
    for (int i = 0; i < IDLE; i++)
        clients[i] = (struct pollfd){.fd = ask(own ? 1 + i % HOSTS : 1, server.port, SMALL, 0),
                                     .events = POLLIN};
    if (answered(clients, IDLE) < IDLE)
        figure_absent("idle connections", "not all of 5,000 were answered");
    double after = memory(server, "VmRSS:");
    for (int i = 0; i < IDLE; i++)
        close(clients[i].fd);
    return (after - before) / IDLE;
}

static void check_idle(size_t kind)
{
    double bytes[IDLE_ROUNDS];
    cap = IDLE + 1;
    for (size_t round = 0; round < IDLE_ROUNDS; round++) {
        struct served server = serve(kinds[kind].open);
        bytes[round] = idle_memory(server, kind == 0);
        stop(server);
    }
    figure("an idle one of 5,000: memory", kinds[kind].name, "B", bytes, IDLE_ROUNDS);
}

/* Until a server closes its only client: a header line each second that never ends a request, or
 * many requests and not one byte read. */
struct watch {
    struct served server;
    int fd, open;
    double start, closed; /* seconds; `closed` is 0 while it has not */
};

static void watch_start(struct watch *watch, size_t kind, bool stall)
{
    watch->server = serve(kinds[kind].open);
    watch->fd = ask(1, watch->server.port, NULL, stall ? 4096 : 0);
    watch->start = now_us() * 1e-6;
    for (int i = 0; stall && i < 16; i++)
        get(watch->fd, LARGE);
    if (!stall && send(watch->fd, "GET / HTTP/1.1\r\n", 16, 0) < 0)
        die("send");
    usleep(100000);
    watch->open = descriptors(watch->server);
}

static void watch_end(struct watch *watch, const char *who, bool stall)
{
    const char *what =
        stall ? "reads nothing of 16 MB: closed after" : "a header line a second: closed after";
    char never[64];
    snprintf(never, sizeof never, "%s: never", what);
    if (watch->closed > 0)
        figure_once(what, who, "s", watch->closed);
    else
        figure_absent(who, never);
    close(watch->fd);
    stop(watch->server);
}

static void check_deadlines(void)
{
    struct watch watches[2 * KINDS] = {0};
    for (size_t i = 0; i < 2 * KINDS; i++)
        watch_start(&watches[i], i / 2, i % 2);
    for (int tick = 0; tick < WATCH_SECONDS * 10; tick++) {
        usleep(100000);
        for (size_t i = 0; i < 2 * KINDS; i++) {
            if (tick % 10 == 0 && i % 2 == 0 && watches[i].closed == 0)
                send(watches[i].fd, "A: b\r\n", 6, MSG_NOSIGNAL);
            if (watches[i].closed == 0 && descriptors(watches[i].server) < watches[i].open)
                watches[i].closed = now_us() * 1e-6 - watches[i].start;
        }
    }
    for (size_t i = 0; i < 2 * KINDS; i++)
        watch_end(&watches[i], kinds[i / 2].name, i % 2);
}

static void bench_rest(void)
{
    for (size_t k = 0; k < KINDS; k++) {
        cap = CAP;
        struct served server = serve(kinds[k].open);
        check_cap(server, kinds[k].name);
        check_silent(server, kinds[k].name);
        stop(server);
        check_idle(k);
    }
    check_deadlines();
}

int main(void)
{
    struct served servers[KINDS];
    signal(SIGPIPE, SIG_IGN);
    raise_descriptors(IDLE + 100);
    memset(body, 'x', sizeof body);
    cap = CAP;
    for (size_t k = 0; k < KINDS; k++)
        servers[k] = serve(kinds[k].open);
    bench_latency(servers, ROUNDS_MAX);
    bench_rate(servers, 20, 0.3);
    for (size_t k = 0; k < KINDS; k++)
        stop(servers[k]);
    bench_rest();
    return 0;
}
