/* SPDX-License-Identifier: MIT */
/* engram-demo: runs the engine under a mixed load and prints what it does. */
#include "clock.h"
#include "workload.h"

#include <getopt.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_THREADS 64
#define CONCEPTS 200
#define SEED 20240607

struct options {
    uint32_t threads;
    uint32_t seconds;
    uint32_t rate; /* operations per second over all threads; 0 for as many as possible */
};

struct thread {
    pthread_t id;
    struct worker *worker;
    double rate;
    _Alignas(64) atomic_ulong operations;
    uint64_t kinds[WORK_KINDS]; /* read by the main thread after the join */
    uint64_t misses;
    uint64_t false_memories;
    uint64_t resizes;
    uint64_t lock_waits;
};

static atomic_bool stopping;

static void count(struct thread *thread, const struct work_done *done)
{
    thread->kinds[done->kind] += done->operations;
    if (done->kind == WORK_RECALL) {
        thread->misses += done->result.recall.status == ENGINE_MISS;
        thread->lock_waits += done->result.recall.cost.lock_waits;
    } else if (done->kind == WORK_DRM_TRIAL) {
        thread->false_memories += done->result.completion.verdict.false_memory &&
                                  done->result.completion.verdict.accepted;
    } else if (done->kind == WORK_BATCH_RECALL || done->kind == WORK_BATCH_STORE) {
        thread->resizes += done->result.batch.resizes;
    }
}

static void work_once(struct thread *thread)
{
    struct work_done done;

    work_prepare(thread->worker);
    work_run(thread->worker, &done);
    count(thread, &done);
    atomic_fetch_add_explicit(&thread->operations, done.operations, memory_order_relaxed);
}

/* Sleeps off the lead over the wanted rate once it is a millisecond or more. */
static void keep_rate(const struct thread *thread, uint64_t start_ns)
{
    double done = (double)atomic_load_explicit(&thread->operations, memory_order_relaxed);
    double due_ns = done / thread->rate * 1e9;
    double lead_ns = due_ns - (double)(clock_now_ns() - start_ns);

    if (lead_ns < 1e6)
        return;
    uint64_t sleep_ns = lead_ns < 1e9 ? (uint64_t)lead_ns : 999999999;
    nanosleep(&(struct timespec){ .tv_nsec = (long)sleep_ns }, NULL);
}

static void *thread_main(void *argument)
{
    struct thread *thread = argument;
    uint64_t start_ns = clock_now_ns();

    while (!atomic_load_explicit(&stopping, memory_order_relaxed)) {
        work_once(thread);
        if (thread->rate > 0.0)
            keep_rate(thread, start_ns);
    }
    return NULL;
}

static uint64_t total_operations(const struct thread *threads, uint32_t count_threads)
{
    uint64_t total = 0;

    for (uint32_t i = 0; i < count_threads; i++)
        total += atomic_load_explicit(&threads[i].operations, memory_order_relaxed);
    return total;
}

static void watch(const struct thread *threads, const struct options *options)
{
    uint64_t start_ns = clock_now_ns();
    uint64_t last_ns = start_ns;
    uint64_t last = 0;

    while (options->seconds == 0 || last_ns - start_ns < options->seconds * UINT64_C(1000000000)) {
        nanosleep(&(struct timespec){ .tv_sec = 1 }, NULL);
        uint64_t now_ns = clock_now_ns();
        uint64_t total = total_operations(threads, options->threads);
        printf("%.0f op/s\n", (double)(total - last) * 1e9 / (double)(now_ns - last_ns));
        fflush(stdout);
        last = total;
        last_ns = now_ns;
    }
}

static void print_info(struct engine *engine)
{
    struct engine_info info;

    engine_inspect(engine, &info);
    printf("simd %s, %u episodes, %u schemas, edge compression %.3f, index %zu KiB\n",
           vector_simd_name(), info.episodes, info.schemas, info.edge_compression,
           info.index_bytes / 1024);
    for (int kind = 0; kind < POOL_KINDS; kind++)
        printf("%s: utilisation %.3f, fragmentation %.3f\n",
               pool_kind_name((enum pool_kind)kind), info.pools[kind].utilisation,
               info.pools[kind].fragmentation);
    for (int state = 0; state < MEMORY_STATES; state++)
        printf("%s: %u episodes, %lu recalls, hippocampal %.3f, neocortical %.3f\n",
               memory_state_name((enum memory_state)state), info.states[state],
               (unsigned long)info.cls[state].recalls, info.cls[state].hippocampal,
               info.cls[state].neocortical);
}

