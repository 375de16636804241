/* SPDX-License-Identifier: MIT */
/*
 * Records on 384 CPUs, whatever the machine has, while another process fills the region's file
 * system up and frees it again; in the end the region holds exactly what was recorded:
 *
 *     many_cpus SECONDS [SEED]
 */
#define _GNU_SOURCE
#include "any_cpu.h"

#include "shmlib/guard.h"
#include "shmlib/sum.h"

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define CPUS 384u
#define NODES 2u
#define THREADS 4u
#define COUNTERS 8u
#define HISTOGRAMS 12u /* of 8 KiB: more than one chunk */
#define BURST 200u     /* records before a thread goes to another CPU */

/* Whole numbers, so that the sum of doubles is exact in any order. */
struct truth {
    uint64_t counters[COUNTERS];
    uint64_t counts[HISTOGRAMS], sums[HISTOGRAMS];
    int64_t updown;
};

struct worker {
    pthread_t thread;
    uint32_t number;
    uint64_t random;
    struct truth truth;
};

static engram_counter counters[COUNTERS];
static engram_histogram histograms[HISTOGRAMS];
static engram_updown updown;
static uint64_t start, length; /* CLOCK_MONOTONIC, ns */

static uint64_t next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static uint64_t elapsed(void)
{
    return engram_clock(ENGRAM_CLOCK_MONOTONIC) - start;
}

static void record(struct worker *worker)
{
    struct truth *truth = &worker->truth;
    for (uint32_t i = 0; i < BURST; i++) {
        uint64_t value = next(&worker->random);
        uint32_t counter = (uint32_t)(value % COUNTERS), histogram = (uint32_t)(value % HISTOGRAMS);
        int64_t step = (int64_t)(value >> 8 & 15) - 7;
        value = value >> 32 & 0xffff;
        engram_counter_add(counters[counter], value);
        engram_histogram_record(histograms[histogram], (double)value);
        engram_updown_add(updown, step);
        truth->counters[counter] += value;
        truth->counts[histogram]++;
        truth->sums[histogram] += value;
        truth->updown += step;
    }
}

/* The CPUs come into use one after the other, so that some find memory and some do not. */
static void *work(void *argument)
{
    struct worker *worker = argument;
    for (uint64_t now; (now = elapsed()) < length;) {
        uint64_t used = 1 + now * (CPUS / THREADS - 1) / length;
        any_cpu_be((uint32_t)(next(&worker->random) % used) * THREADS + worker->number);
        record(worker);
        usleep(200);
    }
    return NULL;
}

/* In a process of its own, until it is killed: takes all that is left, and gives it back. */
static void fill(const char *directory, uint64_t random)
{
    static const char bytes[65536];
    char path[256];
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    snprintf(path, sizeof path, "%s/.filler", directory);
    for (;;) {
        usleep((useconds_t)(next(&random) % 700000));
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        while (write(fd, bytes, sizeof bytes) > 0)
            continue;
        usleep((useconds_t)(next(&random) % 700000));
        unlink(path);
        close(fd);
    }
}

static struct engram_region *attach(const char *directory)
{
    struct engram_region plan;
    int fd = engram_open_anonymous(directory);
    if (fd < 0)
        return NULL;
    engram_plan(&plan, "many-cpus");
    engram_lay_out(&plan, CPUS, NODES);
    plan.plain_cpus = CPUS;
    struct engram_region *region = engram_region_make(fd, &plan);
    if (!region || engram_install(fd, directory, "/", region))
        return NULL;
    close(fd);
    return region;
}

static void register_all(void)
{
    char name[32];
    for (uint32_t i = 0; i < COUNTERS; i++) {
        snprintf(name, sizeof name, "counter_%u_total", i);
        counters[i] = engram_counter_new(name, "", NULL);
    }
    for (uint32_t i = 0; i < HISTOGRAMS; i++) {
        snprintf(name, sizeof name, "histogram_%u", i);
        histograms[i] = engram_histogram_new(name, "", NULL);
    }
    struct engram_spec spec = {.name = engram_string("updown")};
    updown = engram_updown_register(&spec);
}

/* What a reader finds, in the copies of the CPUs and in those of the nodes. */
struct sums {
    const struct reader *reader;
    struct source source;
    union word cpus[1024], nodes[1024];
};

static void sum(void *argument)
{
    struct sums *sums = argument;
    for (uint32_t i = 0; i < CPUS; i++)
        sum_cpu(sums->reader, i, &sums->source, 1, sums->cpus);
    for (uint32_t i = 0; i < NODES; i++)
        sum_node(sums->reader, i, &sums->source, 1, sums->nodes);
}

static void sum_series(struct sums *sums, const struct reader *reader, const char *name)
{
    memset(sums, 0, sizeof *sums);
    sums->reader = reader;
    for (uint32_t i = 0; i < reader->count; i++) {
        const struct engram_descriptor *d = reader->records[i].descriptor;
        if (d->name_length == strlen(name) &&
            memcmp(record_name(&reader->records[i]), name, d->name_length) == 0)
            sums->source = source_of(d, 0);
    }
    if (!sums->source.kind || !guard_run(sum, sums)) {
        printf("%s cannot be read\n", name);
        exit(1);
    }
}

