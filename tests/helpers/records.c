/* SPDX-License-Identifier: MIT */
/*
 * Calls each of the record calls many times, and prints by how much what allocations.c, preloaded,
 * counts has risen meanwhile: a call and a number a line.  The last line is one that allocates.
 */
#include <engram/engram.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define TIMES 100000

uint64_t allocations_made(void) __attribute__((weak));

static engram_counter counter;
static engram_counter_total total;
static engram_gauge gauge;
static engram_updown updown;
static engram_histogram histogram, bounded;
static engram_event event;

static void register_all(void)
{
    static const double bounds[] = {1, 2, 3};
    const struct engram_spec t = {.name = engram_string("t_total")},
                             u = {.name = engram_string("u")}, e = {.name = engram_string("e")},
                             b = {.name = engram_string("b"), .bounds = bounds, .bound_count = 3};
    counter = engram_counter_new("c_total", "", NULL);
    total = engram_counter_total_register(&t);
    gauge = engram_gauge_new("g", "", NULL);
    updown = engram_updown_register(&u);
    histogram = engram_histogram_new("h_seconds", "", NULL);
    bounded = engram_histogram_register(&b);
    event = engram_event_register(&e);
}

static void said(const char *call, uint64_t before)
{
    uint64_t made = allocations_made() - before;
    printf("%s %" PRIu64 "\n", call, made);
}

#define MANY(call, ...)                                                                            \
    do {                                                                                           \
        uint64_t before = allocations_made();                                                      \
        for (uint64_t i = 0; i < TIMES; i++)                                                       \
            call(__VA_ARGS__);                                                                     \
        said(#call, before);                                                                       \
    } while (0)

int main(void)
{
    void *volatile some;
    if (!allocations_made)
        return 2;
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    puts("");
    if (engram_attach("records"))
        fprintf(stderr, "records: %s\n", engram_reason());
    register_all();
    MANY(engram_counter_add, counter, i);
    MANY(engram_counter_set, total, i);
    MANY(engram_gauge_set, gauge, (double)i);
    MANY(engram_gauge_add, gauge, 1);
    MANY(engram_updown_add, updown, -1);
    MANY(engram_histogram_record, histogram, (double)i);
    MANY(engram_histogram_record, bounded, (double)(i % 5));
    MANY(engram_histogram_record_ns, histogram, i);
    MANY(engram_event_emit, event, i, 2);
    MANY(engram_event_emit_at, event, i, 1, 2);
    MANY(engram_span_begin, );
    MANY(engram_span_end, engram_span_begin(), histogram);
    uint64_t before = allocations_made();
    some = malloc(1);
    said("malloc", before);
    free(some);
    return 0;
}
