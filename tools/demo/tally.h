/* SPDX-License-Identifier: MIT */
/*
 * What one thread recorded, counted a second time in private memory: the truth
 * that the served totals are held against.
 */
#ifndef DEMO_TALLY_H
#define DEMO_TALLY_H

#include <engram/engram.h>
#include <stdio.h>

#define TALLY_SIZE 1024 /* series at most, a power of two */

struct tally_entry {
    const char *slot; /* of the handle; NULL: free */
    uint64_t count;
    double sum;
};

struct tally {
    struct tally_entry entries[TALLY_SIZE];
};

/* Record and count.  With DEMO_TALLY=0, as where it is measured what metrics cost, only record. */
#ifndef DEMO_TALLY
#define DEMO_TALLY 1
#endif
#if DEMO_TALLY
void tally_add(struct tally *tally, engram_counter counter, uint64_t amount);
void tally_record(struct tally *tally, engram_histogram histogram, double value);
#else
static inline void tally_add(struct tally *tally, engram_counter counter, uint64_t amount)
{
    (void)tally;
    engram_counter_add(counter, amount);
}

static inline void tally_record(struct tally *tally, engram_histogram histogram, double value)
{
    (void)tally;
    engram_histogram_record(histogram, value);
}
#endif

/* Adds one tally to another. */
void tally_merge(struct tally *into, const struct tally *from);

/* Prints {"counters": {...}, "histograms": {...}} with every series of this process but those of
 * the header itself; empty when it is not attached. */
void tally_print(const struct tally *tally, FILE *to);

#endif
