/* SPDX-License-Identifier: MIT */
/* engram-demo: runs the engine under a mixed load, instrumented, and prints what it recorded. */
#include "clock.h"
#include "fault.h"
#include "instrument.h"

#include <getopt.h>
#include <limits.h>
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
#define LEAST_EPISODES 4096
#define AUDITED_EACH_SECOND 1024 /* nodes, of 4096 at most */

static const char usage[] =
    "Usage: engram-demo [--process NAME] [--threads N] [--seconds S] [--rate OPS]\n"
    "                   [--operations N] [--episodes N] [--fault NAME[:START[:SECONDS]]]...\n"
    "Runs a small memory engine under a mixed load and records what it does.\n"
    "\n"
    "  --process NAME  the process label of its metrics (default: engram-demo)\n"
    "  --threads N     workers, 1 to 64 (default: 2)\n"
    "  --seconds S     how long; 0 until it is interrupted (default: 10)\n"
    "  --rate OPS      operations per second over all workers; 0 flat out (default: 0)\n"
    "  --operations N  over all workers, and then it ends; 0: no limit (default: 0)\n"
    "  --episodes N    its store holds so many, of 3 KB and more each, and is full from the\n"
    "                  start, where the default one, of 4096, fills up as it runs\n"
    "  --fault NAME    a fault that it has from START seconds on, for SECONDS, or all the\n"
    "                  time; repeatable:\n"
#define FAULT_LINE(identifier, name, help) "                    " name ": " help "\n"
    FAULTS(FAULT_LINE)
#undef FAULT_LINE
        "  --version       the version\n"
        "  --help          this text\n"
        "\n"
        "At its end it prints one JSON object with the exact totals that it recorded.\n"
        "ENGRAM_METRICS=off in its environment lets it run without metrics.\n";

struct options {
    const char *process;
    uint32_t threads;
    uint32_t seconds;
    uint32_t rate;
    uint32_t operations;
    uint32_t episodes;
};

struct thread {
    pthread_t id;
    struct worker *worker;
    struct recorder *recorder;
    double rate;
    unsigned long most; /* operations; ULONG_MAX: no limit */
    _Alignas(64) atomic_ulong operations;
};

struct demo {
    struct options options;
    struct instruments instruments;
    struct synth synth;
    struct engine *engine;
    struct tasks *tasks;
    struct engine_worker *auditor;
    struct recorder own; /* of the main thread */
    struct thread threads[MAX_THREADS];
};

static atomic_bool stopping;

static void on_stop(int number)
{
    (void)number;
    atomic_store(&stopping, true);
}

/* Compiled out, nothing is there that is about recording. */
static void work_once(struct thread *thread)
{
    struct work_done done;

    thread->worker->stalled = fault_is_on(FAULT_STALLED_WORKERS);
    work_prepare(thread->worker);
    if (ENGRAM_METRICS)
        recorder_begin(thread->recorder);
    work_run(thread->worker, &done);
    fault_spoil_work(&done);
    if (ENGRAM_METRICS)
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

    while (!atomic_load_explicit(&stopping, memory_order_relaxed) &&
           atomic_load_explicit(&thread->operations, memory_order_relaxed) < thread->most) {
        work_once(thread);
        if (thread->rate > 0.0)
            keep_rate(thread, start_ns);
    }
    return NULL;
}

static uint64_t total_operations(const struct demo *demo)
{
    uint64_t total = 0;

    for (uint32_t i = 0; i < demo->options.threads; i++)
        total += atomic_load_explicit(&demo->threads[i].operations, memory_order_relaxed);
    return total;
}

/* What an engine does for itself: a part of its index at a time. */
static void audit(struct demo *demo, struct graph_audit *audit)
{
    uint64_t before = audit->nodes;
    double recall;
    bool ended = engine_audit(demo->auditor, audit, AUDITED_EACH_SECOND, &recall);
    struct graph_audit said = *audit;
    fault_spoil_audit(&said);
    record_audit(&demo->own, audit->nodes - before, ended ? &said : NULL, recall);
}

static void inspect(struct demo *demo, struct engine_info *before)
{
    struct engine_info now, said;
    engine_inspect(demo->engine, &now);
    said = now;
    fault_spoil_info(before, &said);
    record_info(&demo->own, before, &said);
    record_workers(&demo->own, demo->options.threads, tasks_waiting(demo->tasks));
    *before = now;
}

/* How far it was at a time. */
struct progress {
    uint64_t now_ns, cpu_ns, operations;
};

static struct progress progress_of(const struct demo *demo)
{
    struct timespec used;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (struct progress){clock_now_ns(),
                             (uint64_t)used.tv_sec * 1000000000u + (uint64_t)used.tv_nsec,
                             total_operations(demo)};
}

static void say(const struct progress *before, const struct progress *now)
{
    double operations = (double)(now->operations - before->operations);
    fprintf(stderr, "%.0f op/s", operations * 1e9 / (double)(now->now_ns - before->now_ns));
    if (operations > 0)
        fprintf(stderr, ", %.1f ns of CPU each",
                (double)(now->cpu_ns - before->cpu_ns) / operations);
    fputc('\n', stderr);
}

static bool is_over(const struct demo *demo, uint64_t run_ns, uint64_t operations)
{
    const struct options *options = &demo->options;
    return atomic_load(&stopping) ||
           (options->seconds && run_ns >= options->seconds * UINT64_C(1000000000)) ||
           (options->operations && operations >= options->operations);
}

