/* SPDX-License-Identifier: MIT */
/*
 * What a record costs, in nanoseconds as the recording thread sees it, beside a
 * plain and an atomic increment in the same run; then with two threads on the
 * same series, and without rseq (the atomics on the node's copy).
 */
#define _GNU_SOURCE
#include <engram/engram.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define VALUES 65536 /* so many different ones that the branch predictor cannot learn them */

static engram_counter counter;
static engram_gauge gauge;
static engram_histogram histogram, own_bounds;
static engram_event event;
static uint64_t plain, shared;
static double values[VALUES];
static long rounds;

static void add_plain(long i)
{
    (void)i;
    *(volatile uint64_t *)&plain += 1;
}

static void add_atomic(long i)
{
    (void)i;
    __atomic_fetch_add(&shared, 1, __ATOMIC_RELAXED);
}

static void add_counter(long i)
{
    (void)i;
    engram_counter_add(counter, 1);
}

static void set_gauge(long i)
{
    engram_gauge_set(gauge, values[i % VALUES]);
}

static void record_histogram(long i)
{
    engram_histogram_record(histogram, values[i % VALUES]);
}

static void record_bounds(long i)
{
    engram_histogram_record(own_bounds, values[i % VALUES]);
}

static void emit_event(long i)
{
    engram_event_emit_at(event, (uint64_t)i, 1, 2);
}

static void time_span(long i)
{
    (void)i;
    engram_span_end(engram_span_begin(), histogram);
}

static double now(void)
{
    return (double)engram_clock(ENGRAM_CLOCK_MONOTONIC);
}

/* Each loop is compiled with its call inlined, or the call would be what is measured. */
#define LOOP(call)                                                                                 \
    static double loop_##call(void)                                                                \
    {                                                                                              \
        double start = now();                                                                      \
        for (long i = 0; i < rounds; i++)                                                          \
            call(i);                                                                               \
        return (now() - start) / (double)rounds;                                                   \
    }
LOOP(add_plain)
LOOP(add_atomic)
LOOP(add_counter)
LOOP(set_gauge)
LOOP(record_histogram)
LOOP(record_bounds)
LOOP(emit_event)
LOOP(time_span)

static const struct {
    const char *what;
    double (*loop)(void);
} loops[] = {
    {"plain increment", loop_add_plain},
    {"atomic increment", loop_add_atomic},
    {"counter add", loop_add_counter},
    {"gauge set", loop_set_gauge},
    {"histogram, exponential", loop_record_histogram},
    {"histogram, 8 own bounds", loop_record_bounds},
    {"event, time given", loop_emit_event},
    {"span, two clock reads", loop_time_span},
};

#define LOOPS (sizeof loops / sizeof loops[0])
#define TURNS 9

static int compare(const void *left, const void *right)
{
    const double *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

static void *run_aside(void *argument)
{
    const size_t *which = argument;
    loops[*which].loop();
    return NULL;
}

/* Prints minimum and median of some turns, in which all loops take part by turns. */
static void measure(const char *title, int threads)
{
    double taken[LOOPS][TURNS];
    for (int turn = 0; turn < TURNS; turn++)
        for (size_t i = 0; i < LOOPS; i++) {
            pthread_t aside;
            if (threads > 1)
                pthread_create(&aside, NULL, run_aside, &i);
            taken[i][turn] = loops[i].loop();
            if (threads > 1)
                pthread_join(aside, NULL);
        }
    printf("%-28s %10s %10s\n", title, "min ns", "median ns");
    for (size_t i = 0; i < LOOPS; i++) {
        qsort(taken[i], TURNS, sizeof taken[i][0], compare);
        printf("%-28s %10.2f %10.2f\n", loops[i].what, taken[i][0], taken[i][TURNS / 2]);
    }
}

static void register_all(void)
{
    static const double bounds[] = {.001, .005, .01, .05, .1, .5, 1, 5};
    struct engram_spec bounded = {.name = engram_string("b_seconds"),
                                  .bounds = bounds,
                                  .bound_count = sizeof bounds / sizeof bounds[0]};
    struct engram_spec kind = {.name = engram_string("e")};
    counter = engram_counter_new("c_total", "", NULL);
    gauge = engram_gauge_new("g", "", NULL);
    histogram = engram_histogram_new("h_seconds", "", NULL);
    own_bounds = engram_histogram_register(&bounded);
    event = engram_event_register(&kind);
    for (int i = 0; i < VALUES; i++)
        values[i] = 1e-6 * (double)(1 + random() % 10000000);
}

int main(void)
{
    char directory[] = "/dev/shm/engram-bench-XXXXXX", command[64];
    rounds = getenv("QUICK") && *getenv("QUICK") ? 1000000 : 10000000;
    if (!mkdtemp(directory) || setenv("ENGRAM_DIR", directory, 1) || engram_attach("bench")) {
        fprintf(stderr, "record: %s\n", engram_reason());
        return 1;
    }
    register_all();
    measure("one thread", 1);
    measure("two threads, one series", 2);
    engram_set_limit(engram_process_state.region, 0);
    measure("one thread, no rseq", 1);
    snprintf(command, sizeof command, "rm -r %s", directory);
    return system(command);
}
