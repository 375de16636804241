/* SPDX-License-Identifier: MIT */
/*
 * Records until it is killed, and notes in a file what it has begun and what it
 * has done, which survives the kill as the kernel keeps the file's pages:
 *
 *     victim PROCESS LEDGER SLOT
 *
 * Each of its threads has a pair of numbers in the ledger, from SLOT on.  Whatever
 * instruction it is killed at, a thread has begun at most one operation more
 * than it has done.
 */
#define _GNU_SOURCE
#include <engram/engram.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define THREADS 2

struct pair {
    uint64_t begun, done;
};

static engram_counter counter;
static engram_histogram histogram;

static void *record(void *argument)
{
    struct pair *pair = argument;
    for (uint64_t i = 0;; i++) {
        __atomic_store_n(&pair->begun, pair->begun + 1, __ATOMIC_SEQ_CST);
        engram_counter_add(counter, 1);
        engram_histogram_record(histogram, 0.001 * (double)(i % 1000));
        __atomic_store_n(&pair->done, pair->done + 1, __ATOMIC_SEQ_CST);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t threads[THREADS];
    if (argc != 4)
        return 2;
    int fd = open(argv[2], O_RDWR | O_CLOEXEC);
    struct pair *ledger = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fd < 0 || ledger == MAP_FAILED || engram_attach(argv[1])) {
        fprintf(stderr, "victim: %s\n", engram_reason());
        return 1;
    }
    counter = engram_counter_new("victim_total", "Operations.", NULL);
    histogram = engram_histogram_new("victim_seconds", "Operations.", NULL);
    if (!counter.at.slot || !histogram.at.slot)
        return 1;
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, record, &ledger[atoi(argv[3]) + i]);
    pthread_join(threads[0], NULL);
    return 0;
}