/* Until it is over: says once a second how fast it goes, sets the gauges and audits. */
static void watch(struct demo *demo)
{
    struct engine_info before;
    struct graph_audit auditing = {.next = 0};
    struct progress start = progress_of(demo), last = start, now;

    memset(&before, 0, sizeof before);
    fault_at(0);
    do {
        nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
        now = progress_of(demo);
        say(&last, &now);
        last = now;
        fault_at((double)(now.now_ns - start.now_ns) * 1e-9);
        inspect(demo, &before);
        audit(demo, &auditing);
    } while (!is_over(demo, now.now_ns - start.now_ns, now.operations));
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

static bool take_fault(const char *text)
{
    if (fault_add(text))
        return true;
    fprintf(stderr, "engram-demo: no such fault: %s\n", text);
    return false;
}

/* 0 to go on, 1 when all was said, 2 when an option is wrong. */
static int parse_options(int argc, char **argv, struct options *options)
{
    static const struct option names[] = {
        {"process", required_argument, NULL, 'p'},
        {"threads", required_argument, NULL, 't'},
        {"seconds", required_argument, NULL, 's'},
        {"rate", required_argument, NULL, 'r'},
        {"operations", required_argument, NULL, 'o'},
        {"episodes", required_argument, NULL, 'e'},
        {"fault", required_argument, NULL, 'f'},
        {"version", no_argument, NULL, 'V'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    bool valid = true;
    int option;

    while (valid && (option = getopt_long(argc, argv, "", names, NULL)) != -1) {
        if (option == 'h')
            return fputs(usage, stdout) < 0 ? 2 : 1;
        if (option == 'V')
            return puts("engram-demo " ENGRAM_VERSION) < 0 ? 2 : 1;
        if (option == 'p')
            options->process = optarg;
        else if (option == 't')
            valid = parse_number(optarg, 1, MAX_THREADS, &options->threads);
        else if (option == 's')
            valid = parse_number(optarg, 0, 1u << 30, &options->seconds);
        else if (option == 'r')
            valid = parse_number(optarg, 0, 1u << 30, &options->rate);
        else if (option == 'o')
            valid = parse_number(optarg, 0, 1u << 30, &options->operations);
        else if (option == 'e')
            valid = parse_number(optarg, LEAST_EPISODES, 1u << 24, &options->episodes);
        else if (option == 'f')
            valid = take_fault(optarg);
        else
            valid = false;
    }
    if (valid && optind == argc)
        return 0;
    fprintf(stderr, "engram-demo: see engram-demo --help\n");
    return 2;
}

static bool start_threads(struct demo *demo)
{
    struct thread *threads = demo->threads;

    for (uint32_t i = 0; i < demo->options.threads; i++) {
        threads[i].rate = (double)demo->options.rate / demo->options.threads;
        threads[i].most =
            demo->options.operations ? demo->options.operations / demo->options.threads : ULONG_MAX;
        threads[i].worker =
            worker_create(demo->engine, &demo->synth, demo->tasks, i, SEED + 16 * (i + 1));
        threads[i].recorder = calloc(1, sizeof *threads[i].recorder);
        if (!threads[i].worker || !threads[i].recorder)
            return false;
        threads[i].recorder->instruments = &demo->instruments;
        if (demo->options.episodes)
            worker_fill(threads[i].worker, demo->options.episodes / demo->options.threads);
    }
    for (uint32_t i = 0; i < demo->options.threads; i++) {
        if (pthread_create(&threads[i].id, NULL, thread_main, &threads[i]) != 0)
            return false;
    }
    return true;
}

static bool start(struct demo *demo)
{
    struct engine_config config = engine_defaults();

    if (demo->options.episodes)
        config.capacity = demo->options.episodes;
    instruments_register(&demo->instruments);
    demo->own.instruments = &demo->instruments;
    demo->engine = engine_create(&config);
    demo->tasks = tasks_create(demo->options.threads);
    demo->auditor = demo->engine ? engine_worker_create(demo->engine, SEED) : NULL;
    return demo->auditor && demo->tasks && synth_init(&demo->synth, CONCEPTS, SEED) &&
           start_threads(demo);
}

static void finish(struct demo *demo)
{
    atomic_store(&stopping, true);
    for (uint32_t i = 0; i < demo->options.threads; i++) {
        pthread_join(demo->threads[i].id, NULL);
        tally_merge(&demo->own.tally, &demo->threads[i].recorder->tally);
        free(demo->threads[i].recorder);
        worker_destroy(demo->threads[i].worker);
    }
    tally_print(&demo->own.tally, stdout);
    synth_destroy(&demo->synth);
    engine_worker_destroy(demo->auditor);
    tasks_destroy(demo->tasks);
    engine_destroy(demo->engine);
}

int main(int argc, char **argv)
{
    static struct demo demo = {.options = {.process = "engram-demo", .threads = 2, .seconds = 10}};

    int parsed = parse_options(argc, argv, &demo.options);
    if (parsed)
        return parsed == 1 ? 0 : 2;
    if (engram_attach(demo.options.process))
        fprintf(stderr, "engram-demo: runs without metrics: %s\n", engram_reason());
    signal(SIGINT, on_stop);
    signal(SIGTERM, on_stop);
    if (!start(&demo)) {
        fprintf(stderr, "engram-demo: cannot start: no memory\n");
        return 1;
    }
    watch(&demo);
    finish(&demo);
    return 0;
}