static void print_totals(const struct thread *threads, uint32_t count_threads)
{
    struct thread sum = { .rate = 0.0 };

    for (uint32_t i = 0; i < count_threads; i++) {
        for (int kind = 0; kind < WORK_KINDS; kind++)
            sum.kinds[kind] += threads[i].kinds[kind];
        sum.misses += threads[i].misses;
        sum.false_memories += threads[i].false_memories;
        sum.resizes += threads[i].resizes;
        sum.lock_waits += threads[i].lock_waits;
    }
    for (int kind = 0; kind < WORK_KINDS; kind++)
        printf("%s: %lu\n", work_kind_name((enum work_kind)kind),
               (unsigned long)sum.kinds[kind]);
    printf("misses %lu, false memories %lu, batch resizes %lu, recall lock waits %lu\n",
           (unsigned long)sum.misses, (unsigned long)sum.false_memories,
           (unsigned long)sum.resizes, (unsigned long)sum.lock_waits);
}

static bool parse_number(const char *text, uint32_t least, uint32_t most, uint32_t *value)
{
    char *end;
    unsigned long number = strtoul(text, &end, 10);

    if (*text < '0' || *text > '9' || *end || number < least || number > most)
        return false;
    *value = (uint32_t)number;
    return true;
}

static bool parse_options(int argc, char **argv, struct options *options)
{
    static const struct option names[] = {
        { "threads", required_argument, NULL, 't' },
        { "seconds", required_argument, NULL, 's' },
        { "rate", required_argument, NULL, 'r' },
        { NULL, 0, NULL, 0 },
    };
    bool valid = true;
    int option;

    while (valid && (option = getopt_long(argc, argv, "t:s:r:", names, NULL)) != -1) {
        if (option == 't')
            valid = parse_number(optarg, 1, MAX_THREADS, &options->threads);
        else if (option == 's')
            valid = parse_number(optarg, 0, 1u << 30, &options->seconds);
        else if (option == 'r')
            valid = parse_number(optarg, 0, 1u << 30, &options->rate);
        else
            valid = false;
    }
    return valid && optind == argc;
}

static bool start_threads(struct thread *threads, const struct options *options,
                          struct engine *engine, const struct synth *synth)
{
    for (uint32_t i = 0; i < options->threads; i++) {
        threads[i].rate = (double)options->rate / options->threads;
        threads[i].worker = worker_create(engine, synth, SEED + 16 * (i + 1));
        if (!threads[i].worker)
            return false;
    }
    for (uint32_t i = 0; i < options->threads; i++) {
        if (pthread_create(&threads[i].id, NULL, thread_main, &threads[i]) != 0)
            return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    static struct thread threads[MAX_THREADS];
    struct options options = { .threads = 2, .seconds = 10 };
    struct engine_config config = engine_defaults();
    struct synth synth;

    if (!parse_options(argc, argv, &options)) {
        fprintf(stderr, "usage: %s [--threads N] [--seconds S] [--rate OPS]\n", argv[0]);
        return 2;
    }
    struct engine *engine = engine_create(&config);
    if (!engine || !synth_init(&synth, CONCEPTS, SEED) ||
        !start_threads(threads, &options, engine, &synth)) {
        fprintf(stderr, "%s: cannot start\n", argv[0]);
        return 1;
    }
    watch(threads, &options);
    atomic_store(&stopping, true);
    for (uint32_t i = 0; i < options.threads; i++)
        pthread_join(threads[i].id, NULL);
    print_totals(threads, options.threads);
    print_info(engine);
    for (uint32_t i = 0; i < options.threads; i++)
        worker_destroy(threads[i].worker);
    synth_destroy(&synth);
    engine_destroy(engine);
    return 0;
}
