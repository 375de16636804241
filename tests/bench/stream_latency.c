/* SPDX-License-Identifier: MIT */
/*
 * How long it takes from a process's engram_event_emit() to a client of /stream:
 * this process emits, a real engramd beside it streams, and a thread of this
 * process reads.  The value of each event is the time at which it was emitted.
 * Then how long from what sets off an alert that need not hold to its firing there.
 */
#define _GNU_SOURCE
#include "daemon_bench.h"

#include <engram/engine.h>
#include <engram/engram.h>
#include <pthread.h>

#define EVENTS_MAX 2000
#define STREAM "/stream?kinds=event&match=bench_said"
#define ALERTS_STREAM "/stream?kinds=alert&match=engram_alert_state"
#define FIRES "\"name\":\"AuditViolations\""

static engram_event said;
static engram_gauge violations;
static int events;

/* At any point of a tick: 1 to 9 ms apart. */
static void *emit(void *argument)
{
    unsigned seed = 1;
    for (int i = 0; i < events; i++) {
        usleep(1000 + (useconds_t)rand_r(&seed) % 8000);
        engram_event_emit(said, clock_monotonic(), (uint64_t)i);
    }
    return argument;
}

/* Takes the events of one message after the other until the last; how many, each with its delay in
 * ms. */
static int listen_to(int fd, double *delays)
{
    static char room[1 << 20];
    size_t have = 0;
    int count = 0, number = -1;
    while (number + 1 < events) {
        ssize_t got = recv(fd, room + have, sizeof room - 1 - have, 0);
        if (got <= 0)
            die("the stream ended");
        double now = now_us();
        have += (size_t)got;
        room[have] = 0;
        char *at = room, *end, *values;
        for (; (end = strstr(at, "\n\n")); at = end + 2) {
            *end = 0;
            if (!(values = strstr(at, "\"values\":[")))
                continue;
            delays[count++] = (now - strtod(values + 10, &values) * 1e-3) * 1e-3;
            int this = atoi(values + 1); /* of two CPUs' rings, the later may come first */
            number = this > number ? this : number;
        }
        have -= (size_t)(at - room);
        memmove(room, at, have);
    }
    return count;
}

static void bench(const char *tick)
{
    static double delays[EVENTS_MAX];
    struct served server = start_daemon(NULL, "--tick", tick);
    char name[64];
    pthread_t emitter;
    usleep(500000); /* until it knows this process */
    int fd = ask(1, server.port, STREAM, 0);
    usleep(200000);
    if (pthread_create(&emitter, NULL, emit, NULL))
        die("a thread");
    int count = listen_to(fd, delays);
    pthread_join(emitter, NULL);
    snprintf(name, sizeof name, "event to stream, tick %s ms", tick);
    figure_spread(name, "engram", "ms", delays, (size_t)count);
    snprintf(name, sizeof name, "event to stream, tick %s ms: lost", tick);
    figure_once(name, "engram", "%", 100.0 * (events - count) / events);
    close(fd);
    stop(server);
}

/* Reads until a message says that the alert is in that state. */
static void await_state(int fd, const char *state)
{
    static char room[1 << 16];
    size_t have = 0;
    for (;;) {
        ssize_t got = recv(fd, room + have, sizeof room - 1 - have, 0);
        if (got <= 0)
            die("the stream ended");
        have += (size_t)got;
        room[have] = 0;
        const char *about = strstr(room, FIRES);
        if (about && strstr(about, state) && strstr(about, "\n\n"))
            return;
        if (have > sizeof room / 2)
            have = 0;
    }
}

static void bench_alerts(const char *tick)
{
    static double delays[EVENTS_MAX];
    struct served server = start_daemon(NULL, "--tick", tick);
    int count = quick() ? 6 : 297;
    unsigned seed = 1;
    char name[64];
    usleep(500000); /* until it knows this process */
    int fd = ask(1, server.port, ALERTS_STREAM, 0);
    usleep(200000);
    for (int i = 0; i < count; i++) {
        usleep((useconds_t)rand_r(&seed) % 100000);
        double start = now_us();
        engram_gauge_set(violations, 1);
        await_state(fd, "\"state\":\"firing\"");
        delays[i] = (now_us() - start) * 1e-3;
        engram_gauge_set(violations, 0);
        await_state(fd, "\"state\":\"inactive\"");
    }
    snprintf(name, sizeof name, "alert to stream, tick %s ms", tick);
    figure_spread(name, "engram", "ms", delays, (size_t)count);
    close(fd);
    stop(server);
}

int main(void)
{
    struct engram_spec spec = {.name = engram_string("bench_said")};
    make_regions();
    said = engram_event_register(&spec);
    violations = engram_gauge_of(ENGRAM_HNSW_VIOLATIONS, "dangling_edge", "");
    if (*engram_reason())
        die(engram_reason());
    events = quick() ? 150 : EVENTS_MAX;
    bench("100");
    bench("10");
    bench_alerts("100");
    bench_alerts("10");
    remove_regions();
    return 0;
}
