/* SPDX-License-Identifier: MIT */
/*
 * Clients of a real daemon's /stream: each gets 1 KB ten times a second of what a
 * writer counts.  The daemon, the writer and all of the clients are a process each.
 *
 *     stream_clients [CLIENTS [ENGRAMD ...]]
 *
 * A lag runs from the tick that a message is of, which is due at the multiples of
 * 0.1 s of the clock, to the client's read, so a daemon that is late cannot hide
 * it.  A message that never came counts as lost.  /metrics is asked for beside
 * them all the time.  Then a tenth of the clients reads nothing.  Several engramds
 * are measured in turn, for comparing builds.
 */
#define _GNU_SOURCE
#include "daemon_bench.h"

#include <engram/engram.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/epoll.h>

#define PERIOD_US 100000
#define COUNTERS 8
#define CLIENTS_MAX 19000
#define TICKS_MAX 600
#define SCRAPE_ROOM (1 << 20)
#define SCRAPES_MAX 10000
#define STALLED_RECEIVE 4096 /* bytes that a client takes who reads nothing */
#define ADDRESSES 64         /* that clients come from: one alone may not take all streams */
#define STREAM "/stream?kinds=metrics&match=bench_*"

/* --- Writer --- */

static const char *const names[COUNTERS] = {
    "bench_operations_total", "bench_bytes_total", "bench_hits_total",   "bench_misses_total",
    "bench_merges_total",     "bench_waits_total", "bench_errors_total", "bench_links_total"};

/* Counts twenty times a tick, so that every series has something to say at each. */
static pid_t start_writer(void)
{
    pid_t child = fork();
    if (child)
        return child;
    engram_counter counters[COUNTERS];
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (engram_attach("bench"))
        die(engram_reason());
    for (int i = 0; i < COUNTERS; i++)
        counters[i] = engram_counter_new(names[i], "Adds.", NULL);
    for (;; usleep(PERIOD_US / 20))
        for (int i = 0; i < COUNTERS; i++)
            engram_counter_add(counters[i], (uint64_t)(i + 1) * 1000);
}

/* --- Clients --- */

struct client {
    int fd;
    char *rest; /* of a message that is not whole yet */
    size_t length;
};

/* What is measured: ticks from `first` on, CLOCK_MONOTONIC in us. */
static struct {
    double first, wall_ahead; /* the latter: of CLOCK_MONOTONIC, in us */
    int ticks;
    double *lags; /* ms, one for each message of each client */
    size_t arrived, bytes, gaps;
    char *seen[TICKS_MAX]; /* the message of each tick, as it came to the first client */
} window;

static struct client clients[CLIENTS_MAX];

static double wall_ahead(void)
{
    struct timespec wall;
    clock_gettime(CLOCK_REALTIME, &wall);
    return (double)wall.tv_sec * 1e6 + (double)wall.tv_nsec * 1e-3 - now_us();
}

static bool begins(const char *message, const char *with)
{
    return strncmp(message, with, strlen(with)) == 0;
}

/* All clients get the same bytes. */
static void check_message(int tick, const char *message, size_t length)
{
    if (!window.seen[tick])
        window.seen[tick] = strndup(message, length);
    if (strncmp(window.seen[tick], message, length) != 0)
        die("a stream is garbled");
}

/* A message that ends with the blank line, which is not in it. */
static void take_message(const char *message, size_t length, double now)
{
    const char *time = strstr(message, "\"time_ms\":");
    window.gaps += begins(message, "event: gap");
    if (!begins(message, "event: metrics") || !time)
        return;
    double made = strtod(time + 10, NULL) * 1e3 - window.wall_ahead;
    int tick = (int)floor((made - window.first) / PERIOD_US);
    if (tick < 0 || tick >= window.ticks)
        return;
    check_message(tick, message, length);
    window.lags[window.arrived++] = (now - window.first - (double)tick * PERIOD_US) * 1e-3;
    window.bytes += length + 2;
}

