/* SPDX-License-Identifier: MIT */
/*
 * Adds under everything that interrupts a sequence: more threads than CPUs, forced migrations, and
 * signals whose handlers record too.  Prints what it added and what the region holds; with
 * -DHAMMER_PLAIN the add is the same code without the restartable section.
 *
 *     hammer THREADS ADDS
 */
#define _GNU_SOURCE
#include <engram/engram.h>

#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static engram_counter counter;
static uint64_t adds;
static atomic_bool done; /* and then no thread is touched any more */
static atomic_int running;
static _Atomic uint64_t by_handlers;

static void add(void)
{
#ifdef HAMMER_PLAIN
    struct engram_region *region = engram_region_of(counter.at);
    uint32_t offset = engram_slot_offset(region, counter.at);
    int cpu = sched_getcpu();
    uint64_t copy = *engram_block(region, offset >> ENGRAM_CHUNK_SHIFT, (uint32_t)cpu);
    uint64_t *slot = engram_at(region, copy + offset);
    if (copy)
        *(volatile uint64_t *)slot += 1;
    else
        engram_counter_add(counter, 1);
#else
    engram_counter_add(counter, 1);
#endif
}

static void on_signal(int number)
{
    (void)number;
    engram_counter_add(counter, 1);
    atomic_fetch_add(&by_handlers, 1);
}

static void *hammer(void *argument)
{
    (void)argument;
    for (uint64_t i = 0; i < adds; i++)
        add();
    atomic_fetch_sub(&running, 1);
    while (!atomic_load(&done)) /* stays, so that it can be signalled until the end */
        usleep(1000);
    return NULL;
}

/* Moves every thread from CPU to CPU and signals it, until all are done. */
static void *disturb(void *argument)
{
    pthread_t *threads = argument;
    int count, cpus = (int)sysconf(_SC_NPROCESSORS_ONLN);
    for (unsigned turn = 0; !atomic_load(&done); turn++) {
        count = 0;
        for (; threads[count]; count++) {
            cpu_set_t set;
            CPU_ZERO(&set);
            CPU_SET((turn + (unsigned)count) % (unsigned)cpus, &set);
            pthread_setaffinity_np(threads[count], sizeof set, &set);
            pthread_kill(threads[count], SIGUSR1);
        }
        usleep(100);
    }
    return NULL;
}

static uint64_t recorded(void)
{
    struct engram_region *region = engram_region_of(counter.at);
    uint32_t offset = engram_slot_offset(region, counter.at);
    uint64_t sum = 0;
    for (uint32_t node = 0; node < region->nodes; node++)
        sum += *engram_node_slot(region, node, offset);
    for (uint32_t cpu = 0; cpu < region->cpus; cpu++) {
        uint64_t copy = *engram_block(region, offset >> ENGRAM_CHUNK_SHIFT, cpu);
        if (copy)
            sum += *(uint64_t *)engram_at(region, copy + offset);
    }
    return sum;
}

int main(int argc, char **argv)
{
    int count = argc > 1 ? atoi(argv[1]) : 8;
    pthread_t *threads = calloc((size_t)count + 1, sizeof *threads), disturber;
    adds = argc > 2 ? strtoull(argv[2], NULL, 10) : 1000000;
    counter = engram_counter_new("hammer_total", "Adds.", NULL);
    if (!counter.at.slot) {
        fprintf(stderr, "hammer: %s\n", engram_reason());
        return 2;
    }
    signal(SIGUSR1, on_signal);
    atomic_store(&running, count);
    for (int i = 0; i < count; i++)
        pthread_create(&threads[i], NULL, hammer, NULL);
    pthread_create(&disturber, NULL, disturb, threads);
    while (atomic_load(&running))
        usleep(1000);
    atomic_store(&done, true);
    pthread_join(disturber, NULL);
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    uint64_t added = adds * (uint64_t)count + atomic_load(&by_handlers);
    printf("added %" PRIu64 " recorded %" PRIu64 "\n", added, recorded());
    return recorded() == added ? 0 : 1;
}
