/* SPDX-License-Identifier: MIT */
/*
 * What no library can be below, and what the loops themselves take:
 * yardstick plain | yardstick atomic
 */
#include "tests/bench/peers/peer.h"

#include <string.h>
#include <time.h>

static uint64_t word;
static uint64_t *volatile place = &word;
static struct line {
    uint64_t word, rest[7];
} many[PEER_MANY];

PEER_LOOP(add_plain, *(volatile uint64_t *)&word += 1)
/* A CPU may know without looking where an address is the same each time. */
PEER_LOOP(add_looked_up, *(volatile uint64_t *)place += 1)
PEER_LOOP(add_atomic, __atomic_fetch_add(&word, 1, __ATOMIC_RELAXED))
PEER_LOOP(add_many, *(volatile uint64_t *)&many[(unsigned long)i % PEER_MANY].word += 1)
PEER_LOOP(add_many_atomic,
          __atomic_fetch_add(&many[(unsigned long)i % PEER_MANY].word, 1, __ATOMIC_RELAXED))
PEER_LOOP(nothing, __asm__ volatile("" : : "r"(i)))
#ifdef __x86_64__
PEER_LOOP(only_value, __asm__ volatile("" : : "x"(PEER_VALUE(i))))
#else
PEER_LOOP(only_value, __asm__ volatile("" : : "w"(PEER_VALUE(i))))
#endif

static void read_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
}
PEER_LOOP(read_clock_once, read_clock())
PEER_LOOP(work, PEER_WORK(i))
PEER_LOOP(read_twice, read_clock(); read_clock())

static uint64_t total(void)
{
    return word;
}

static uint64_t total_of_many(void)
{
    uint64_t sum = 0;
    for (int i = 0; i < PEER_MANY; i++)
        sum += many[i].word;
    return sum;
}

int main(int argc, char **argv)
{
    int atomic = argc > 1 && strcmp(argv[1], "atomic") == 0;
    const struct peer_operation operations[] = {
        {"counter", atomic ? add_atomic : add_plain, total, NULL},
        {"counter-looked-up", add_looked_up, total, NULL},
        {"counters", atomic ? add_many_atomic : add_many, total_of_many, NULL},
        {"loop", nothing, NULL, NULL},
        {"loop-value", only_value, NULL, NULL},
        {"work", work, NULL, NULL},
        {"clock", read_clock_once, NULL, NULL},
        {"clock-twice", read_twice, NULL, NULL},
    };
    return peer_serve(operations, sizeof operations / sizeof operations[0]);
}
