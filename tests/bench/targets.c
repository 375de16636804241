/* SPDX-License-Identifier: MIT */
/*
 * What the calls cost that answer the performance targets of the requirements, as an engine makes
 * them, with one thread; then full scrapes of a real daemon, beside a demo engine and with 10,000
 * counters more.  targets.py says which target each of them answers.
 */
#define _GNU_SOURCE
#include "daemon_bench.h"

#include "shmlib/events.h"
#include "shmlib/guard.h"
#include "tools/demo/allocations.h"
#include "tools/demo/pool.h"

#include <engram/engine.h>
#include <engram/engram.h>
#include <fcntl.h>
#include <sched.h>

#define VALUES 65536      /* so many different ones that the branch predictor cannot learn them */
#define POOL_SLOTS 349525 /* of vectors of 768 floats in 1 GB */
#define PAYLOAD_ROOM (8 << 20)
#define MORE_SERIES 10000
#define SETTLED_US 1000000 /* until the daemon has collected what is new */

static struct engram_engine engine;
static engram_event transition, false_memory;
static engram_updown in_use;
static double values[VALUES];
static long rounds;
static struct pool pool;

/* --- The calls --- */

static void add(long i)
{
    (void)i;
    engram_counter_add(engine.tasks, 1);
}

static void record(long i)
{
    engram_histogram_record(engine.store[ENGRAM_SUCCESS], values[i % VALUES]);
}

static void enqueue(long i)
{
    engram_event_emit_at(transition, (uint64_t)i, ENGRAM_RECENT, ENGRAM_CONSOLIDATING);
}

static void set_weights(long i)
{
    double hippocampal = values[i % VALUES];
    engram_gauge_set(engine.hippocampal[ENGRAM_RECENT], hippocampal);
    engram_gauge_set(engine.neocortical[ENGRAM_RECENT], 1 - hippocampal);
}

static void move_on(long i)
{
    engram_histogram_record(engine.transition[ENGRAM_RECENT], values[i % VALUES]);
    engram_event_emit(transition, ENGRAM_RECENT, ENGRAM_CONSOLIDATING);
    engram_gauge_set(engine.hippocampal[ENGRAM_CONSOLIDATING], values[i % VALUES]);
}

static void score(long i)
{
    engram_histogram_record(engine.completion[ENGRAM_HIPPOCAMPAL][0], values[i % VALUES]);
}

/* Every second one is false, which the predictor cannot know. */
static void classify(long i)
{
    double plausibility = values[i % VALUES];
    bool is_false = plausibility > 0.5;
    engram_histogram_record(engine.completion[ENGRAM_NEOCORTICAL][is_false], plausibility);
    engram_counter_add(engine.drm_trials, 1);
    engram_counter_add(engine.drm_false, is_false);
    if (is_false)
        engram_event_emit(false_memory, ENGRAM_NEOCORTICAL, 1);
}

static void read_neighbor(long i)
{
    engram_counter_add(engine.neighbor_reads, 1);
    engram_counter_add(engine.neighbor_local_reads, i & 1);
}

static void allocate(long i)
{
    (void)i;
    engram_counter_add(engine.allocations, 1);
    engram_updown_add(in_use, 1);
}

static void give_back(long i)
{
    (void)i;
    engram_updown_add(in_use, -1);
}

static void check_alignment(long i)
{
    uintptr_t address = (uintptr_t)pool_slot(&pool, (uint32_t)i % POOL_SLOTS);
    engram_counter_add(engine.aligned_allocations, address % POOL_ALIGNMENT == 0);
}

/* Each loop is compiled with its call inlined, or the call would be what is measured. */
#define LOOP(call)                                                                                 \
    static double loop_##call(void)                                                                \
    {                                                                                              \
        double start = now_us();                                                                   \
        for (long i = 0; i < rounds; i++)                                                          \
            call(i);                                                                               \
        return (now_us() - start) * 1e3 / (double)rounds;                                          \
    }
LOOP(add)
LOOP(record)
LOOP(enqueue)
LOOP(set_weights)
LOOP(move_on)
LOOP(score)
LOOP(classify)
LOOP(read_neighbor)
LOOP(allocate)
LOOP(give_back)
LOOP(check_alignment)

/* The same as on a kernel without rseq: an atomic addition to the node's copy. */
static double loop_add_atomically(void)
{
    struct engram_region *region = engram_process_state.region;
    engram_set_limit(region, 0);
    double took = loop_add();
    engram_set_limit(region, region->plain_cpus);
    return took;
}

/* --- What is read or computed --- */

static struct reader *reader;
static uint64_t cursor;
static struct drained drained;

static void drain(void *argument)
{
    const struct copy *copy = argument;
    uint32_t ring = engram_slot_offset(engram_process_state.region, transition.at);
    events_drain(reader, *copy, ring, &cursor, &drained);
}

static void open_reader(void)
{
    enum rejection rejection;
    int directory = open(region_directory, O_DIRECTORY | O_CLOEXEC);
    DIR *entries = opendir(region_directory);
    for (struct dirent *entry; entries && !reader && (entry = readdir(entries));)
        if (entry->d_name[0] != '.')
            reader = reader_open(directory, entry->d_name, &rejection);
    if (!reader)
        die("our own region");
    closedir(entries);
    close(directory);
}

/* Half a ring at a time, since the oldest slot of a full one may be written to; this thread stays
 * on one CPU, or there would be several rings.  An event that was interrupted goes to the node's.
 */
