/* SPDX-License-Identifier: MIT */
/* engram-demo: runs the engine under a mixed load, instrumented, and prints what it recorded. */
#include "clock.h"
#include "instrument.h"

#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_THREADS 64
#define CONCEPTS 200
#define SEED 20240607

static const char usage[] =
    "Usage: engram-demo [--process NAME] [--threads N] [--seconds S] [--rate OPS]\n"
    "Runs a small memory engine under a mixed load and records what it does.\n"
    "\n"
    "  --process NAME  the process label of its metrics (default: engram-demo)\n"
    "  --threads N     workers, 1 to 64 (default: 2)\n"
    "  --seconds S     how long; 0 until it is interrupted (default: 10)\n"
    "  --rate OPS      operations per second over all workers; 0 flat out (default: 0)\n"
    "\n"
    "At its end it prints one JSON object with the exact totals that it recorded.\n"
    "ENGRAM_METRICS=off in its environment lets it run without metrics.\n";

struct options {
    const char *process;
    uint32_t threads;
    uint32_t seconds;
    uint32_t rate;
};

struct thread {
    pthread_t id;
    struct worker *worker;
    struct recorder *recorder;
    double rate;
    _Alignas(64) atomic_ulong operations;
};

static atomic_bool stopping;

static void on_stop(int number)
{
    (void)number;
    atomic_store(&stopping, true);
}

static void work_once(struct thread *thread)
{
    struct work_done done;

    work_prepare(thread->worker);
    recorder_begin(thread->recorder);
    work_run(thread->worker, &done);
    recorder_end(thread->recorder, &done);
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
    nanosleep(&(struct timespec){.tv_nsec = (long)sleep_ns}, NULL);
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

/* Until the time is over: says once a second how fast it goes, and sets the gauges. */
static void watch(const struct thread *threads, const struct options *options,
                  struct engine *engine, struct recorder *recorder)
{
    struct engine_info before, now;
    uint64_t start_ns = clock_now_ns(), last_ns = start_ns, last = 0;

    memset(&before, 0, sizeof before);
    for (bool over = false; !over;) {
        nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
        uint64_t now_ns = clock_now_ns();
        uint64_t total = total_operations(threads, options->threads);
        fprintf(stderr, "%.0f op/s\n", (double)(total - last) * 1e9 / (double)(now_ns - last_ns));
        last = total;
        last_ns = now_ns;
        engine_inspect(engine, &now);
        record_info(recorder, &before, &now);
        before = now;
        over = atomic_load(&stopping) ||
               (options->seconds && now_ns - start_ns >= options->seconds * UINT64_C(1000000000));
    }
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

/* 0 to go on, 1 when all was said, 2 when an option is wrong. */
static int parse_options(int argc, char **argv, struct options *options)
{
    static const struct option names[] = {
        {"process", required_argument, NULL, 'p'}, {"threads", required_argument, NULL, 't'},
        {"seconds", required_argument, NULL, 's'}, {"rate", required_argument, NULL, 'r'},
        {"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0},
    };
    bool valid = true;
    int option;

    while (valid && (option = getopt_long(argc, argv, "", names, NULL)) != -1) {
        if (option == 'h')
            return fputs(usage, stdout) < 0 ? 2 : 1;
        if (option == 'p')
            options->process = optarg;
        else if (option == 't')
            valid = parse_number(optarg, 1, MAX_THREADS, &options->threads);
        else if (option == 's')
            valid = parse_number(optarg, 0, 1u << 30, &options->seconds);
        else if (option == 'r')
            valid = parse_number(optarg, 0, 1u << 30, &options->rate);
        else
            valid = false;
    }
    if (valid && optind == argc)
        return 0;
    fprintf(stderr, "engram-demo: see engram-demo --help\n");
    return 2;
}

static bool start_threads(struct thread *threads, const struct options *options,
                          struct engine *engine, const struct synth *synth,
                          const struct instruments *instruments)
{
    for (uint32_t i = 0; i < options->threads; i++) {
        threads[i].rate = (double)options->rate / options->threads;
        threads[i].worker = worker_create(engine, synth, SEED + 16 * (i + 1));
        threads[i].recorder = calloc(1, sizeof *threads[i].recorder);
        if (!threads[i].worker || !threads[i].recorder)
            return false;
        threads[i].recorder->instruments = instruments;
    }
    for (uint32_t i = 0; i < options->threads; i++) {
        if (pthread_create(&threads[i].id, NULL, thread_main, &threads[i]) != 0)
            return false;
    }
    return true;
}

static void finish(struct thread *threads, const struct options *options, struct tally *total)
{
    atomic_store(&stopping, true);
    for (uint32_t i = 0; i < options->threads; i++) {
        pthread_join(threads[i].id, NULL);
        tally_merge(total, &threads[i].recorder->tally);
        free(threads[i].recorder);
        worker_destroy(threads[i].worker);
    }
    tally_print(total, stdout);
}

int main(int argc, char **argv)
{
    static struct thread threads[MAX_THREADS];
    static struct instruments instruments;
    static struct recorder own; /* of the main thread */
    struct options options = {.process = "engram-demo", .threads = 2, .seconds = 10};
    struct engine_config config = engine_defaults();
    struct synth synth;

    int parsed = parse_options(argc, argv, &options);
    if (parsed)
        return parsed == 1 ? 0 : 2;
    if (engram_attach(options.process))
        fprintf(stderr, "engram-demo: runs without metrics: %s\n", engram_reason());
    instruments_register(&instruments);
    own.instruments = &instruments;
    signal(SIGINT, on_stop);
    signal(SIGTERM, on_stop);
    struct engine *engine = engine_create(&config);
    if (!engine || !synth_init(&synth, CONCEPTS, SEED) ||
        !start_threads(threads, &options, engine, &synth, &instruments)) {
        fprintf(stderr, "engram-demo: cannot start: no memory\n");
        return 1;
    }
    watch(threads, &options, engine, &own);
    finish(threads, &options, &own.tally);
    synth_destroy(&synth);
    engine_destroy(engine);
    return 0;
}