static void keep(struct client *client, const char *rest, size_t length)
{
    free(client->rest);
    client->rest = length ? memcpy(malloc(length), rest, length) : NULL;
    client->length = length;
}

static void take(struct client *client)
{
    static char room[1 << 18];
    double now;
    memcpy(room, client->rest, client->length);
    ssize_t got =
        recv(client->fd, room + client->length, sizeof room - 1 - client->length, MSG_DONTWAIT);
    if (got <= 0)
        die("a stream ended");
    now = now_us();
    char *at = room, *end = room + client->length + got, *blank;
    for (*end = 0; (blank = memmem(at, (size_t)(end - at), "\n\n", 2)); at = blank + 2) {
        *blank = 0;
        take_message(at, (size_t)(blank - at), now);
    }
    keep(client, at, (size_t)(end - at));
}

static void connect_one(int i, int port, bool reads, int poller)
{
    uint32_t from = INADDR_LOOPBACK + 0x100 + (uint32_t)(i % ADDRESSES);
    char head[16] = "";
    clients[i] =
        (struct client){.fd = ask_from(from, 1, port, STREAM, reads ? 0 : STALLED_RECEIVE)};
    if (recv(clients[i].fd, head, 12, MSG_WAITALL) != 12 || !begins(head, "HTTP/1.1 200"))
        die("no stream");
    if (reads)
        epoll_ctl(poller, EPOLL_CTL_ADD, clients[i].fd,
                  &(struct epoll_event){.events = EPOLLIN, .data.ptr = &clients[i]});
}

static void take_until(int poller, double end)
{
    static struct epoll_event events[1024];
    while (now_us() < end)
        for (int n = epoll_wait(poller, events, 1024, 20); n-- > 0;)
            take(events[n].data.ptr);
}

/* How many of those that read nothing have been cut off. */
static int count_cut(int from, int to)
{
    static char room[1 << 16];
    int cut = 0;
    for (int i = from; i < to; i++) {
        ssize_t got;
        while ((got = recv(clients[i].fd, room, sizeof room, MSG_DONTWAIT)) > 0)
            continue;
        cut += got == 0 || errno != EAGAIN;
    }
    return cut;
}

/* --- Scrapes beside them --- */

static struct {
    atomic_bool stop;
    int port;
    size_t count;
    double took[SCRAPES_MAX]; /* ms */
} scrapes;

static void *scrape_on(void *argument)
{
    static char room[SCRAPE_ROOM];
    int fd = ask(1, scrapes.port, NULL, 0);
    for (scrapes.count = 0; !scrapes.stop && scrapes.count < SCRAPES_MAX; usleep(PERIOD_US)) {
        double start = now_us();
        if (exchange(fd, "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", room, sizeof room) < 0)
            die("a scrape failed");
        scrapes.took[scrapes.count++] = (now_us() - start) * 1e-3;
    }
    close(fd);
    return argument;
}

/* --- Figures --- */

struct case_of {
    int clients, stalled, seconds;
    const char *who;
};

static double cpu_of_us(void)
{
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (double)used.tv_sec + (double)used.tv_nsec * 1e-9;
}

static void open_window(struct case_of what)
{
    window.ticks = what.seconds * 1000000 / PERIOD_US;
    window.lags = calloc((size_t)(what.clients - what.stalled) * (size_t)window.ticks + 1,
                         sizeof *window.lags);
    window.wall_ahead = wall_ahead();
    window.first = (floor(now_us() / PERIOD_US) + 10) * PERIOD_US; /* one second to settle */
}

static void close_window(void)
{
    for (int i = 0; i < TICKS_MAX; i++) {
        free(window.seen[i]);
        window.seen[i] = NULL;
    }
    free(window.lags);
    window.arrived = window.bytes = window.gaps = 0;
}