static double loop_dequeue(void)
{
    struct copy copy = {.of_cpu = true, .index = (uint32_t)sched_getcpu()};
    double took = 0;
    long read = 0;
    cpu_set_t all, one;
    CPU_ZERO(&one);
    CPU_SET(copy.index, &one);
    if (sched_getaffinity(0, sizeof all, &all) || sched_setaffinity(0, sizeof one, &one))
        die("the CPUs that may be used");
    if (!engram_process_state.region->plain_cpus)
        copy = (struct copy){.index = 0};
    cursor = EVENTS_FIRST_LOOK;
    for (guard_run(drain, &copy); read < rounds; read += drained.count) {
        for (long i = 0; i < ENGRAM_RING_SLOTS / 2; i++)
            enqueue(i);
        double start = now_us();
        if (!guard_run(drain, &copy) || drained.missed)
            die("an event was lost");
        took += now_us() - start;
    }
    sched_setaffinity(0, sizeof all, &all);
    return took * 1e3 / (double)read;
}

/* The worst that there is: no two free slots lie together. */
static double measure_pool(void)
{
    double start = now_us();
    engram_gauge_set(engine.pool_fragmentation[ENGRAM_VECTOR_ARENA],
                     pool_measure(&pool).fragmentation);
    return (now_us() - start) * 1e-3;
}

static void fill_pool(void)
{
    if (!pool_init(&pool, POOL_ALIGNMENT, POOL_SLOTS))
        die("no memory");
    for (uint32_t i = 0; i < POOL_SLOTS; i++)
        pool_alloc(&pool);
    for (uint32_t i = 0; i < POOL_SLOTS; i += 2)
        pool_free(&pool, i);
}

static const struct {
    const char *what, *unit;
    double (*take)(void);
} calls[] = {
    {"counter add", "ns", loop_add},
    {"histogram record", "ns", loop_record},
    {"counter add without rseq", "ns", loop_add_atomically},
    {"event emit", "ns", loop_enqueue},
    {"event read", "ns", loop_dequeue},
    {"two gauge sets", "ns", loop_set_weights},
    {"histogram record, event, gauge set", "ns", loop_move_on},
    {"histogram record of a score", "ns", loop_score},
    {"histogram record, two counters, event", "ns", loop_classify},
    {"two counters", "ns", loop_read_neighbor},
    {"counter and up-down counter", "ns", loop_allocate},
    {"up-down counter", "ns", loop_give_back},
    {"address test, counter add", "ns", loop_check_alignment},
    {"fragmentation of 349,525 slots", "ms", measure_pool},
};

#define CALLS (sizeof calls / sizeof calls[0])

static void bench_calls(void)
{
    static double taken[CALLS][TURNS_MOST];
    uint64_t before = allocations_made();
    for (size_t turn = 0; turn < turns(); turn++)
        for (size_t i = 0; i < CALLS; i++)
            taken[i][turn] = calls[i].take();
    double allocated = (double)(allocations_made() - before);
    for (size_t i = 0; i < CALLS; i++)
        figure(calls[i].what, "engram", calls[i].unit, taken[i], turns());
    figure_once("heap allocations", "engram", "", allocated);
}

/* --- Scrapes --- */

static pid_t start_demo(void)
{
    char self[PATH_MAX] = "", program[PATH_MAX + 16];
    if (readlink("/proc/self/exe", self, sizeof self - 1) < 0)
        die("our own program");
    snprintf(program, sizeof program, "%s/../engram-demo", dirname(self));
    pid_t child = fork();
    if (child)
        return child;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))
        _exit(1);
    execl(program, "engram-demo", "--rate", "1000", "--seconds", "0", (char *)NULL);
    _exit(127);
}

/* Further apart than ticks, so that each is made for itself. */
static void bench_scrape(int port, const char *what)
{
    static char room[PAYLOAD_ROOM];
    static double took[20 * TURNS_MOST];
    size_t times = quick() ? 6 : 20 * TURNS_MOST;
    char name[64];
    long bytes = 0;
    int fd = ask(1, port, NULL, 0);
    for (size_t i = 0; i < times; i++) {
        usleep(110000);
        double start = now_us();
        bytes = exchange(fd, "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", room, sizeof room);
        took[i] = (now_us() - start) * 1e-3;
        if (bytes < 0)
            die("/metrics");
    }
    figure_spread(what, "engram", "ms", took, times);
    snprintf(name, sizeof name, "%s: bytes", what);
    figure_once(name, "engram", "KB", (double)bytes * 1e-3);
    close(fd);
}

static void register_more(void)
{
    char number[16];
    const char *labels[] = {"number", number, NULL};
    for (int i = 0; i < MORE_SERIES; i++) {
        snprintf(number, sizeof number, "%d", i);
        engram_counter_add(engram_counter_new("bench_more_total", "Adds.", labels), 1);
    }
}

static void bench_scrapes(void)
{
    struct served server = start_daemon(NULL, "--series-limit", "100000");
    pid_t demo = start_demo();
    usleep(SETTLED_US);
    bench_scrape(server.port, "scrape of an engine");
    register_more();
    usleep(SETTLED_US);
    bench_scrape(server.port, "scrape of 10,000 counters more");
    kill(demo, SIGKILL);
    waitpid(demo, NULL, 0);
    stop(server);
}

int main(void)
{
    struct engram_spec one = {.name = engram_string("bench_transition")},
                       other = {.name = engram_string("bench_false_memory")},
                       third = {.name = engram_string("bench_slots_in_use")};
    rounds = quick() ? 500000 : 2000000;
    make_regions();
    engram_engine_register(&engine, "avx2");
    transition = engram_event_register(&one);
    false_memory = engram_event_register(&other);
    in_use = engram_updown_register(&third);
    if (*engram_reason())
        die(engram_reason());
    for (int i = 0; i < VALUES; i++)
        values[i] = drand48();
    guard_install();
    fill_pool();
    open_reader();
    bench_calls();
    bench_scrapes();
    remove_regions();
    return 0;
}
