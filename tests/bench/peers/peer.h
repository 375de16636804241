/* SPDX-License-Identifier: MIT */
/*
 * What a contestant of tests/bench/recording.py is: a program that reads lines
 *
 *     OPERATION THREADS ROUNDS
 *
 * lets THREADS threads, each on a CPU of its own, do the operation ROUNDS times,
 * on the same object, and answers each line by one of JSON, until its input ends:
 *
 *     {"ns": 0.61, "count": 20000000}
 *     {"absent": "the library has none"}
 *
 * `ns` is what one operation takes as a thread sees it; `count` is how many the
 * library itself, asked in its own way, says were recorded meanwhile.  An
 * operation that records nothing has no count.
 *
 * `cold-OPERATION` reads EVICT_BYTES of other memory before each round and times the
 * operation alone, within a loop and by a clock that are warm; `ns` is the mean of
 * the middle half of the rounds.
 *
 * This is the program but for the operations, for peers in C and C++.
 */
#ifndef PEER_H
#define PEER_H

#include <stddef.h>
#include <stdint.h>

/* So many different values that the branch predictor cannot learn them: log-uniform over
 * PEER_BOUNDS. */
#define PEER_VALUES 65536
#define PEER_BOUNDS 15
#define PEER_MANY 64 /* counters that are added to in turn */

#ifdef __cplusplus
extern "C" {
#endif

struct peer_operation {
    const char *name;
    void (*run)(long from, long to);
    uint64_t (*count)(void);      /* of all so far; NULL: nothing is recorded */
    void (*prepare)(int threads); /* or NULL: right before each run */
};

extern double peer_values[PEER_VALUES];
extern __thread uint64_t peer_product; /* of PEER_WORK */
extern const double peer_bounds[PEER_BOUNDS];

/* Serves until the input ends; returns the exit status. */
int peer_serve(const struct peer_operation *operations, size_t count);

#ifdef __cplusplus
}
#endif

/* The loop around a statement, which sees `i`: compiled in one place with what it calls, or the
 * call of a function would be what is measured. */
#define PEER_LOOP(name, statement)                                                                 \
    static void name(long from, long to)                                                           \
    {                                                                                              \
        for (long i = from; i < to; i++) {                                                         \
            statement;                                                                             \
        }                                                                                          \
    }
/* Something for a span to be around: multiplications that wait for each other, some 50 ns, and for
 * those of the round before, or without a span two rounds would overlap. */
#define PEER_WORK(i)                                                                               \
    do {                                                                                           \
        uint64_t product = peer_product + (uint64_t)(i);                                           \
        for (int step = 0; step < 60; step++) {                                                    \
            product *= UINT64_C(6364136223846793005);                                              \
            __asm__ volatile("" : "+r"(product));                                                  \
        }                                                                                          \
        peer_product = product;                                                                    \
    } while (0)
#define PEER_VALUE(i) peer_values[(unsigned long)(i) % PEER_VALUES]

#endif
