/* SPDX-License-Identifier: MIT */
/*
 * What it takes a process to attach, to record for the first time, which reserves its CPU's
 * memory, and to register a series when there are many: once, as a process does.  In $ENGRAM_DIR;
 * prints one line of JSON, in nanoseconds.
 */
#include <engram/engram.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define BEFORE 10000
#define MEASURED 1000

static char numbers[BEFORE + MEASURED][8];

static uint64_t now(void)
{
    return engram_clock(ENGRAM_CLOCK_MONOTONIC);
}

static engram_counter new_series(int number)
{
    const char *labels[] = {"number", numbers[number], NULL};
    return engram_counter_new("attaching_total", "A series of many.", labels);
}

/* ns for each of the series in [from, to). */
static double register_all(int from, int to)
{
    uint64_t start = now();
    for (int i = from; i < to; i++)
        if (!new_series(i).at.slot) {
            fprintf(stderr, "attaching: %s\n", engram_reason());
            exit(1);
        }
    return (double)(now() - start) / (to - from);
}

int main(void)
{
    for (int i = 0; i < BEFORE + MEASURED; i++)
        snprintf(numbers[i], sizeof numbers[i], "%d", i);
    uint64_t start = now();
    int failed = engram_attach("attaching");
    uint64_t attached = now() - start;
    if (failed) {
        fprintf(stderr, "attaching: %s\n", engram_reason());
        return 1;
    }
    engram_counter counter = new_series(0);
    start = now();
    engram_counter_add(counter, 1);
    uint64_t first = now() - start;
    double few = register_all(1, BEFORE), many = register_all(BEFORE, BEFORE + MEASURED),
           again = register_all(BEFORE, BEFORE + MEASURED);
    printf("{\"attach\": %" PRIu64 ", \"first\": %" PRIu64
           ", \"few\": %.1f, \"many\": %.1f, \"again\": %.1f}\n",
           attached, first, few, many, again);
    return 0;
}