static int differs(const char *name, uint64_t sum, uint64_t truth)
{
    if (sum == truth)
        return 0;
    printf("%s is %" PRIu64 ", not %" PRIu64 "\n", name, sum, truth);
    return 1;
}

static uint64_t in_cpus, in_nodes; /* values of histograms */

static int compare_histogram(const struct reader *reader, uint32_t number, const struct truth *all)
{
    struct sums sums;
    char name[32];
    uint64_t cpus = 0, nodes = 0;
    snprintf(name, sizeof name, "histogram_%u", number);
    sum_series(&sums, reader, name);
    uint32_t cells = sums.source.cells;
    for (uint32_t i = 0; i < cells; i++) {
        cpus += sums.cpus[i].count;
        nodes += sums.nodes[i].count;
    }
    in_cpus += cpus;
    in_nodes += nodes;
    return differs(name, cpus + nodes, all->counts[number]) +
           differs(name, (uint64_t)(sums.cpus[cells].number + sums.nodes[cells].number),
                   all->sums[number]);
}

static int compare(const struct reader *reader, const struct truth *all)
{
    struct sums sums;
    char name[32];
    int wrong = 0;
    for (uint32_t i = 0; i < COUNTERS; i++) {
        snprintf(name, sizeof name, "counter_%u_total", i);
        sum_series(&sums, reader, name);
        wrong += differs(name, sums.cpus[0].count + sums.nodes[0].count, all->counters[i]);
    }
    for (uint32_t i = 0; i < HISTOGRAMS; i++)
        wrong += compare_histogram(reader, i, all);
    sum_series(&sums, reader, "updown");
    return wrong +
           differs("updown", sums.cpus[0].count + sums.nodes[0].count, (uint64_t)all->updown);
}

static void add_truth(struct truth *all, const struct truth *one)
{
    for (uint32_t i = 0; i < COUNTERS; i++)
        all->counters[i] += one->counters[i];
    for (uint32_t i = 0; i < HISTOGRAMS; i++) {
        all->counts[i] += one->counts[i];
        all->sums[i] += one->sums[i];
    }
    all->updown += one->updown;
}

static void run_workers(struct truth *all, uint64_t seed)
{
    struct worker workers[THREADS];
    memset(workers, 0, sizeof workers);
    start = engram_clock(ENGRAM_CLOCK_MONOTONIC);
    for (uint32_t i = 0; i < THREADS; i++) {
        workers[i].number = i;
        workers[i].random = seed + i;
        pthread_create(&workers[i].thread, NULL, work, &workers[i]);
    }
    for (uint32_t i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        add_truth(all, &workers[i].truth);
    }
}

/* Of all chunks. */
static uint32_t blocks(struct engram_region *region)
{
    uint32_t count = 0;
    for (uint32_t chunk = 0; chunk < region->chunks; chunk++)
        for (uint32_t cpu = 0; cpu < CPUS; cpu++)
            count += *engram_block(region, chunk, cpu) != 0;
    return count;
}

static struct reader *open_region(const char *directory, const struct engram_region *region)
{
    char path[512];
    enum rejection rejection;
    snprintf(path, sizeof path, "%s/many-cpus.", directory);
    engram_append_hex(path + strlen(path), region->nonce, sizeof region->nonce);
    struct reader *reader = reader_open(AT_FDCWD, path, &rejection);
    if (!reader)
        printf("refused: %s\n", rejection_advice(rejection));
    return reader;
}

/* 0 when all is exact and there was something to be exact about. */
static int judge(const char *directory, struct engram_region *region, const struct truth *all)
{
    struct reader *reader = open_region(directory, region);
    if (!reader)
        return 1;
    int wrong = compare(reader, all);
    struct engram_slot own = engram_process_state.own[ENGRAM_OWN_MEMORY_REFUSED];
    uint64_t refused = *engram_node_slot(region, 0, engram_slot_offset(region, own));
    uint32_t given = blocks(region);
    printf("%u blocks given, %" PRIu64 " refused; %" PRIu64 " values in copies of CPUs, %" PRIu64
           " in those of nodes; %d sums differ\n",
           given, refused, in_cpus, in_nodes, wrong);
    reader_close(reader);
    return wrong || !given || !refused || !in_cpus || !in_nodes;
}

int main(int argc, char **argv)
{
    const char *directory = getenv("ENGRAM_DIR");
    uint64_t seed = argc > 2 ? strtoul(argv[2], NULL, 10) : (uint64_t)getpid();
    struct truth all;
    memset(&all, 0, sizeof all);
    any_cpu_nodes = NODES;
    length = (argc > 1 ? strtoul(argv[1], NULL, 10) : 5) * UINT64_C(1000000000);
    struct engram_region *region = directory ? attach(directory) : NULL;
    if (!region) {
        fprintf(stderr, "many_cpus: %s\n", engram_reason());
        return 2;
    }
    guard_install();
    register_all();
    printf("seed %" PRIu64 "\n", seed);
    fflush(stdout);
    pid_t filler = fork();
    if (filler == 0)
        fill(directory, seed + 1000);
    run_workers(&all, seed + 1);
    kill(filler, SIGKILL);
    waitpid(filler, NULL, 0);
    return judge(directory, region, &all);
}
