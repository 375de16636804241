/* SPDX-License-Identifier: MIT */
/*
 * What it costs the daemon to read 10,000 counters, or 100 histograms, in regions for some CPUs of
 * which some have been written on: the sum alone, with the caches warm and evicted, beside a loop
 * that adds one value after the other; and a whole tick in which nothing has changed.  Each line is
 * JSON:
 *
 *     {"series": "counters", "cpus": 128, "written": 2, "what": "warm", "us": [1.9, ...]}
 */
#define _GNU_SOURCE
#include <engram/engram.h>

#include "daemon/base/clock.h"
#include "daemon/collect/collector.h"
#include "shmlib/guard.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define COUNTERS 10000u
#define HISTOGRAMS 100u
#define TICKS 5
#define TICK_US 12000
#define EVICTED (128l << 20) /* more than one core has of any cache that we know */

static char directory[] = "/dev/shm/engram-bench-XXXXXX";
static int turns, rounds;

static void die(const char *what)
{
    fprintf(stderr, "reading: %s: %s\n", what, engram_reason());
    exit(1);
}

struct stage {
    bool histograms;
    uint32_t cpus, written, series;
    struct engram_region *region;
    uint32_t slots[COUNTERS], cells; /* of each histogram */
    struct topology *topology;
    struct self *self;
    struct totals *totals;
    struct plan *plan;
    struct snapshot_store *store;
    struct gathering gathering;
    union word *rows[1];
    volatile double kept; /* so that it has to be computed */
};

static void make_region(struct stage *stage)
{
    struct engram_region plan;
    memset(&engram_process_state, 0, sizeof engram_process_state);
    int fd = engram_open_anonymous(directory);
    engram_plan(&plan, "bench");
    engram_lay_out(&plan, stage->cpus, 1);
    stage->region = fd < 0 ? NULL : engram_region_make(fd, &plan);
    if (!stage->region || engram_install(fd, directory, "/", stage->region))
        die("no region");
    close(fd);
}

static const char *copy_of(const struct stage *stage, uint32_t cpu)
{
    const struct engram_region *h = stage->region;
    const char *start = stage->gathering.reader ? stage->gathering.reader->map : (const char *)h;
    return start + h->cpus_offset + cpu * h->copy_size;
}

static void register_one(struct stage *stage, uint32_t number)
{
    char text[16];
    const char *labels[] = {"i", text, NULL};
    snprintf(text, sizeof text, "%u", number);
    if (stage->histograms) {
        engram_histogram histogram = engram_histogram_new("bench_seconds", "", labels);
        stage->slots[number] = engram_slot_offset(stage->region, histogram.at);
        stage->cells = histogram.cells;
    } else {
        engram_counter counter = engram_counter_new("bench_total", "", labels);
        stage->slots[number] = engram_slot_offset(stage->region, counter.at);
    }
}

/* The first word of each series, which is a count. */
static void record(struct stage *stage)
{
    for (uint32_t i = 0; i < stage->series; i++) {
        register_one(stage, i);
        uint32_t chunk = stage->slots[i] >> ENGRAM_CHUNK_SHIFT;
        for (uint32_t cpu = 0; cpu < stage->written; cpu++) {
            if (!*engram_block(stage->region, chunk, cpu) &&
                !engram_reserve_block(stage->region, chunk, cpu, ENGRAM_ANY_NODE))
                die("no memory");
            *(uint64_t *)(uintptr_t)(copy_of(stage, cpu) + stage->slots[i]) = i + cpu;
        }
    }
}

static struct region *open_region(const struct stage *stage)
{
    char path[128];
    enum rejection rejection;
    snprintf(path, sizeof path, "%s/bench.", directory);
    engram_append_hex(path + strlen(path), stage->region->nonce, sizeof stage->region->nonce);
    struct reader *reader = reader_open(AT_FDCWD, path, &rejection);
    struct region *region = reader ? region_new(reader) : NULL;
    if (!region)
        die(reader ? "no memory" : rejection_advice(rejection));
    unlink(path);
    return region;
}

static void compute_nothing(void *argument, const struct plan *plan,
                            const struct snapshot *snapshot, union word *row)
{
    (void)argument, (void)plan, (void)snapshot, (void)row;
}

static void make_plan(struct stage *stage)
{
    static const struct computed_family *const none[] = {NULL};
    const bool alive = true;
    struct region *region = open_region(stage);
    struct plan_input input = {stage->totals, &region, &alive, 1, none, 1};
    stage->plan = plan_build(&input);
    if (!stage->plan)
        die("no plan");
    region_release(region);
    snapshot_publish_plan(stage->store, plan_hold(stage->plan));
    stage->rows[0] = calloc(stage->plan->set.words, sizeof(union word));
    stage->gathering = (struct gathering){
        region->reader, stage->plan->regions[0].of, stage->topology, 0, stage->rows, NULL};
}

static void make(struct stage *stage)
{
    char machine[64];
    snprintf(machine, sizeof machine, "package:1 numanode:1 core:%u pu:1", stage->cpus);
    setenv("HWLOC_SYNTHETIC", machine, 1);
    stage->topology = topology_load("/");
    stage->self = self_new(1, "", "");
    stage->totals = totals_new(1, 0, 0, 0);
    stage->store = snapshot_store_new(stage->topology, compute_nothing, NULL);
    if (!stage->topology || !stage->self || !stage->totals || !stage->store)
        die("no memory");
    make_region(stage);
    record(stage);
    make_plan(stage);
}

