/* SPDX-License-Identifier: MIT */
/*
 * Ours: engram OBSERVER
 *
 * Compiled once with the header, its calls inlined, and once with ENGRAM_LINKED
 * for the calls that libengram has as symbols.  What was recorded is asked of
 * another process, OBSERVER, which reads the region in ENGRAM_DIR as engramd does.
 */
#define _GNU_SOURCE
#ifdef ENGRAM_LINKED
#define ENGRAM_FUNCTION extern inline __attribute__((gnu_inline))
#include <engram/api.h>
#else
#include <engram/engram.h>
#endif

#include "tests/bench/peers/peer.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static engram_counter counter, many[PEER_MANY];
static engram_gauge gauge;
static engram_histogram histogram, bounds;
static engram_event event;
static FILE *asked, *answered;

/* With the handle in a local variable, which a loop keeps in registers, and in a global one, which
 * is read each time. */
#define LOOPS(name, type, handle, call)                                                            \
    static void name(long from, long to)                                                           \
    {                                                                                              \
        const type held = handle;                                                                  \
        for (long i = from; i < to; i++) {                                                         \
            call;                                                                                  \
        }                                                                                          \
    }                                                                                              \
    static void name##_global(long from, long to)                                                  \
    {                                                                                              \
        for (long i = from; i < to; i++) {                                                         \
            type held = handle;                                                                    \
            call;                                                                                  \
        }                                                                                          \
    }
LOOPS(add, engram_counter, counter, engram_counter_add(held, 1))
PEER_LOOP(add_many, engram_counter_add(many[(unsigned long)i % PEER_MANY], 1))
LOOPS(record, engram_histogram, histogram, engram_histogram_record(held, PEER_VALUE(i)))
LOOPS(record_bounds, engram_histogram, bounds, engram_histogram_record(held, PEER_VALUE(i)))
LOOPS(set, engram_gauge, gauge, engram_gauge_set(held, PEER_VALUE(i)))
LOOPS(emit_at, engram_event, event, engram_event_emit_at(held, (uint64_t)i, 1, 2))
LOOPS(emit, engram_event, event, engram_event_emit(held, (uint64_t)i, 1))
LOOPS(time_span, engram_histogram, histogram, engram_span_end(engram_span_begin(), held))
PEER_LOOP(time_work, engram_span span = engram_span_begin(); PEER_WORK(i);
          engram_span_end(span, histogram))

static int start_observer(const char *program)
{
    int to[2], from[2];
    if (pipe2(to, O_CLOEXEC) || pipe2(from, O_CLOEXEC))
        return -1;
    pid_t child = fork();
    if (child == 0) {
        dup2(to[0], 0);
        dup2(from[1], 1);
        execl(program, program, (char *)NULL);
        perror(program);
        _exit(127);
    }
    close(to[0]);
    close(from[1]);
    asked = fdopen(to[1], "w");
    answered = fdopen(from[0], "r");
    return child < 0 || !asked || !answered ? -1 : 0;
}

static uint64_t ask(const char *question)
{
    char line[64];
    fprintf(asked, "%s\n", question);
    fflush(asked);
    if (!fgets(line, sizeof line, answered))
        exit(1);
    return strtoull(line, NULL, 10);
}

static uint64_t adds(void)
{
    return ask("count c_total");
}

static const char *name_of(int which)
{
    static char name[32];
    snprintf(name, sizeof name, "m%d_total", which);
    return name;
}

static uint64_t many_adds(void)
{
    uint64_t sum = 0;
    for (int i = 0; i < PEER_MANY; i++) {
        char question[48];
        snprintf(question, sizeof question, "count %s", name_of(i));
        sum += ask(question);
    }
    return sum;
}

static uint64_t records(void)
{
    return ask("count h_seconds");
}

static uint64_t bounds_records(void)
{
    return ask("count b_seconds");
}

static uint64_t events(void)
{
    return ask("count e");
}

/* The observer has a CPU of its own, or it rests between its looks. */
static void drain(int threads)
{
    ask(threads < sysconf(_SC_NPROCESSORS_ONLN) ? "drain 0" : "drain 1000");
}

static void drain_each_ms(int threads)
{
    (void)threads;
    ask("drain 1000");
}

static void register_all(void)
{
    struct engram_spec bounded = {
        .name = {"b_seconds", 9}, .bounds = peer_bounds, .bound_count = PEER_BOUNDS};
    struct engram_spec kind = {.name = {"e", 1}};
    counter = engram_counter_new("c_total", "", NULL);
    for (int i = 0; i < PEER_MANY; i++)
        many[i] = engram_counter_new(name_of(i), "", NULL);
    gauge = engram_gauge_new("g", "", NULL);
    histogram = engram_histogram_new("h_seconds", "", NULL);
    bounds = engram_histogram_register(&bounded);
    event = engram_event_register(&kind);
}

int main(int argc, char **argv)
{
    static const struct peer_operation operations[] = {
        {"counter", add, adds, NULL},
        {"counter-global", add_global, adds, NULL},
        {"counters", add_many, many_adds, NULL},
        {"gauge", set, NULL, NULL},
        {"gauge-global", set_global, NULL, NULL},
        {"histogram", record, records, NULL},
        {"histogram-global", record_global, records, NULL},
        {"bounds", record_bounds, bounds_records, NULL},
        {"bounds-global", record_bounds_global, bounds_records, NULL},
        {"event", emit_at, events, drain},
        {"event-global", emit_at_global, events, drain},
        {"event-each-ms", emit_at, events, drain_each_ms},
        {"event-clock", emit, events, drain},
        {"event-clock-global", emit_global, events, drain},
        {"span", time_span, records, NULL},
        {"span-global", time_span_global, records, NULL},
        {"span-work", time_work, records, NULL},
    };
    if (argc < 2 || engram_attach("bench") || start_observer(argv[1])) {
        fprintf(stderr, "engram: %s\n", argc < 2 ? "no observer" : engram_reason());
        return 1;
    }
    register_all();
    return peer_serve(operations, sizeof operations / sizeof operations[0]);
}