/* Of the case: "10000 clients: lag p99". */
static void say(struct case_of what, const char *of, const char *unit, double value)
{
    char name[80], stalled[32] = "";
    if (what.stalled)
        snprintf(stalled, sizeof stalled, ", %d stall", what.stalled);
    snprintf(name, sizeof name, "%d clients%s: %s", what.clients, stalled, of);
    figure_once(name, what.who, unit, value);
}

static void say_all(struct case_of what, struct served server, double cpu, double own, int cut)
{
    size_t due = (size_t)(what.clients - what.stalled) * (size_t)window.ticks;
    say(what, "messages lost", "%", 100.0 - 100.0 * (double)window.arrived / (double)due);
    say(what, "lag p50", "ms", quantile(window.lags, window.arrived, 0.5));
    say(what, "lag p99", "ms", quantile(window.lags, window.arrived, 0.99));
    say(what, "daemon's CPU", "%", 100 * cpu / what.seconds);
    say(what, "daemon's memory", "MB", memory(server, "VmHWM:") * 1e-6);
    say(what, "clients' CPU", "%", 100 * own / what.seconds);
    say(what, "scrapes p50", "ms", quantile(scrapes.took, scrapes.count, 0.5));
    say(what, "scrapes p99", "ms", quantile(scrapes.took, scrapes.count, 0.99));
    say(what, "bytes of a message", "B", (double)window.bytes / (double)window.arrived);
    if (what.stalled)
        say(what, "of them cut off", "", cut);
}

static void measure(struct case_of what, struct served server, int poller)
{
    pthread_t scraper;
    int reading = what.clients - what.stalled;
    for (int i = 0; i < what.clients; i++)
        connect_one(i, server.port, i < reading, poller);
    open_window(what);
    take_until(poller, window.first);
    double cpu = cpu_seconds(server), own = cpu_of_us();
    scrapes.port = server.port;
    scrapes.stop = false;
    if (pthread_create(&scraper, NULL, scrape_on, NULL))
        die("a thread");
    take_until(poller, window.first + what.seconds * 1e6);
    cpu = cpu_seconds(server) - cpu;
    own = cpu_of_us() - own;
    scrapes.stop = true;
    take_until(poller, now_us() + PERIOD_US); /* what is late */
    pthread_join(scraper, NULL);
    if (!window.arrived)
        die("no message came");
    say_all(what, server, cpu, own, count_cut(reading, what.clients));
}

static void bench(struct case_of what, const char *program)
{
    struct served server = start_daemon(program, "--tick", "100");
    pid_t writer = start_writer();
    int poller = epoll_create1(EPOLL_CLOEXEC);
    usleep(500000);
    measure(what, server, poller);
    for (int i = 0; i < what.clients; i++) {
        close(clients[i].fd);
        keep(&clients[i], NULL, 0);
    }
    close_window();
    close(poller);
    kill(writer, SIGKILL);
    waitpid(writer, NULL, 0);
    stop(server);
}

static void bench_each(struct case_of what, char **programs)
{
    if (!*programs)
        bench(what, NULL);
    for (; *programs; programs++) {
        what.who = *programs;
        bench(what, *programs);
    }
}

int main(int argc, char **argv)
{
    char *nobody[] = {NULL}, **programs = argc > 2 ? argv + 2 : nobody;
    int most = argc > 1 ? atoi(argv[1]) : quick() ? 1000 : 10000;
    if (most < 1 || most > CLIENTS_MAX) {
        fprintf(stderr, "usage: %s [CLIENTS [ENGRAMD ...]], 1 to %d\n", argv[0], CLIENTS_MAX);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    raise_descriptors((rlim_t)most + 100);
    make_regions();
    bench_each((struct case_of){most, 0, quick() ? 3 : 10, "engram"}, programs);
    if (argc == 1 && !quick())
        bench_each((struct case_of){14000, 0, 10, "engram"}, programs);
    if (!quick()) /* who reads nothing is cut off after some 20 s only */
        bench_each((struct case_of){most, most / 10, 30, "engram"}, programs);
    remove_regions();
    return 0;
}