static void unmake(struct stage *stage)
{
    plan_release(stage->plan);
    snapshot_store_free(stage->store);
    totals_release(stage->totals);
    self_free(stage->self);
    topology_free(stage->topology);
    free(stage->rows[0]);
    munmap(stage->region, stage->region->size);
}

static void gather_guarded(void *gathering)
{
    gather(gathering);
}

static void sum_ours(struct stage *stage)
{
    if (!guard_run(gather_guarded, &stage->gathering))
        die("the region is gone");
}

/* The yardstick: one load, one addition. */
static void sum_plainly(struct stage *stage)
{
    union word *row = stage->rows[0];
    double sum = 0;
    for (uint32_t cpu = 0; cpu < stage->written; cpu++)
        for (uint32_t i = 0; i < stage->series; i++) {
            const uint64_t *slot = (const void *)(copy_of(stage, cpu) + stage->slots[i]);
            if (!stage->histograms)
                row[i].count += __atomic_load_n(slot, __ATOMIC_RELAXED);
            for (uint32_t j = 0; j < stage->cells; j++) {
                row[i * stage->cells + j].count += __atomic_load_n(&slot[2 * j], __ATOMIC_RELAXED);
                sum += *(const volatile double *)&slot[2 * j + 1];
            }
        }
    stage->kept = sum;
}

static void tick(struct stage *stage)
{
    collect_once(stage->store, stage->topology, stage->self);
}

/* Whatever is in the caches is replaced. */
static void evict(void)
{
    static volatile char *bytes;
    if (!bytes && !(bytes = malloc(EVICTED)))
        die("no memory");
    for (long i = 0; i < EVICTED; i += 64)
        bytes[i]++;
}

static uint64_t total(const union word *row, uint32_t words)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < words; i++)
        sum += row[i].count;
    return sum;
}

/* What a way of summing finds is what was written. */
static void verify(struct stage *stage, void (*way)(struct stage *))
{
    uint64_t expected = 0;
    for (uint32_t cpu = 0; cpu < stage->written; cpu++)
        for (uint32_t i = 0; i < stage->series; i++)
            expected += i + cpu;
    memset(stage->rows[0], 0, stage->plan->set.words * sizeof(union word));
    way(stage);
    if (total(stage->rows[0], stage->plan->set.words) != expected)
        die("a sum is wrong");
}

static double once(struct stage *stage, void (*way)(struct stage *))
{
    uint64_t from = clock_monotonic();
    way(stage);
    return (double)(clock_monotonic() - from) / 1000;
}

/* Again and again, so that all is warm. */
static double warm(struct stage *stage, void (*way)(struct stage *))
{
    way(stage);
    uint64_t from = clock_monotonic();
    for (int i = 0; i < rounds; i++)
        way(stage);
    return (double)(clock_monotonic() - from) / 1000 / rounds;
}

static double cold(struct stage *stage, void (*way)(struct stage *))
{
    evict();
    return once(stage, way);
}

/* A few, with time between them for what the one before retired to be freed, as ticks have. */
static double paced(struct stage *stage, void (*way)(struct stage *))
{
    double us = 0;
    for (int i = 0; i < TICKS; i++) {
        usleep(TICK_US);
        us += once(stage, way);
    }
    return us / TICKS;
}

#define WAYS 5

/* All ways by turns. */
static void measure(struct stage *stage)
{
    static const struct {
        const char *what;
        double (*as)(struct stage *, void (*way)(struct stage *));
        void (*way)(struct stage *);
    } ways[WAYS] = {{"warm", warm, sum_ours},
                    {"plain, warm", warm, sum_plainly},
                    {"tick", paced, tick},
                    {"cold", cold, sum_ours},
                    {"plain, cold", cold, sum_plainly}};
    double us[WAYS][64];
    for (int turn = 0; turn < turns; turn++)
        for (int i = 0; i < WAYS; i++)
            us[i][turn] = ways[i].as(stage, ways[i].way);
    for (int i = 0; i < WAYS; i++) {
        printf("{\"series\": \"%s\", \"cpus\": %u, \"written\": %u, \"what\": \"%s\", \"us\": [",
               stage->histograms ? "histograms" : "counters", stage->cpus, stage->written,
               ways[i].what);
        for (int turn = 0; turn < turns; turn++)
            printf("%s%.3f", turn ? ", " : "", us[i][turn]);
        printf("]}\n");
    }
}

int main(void)
{
    static const struct {
        bool histograms;
        uint32_t cpus, written;
    } machines[] = {
        {false, 2, 2}, {false, 128, 128}, {false, 128, 2}, {false, 128, 0}, {true, 2, 2}};
    static struct stage stage;
    bool quick = getenv("QUICK") && *getenv("QUICK");
    turns = quick ? 3 : 15;
    rounds = quick ? 20 : 50;
    if (!mkdtemp(directory))
        die("a directory in /dev/shm");
    guard_install();
    snapshot_thread_start();
    for (size_t i = 0; i < sizeof machines / sizeof machines[0]; i++) {
        memset(&stage, 0, sizeof stage);
        stage.histograms = machines[i].histograms;
        stage.cpus = machines[i].cpus;
        stage.written = machines[i].written;
        stage.series = stage.histograms ? HISTOGRAMS : COUNTERS;
        make(&stage);
        verify(&stage, sum_ours);
        verify(&stage, sum_plainly);
        measure(&stage);
        unmake(&stage);
    }
    snapshot_thread_stop();
    return rmdir(directory);
}
