/* SPDX-License-Identifier: MIT */
/*
 * Records under everything that interrupts a sequence: more threads than CPUs, forced migrations,
 * and signals whose handlers record too.  Prints what it recorded, what the region holds and how
 * often a sequence was interrupted; with -DHAMMER_PLAIN the add is the same code without the
 * restartable section, and with -DENGRAM_RSEQ_DELAY each sequence takes a while.
 *
 *     hammer THREADS RECORDS [adds]     adds: to the counter alone
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
static engram_histogram histogram;
static engram_event event;
static uint64_t records; /* of each thread and kind */
static bool only_adds;
static atomic_bool done; /* and then no thread is touched any more */
static atomic_int running;
static pthread_barrier_t end;
static _Atomic uint64_t by_handlers;

static void record_others(void)
{
    if (only_adds)
        return;
    engram_histogram_record(histogram, 1);
    engram_event_emit_at(event, 1, 2, 3);
}

#ifdef HAMMER_PLAIN
static void add(void)
{
    struct engram_region *region = engram_region_of(counter.at);
    uint32_t offset = engram_slot_offset(region, counter.at);
    int cpu = sched_getcpu();
    uint64_t copy = *engram_block(region, offset >> ENGRAM_CHUNK_SHIFT, (uint32_t)cpu);
    uint64_t *slot = engram_at(region, copy + offset);
    if (copy)
        *(volatile uint64_t *)slot += 1;
    else
        engram_counter_add(counter, 1);
}
#else
static void add(void)
{
    engram_counter_add(counter, 1);
}
#endif

static void on_signal(int number)
{
    (void)number;
    engram_counter_add(counter, 1);
    record_others();
    atomic_fetch_add(&by_handlers, 1);
}

static void *hammer(void *argument)
{
    (void)argument;
    for (uint64_t i = 0; i < records; i++) {
        add();
        record_others();
    }
    atomic_fetch_sub(&running, 1);
    pthread_barrier_wait(&end); /* stays, so that it can be signalled until then */
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

/* The sum of a word over all copies. */
static uint64_t sum_word(uint32_t offset)
{
    struct engram_region *region = engram_process_state.region;
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

/* Of the doubles that follow the counts of a histogram into which only ones were recorded. */
static uint64_t sum_of_ones(uint32_t offset)
{
    struct engram_region *region = engram_process_state.region;
    double sum = 0;
    for (uint32_t node = 0; node < region->nodes; node++)
        sum += *(double *)(void *)engram_node_slot(region, node, offset);
    for (uint32_t cpu = 0; cpu < region->cpus; cpu++) {
        uint64_t copy = *engram_block(region, offset >> ENGRAM_CHUNK_SHIFT, cpu);
        if (copy)
            sum += *(double *)engram_at(region, copy + offset);
    }
    return (uint64_t)sum;
}

static uint32_t offset_of(struct engram_slot at)
{
    return engram_slot_offset(engram_process_state.region, at);
}

/* Says what there is of one kind, and whether that is right. */
static bool judge(const char *what, uint64_t there, uint64_t wanted, enum engram_own interrupted)
{
    printf("%s %" PRIu64 " recorded %" PRIu64 " interrupted %" PRIu64 "\n", what, wanted, there,
           sum_word(offset_of(engram_process_state.own[interrupted])));
    return there == wanted;
}

static bool judge_all(uint64_t wanted)
{
    bool good =
        judge("added", sum_word(offset_of(counter.at)), wanted, ENGRAM_OWN_COUNTER_CONTENTION);
    if (only_adds)
        return good;
    uint32_t cell = offset_of(histogram.at) +
                    engram_bucket(1, histogram.first) * (uint32_t)sizeof(struct engram_cell);
    good &= judge("in a histogram:", sum_word(cell), wanted, ENGRAM_OWN_HISTOGRAM_CONTENTION);
    good &= judge("its sum:", sum_of_ones(cell + (uint32_t)sizeof(uint64_t)), wanted,
                  ENGRAM_OWN_HISTOGRAM_CONTENTION);
    good &= judge("as events:", sum_word(offset_of(event.at)), wanted, ENGRAM_OWN_EVENT_CONTENTION);
    return good;
}

static bool register_all(void)
{
    struct engram_spec kind = {.name = engram_string("hammer")};
    counter = engram_counter_new("hammer_total", "Adds.", NULL);
    if (only_adds)
        return counter.at.slot;
    histogram = engram_histogram_new("hammer_size", "Ones.", NULL);
    event = engram_event_register(&kind);
    return counter.at.slot && histogram.at.slot && event.at.slot;
}

int main(int argc, char **argv)
{
    int count = argc > 1 ? atoi(argv[1]) : 8;
    pthread_t *threads = calloc((size_t)count + 1, sizeof *threads), disturber;
    records = argc > 2 ? strtoull(argv[2], NULL, 10) : 1000000;
    only_adds = argc > 3;
    if (!register_all()) {
        fprintf(stderr, "hammer: %s\n", engram_reason());
        return 2;
    }
    signal(SIGUSR1, on_signal);
    atomic_store(&running, count);
    pthread_barrier_init(&end, NULL, (unsigned)count + 1);
    for (int i = 0; i < count; i++)
        pthread_create(&threads[i], NULL, hammer, NULL);
    pthread_create(&disturber, NULL, disturb, threads);
    while (atomic_load(&running))
        usleep(1000);
    atomic_store(&done, true);
    pthread_join(disturber, NULL);
    pthread_barrier_wait(&end);
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    return judge_all(records * (uint64_t)count + atomic_load(&by_handlers)) ? 0 : 1;
}
