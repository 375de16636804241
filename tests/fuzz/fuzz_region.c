/* SPDX-License-Identifier: MIT */
/*
 * A good region with some of its bytes changed, read as the daemon reads it: the
 * file, the directory, a plan, every value, every event.  The input is a list of
 * changes {u8 where, u16 offset, u8 length, bytes}; `where` chooses a part of the
 * region, so that most changes hit something that is looked at.
 *
 * At its end it says how many it has read.  With -runs, memory may not have grown since a tenth of
 * them; a sanitizer, which keeps what is freed, looks for leaks itself.
 */
#define _GNU_SOURCE
#include "daemon/snapshot/plan.h"
#include "shmlib/events.h"
#include "shmlib/guard.h"

#include <engram/engram.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PARTS 6
#define CHANGES_MOST 64

#define GROWTH_MOST 8192 /* kB; the fuzzer's own corpus grows, too */

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KEEPS_FREED true
#endif
#endif
#ifndef KEEPS_FREED
#define KEEPS_FREED false
#endif

static char directory[] = "/dev/shm/engram-fuzz-XXXXXX";
static int dir, file;
static uint64_t part[PARTS];
static struct topology *topology;

/* How many are read and are to be, 0 for as many as there is time for. */
static uint64_t runs, runs_wanted;
static long kilobytes_early;

static long resident_kilobytes(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%*d %ld", &pages) != 1)
        abort();
    fclose(file);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void count_run(void)
{
    if (++runs == runs_wanted / 10)
        kilobytes_early = resident_kilobytes();
}

static void finish(void)
{
    unlinkat(dir, "region", 0);
    rmdir(directory);
    printf("%llu mutated regions read\n", (unsigned long long)runs);
    if (KEEPS_FREED || !kilobytes_early)
        return;
    long kilobytes = resident_kilobytes();
    printf("resident: %ld kB after a tenth of them, %ld kB in the end\n", kilobytes_early,
           kilobytes);
    fflush(stdout);
    if (kilobytes > kilobytes_early + GROWTH_MOST)
        _exit(1);
}

static void record_something(void)
{
    static const double bounds[] = {0.1, 1};
    static const char *const labels[] = {"a", "b", NULL};
    struct engram_spec histogram = {.name = engram_string("x"), .bounds = bounds, .bound_count = 2};
    struct engram_spec coarse = {.name = engram_string("y"), .per_octave = 1};
    struct engram_spec event = {.name = engram_string("e")};
    engram_counter_add(engram_counter_new("c_total", "help", labels), 1);
    engram_gauge_set(engram_gauge_new("g", "", NULL), 1);
    engram_histogram_record(engram_histogram_new("h_seconds", "", NULL), 1);
    engram_histogram_record(engram_histogram_register(&histogram), 1);
    engram_histogram_record(engram_histogram_register(&coarse), 1);
    engram_event_emit(engram_event_register(&event), 1, 2);
}

/* The region under a name of our own, written by this process and never again. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    char command[128];
    for (int i = 1; i < *argc; i++)
        if (strncmp((*argv)[i], "-runs=", 6) == 0)
            runs_wanted = strtoull((*argv)[i] + 6, NULL, 10);
    if (!mkdtemp(directory) || setenv("ENGRAM_DIR", directory, 1) || engram_attach("fuzz"))
        abort();
    record_something();
    const struct engram_region *h = engram_process_state.region;
    const uint64_t parts[PARTS] = {0,
                                   h->heads_offset,
                                   h->blocks_offset,
                                   h->arena_offset,
                                   h->nodes_offset,
                                   offsetof(struct engram_region, cursor)};
    memcpy(part, parts, sizeof part);
    snprintf(command, sizeof command, "mv %s/fuzz.* %s/region", directory, directory);
    if (system(command))
        abort();
    dir = open(directory, O_RDONLY | O_DIRECTORY);
    file = openat(dir, "region", O_RDWR);
    atexit(finish);
    guard_install();
    topology = topology_load("/");
    return 0;
}

struct look {
    const struct plan *plan;
    union word **nodes;
    union word *host;
};

static void read_all(void *argument)
{
    const struct look *look = argument;
    const struct plan_region *region = &look->plan->regions[0];
    const struct engram_region *h = &region->region->reader->header;
    struct gathering gathering = {
        region->region->reader, region->of, topology, ANY_SOCKET, look->nodes, look->host};
    struct drained drained;
    uint64_t cursor = 0;
    gather(&gathering);
    for (uint32_t cpu = 0; region->ring != UINT32_MAX && cpu < h->cpus; cpu++)
        events_drain(region->region->reader, (struct copy){true, cpu}, region->ring, &cursor,
                     &drained);
}

static void look_at(const struct plan *plan)
{
    uint32_t nodes = topology_nodes(topology);
    struct look look = {plan, calloc(nodes, sizeof *look.nodes),
                        calloc(plan->set.words + 1, sizeof *look.host)};
    for (uint32_t i = 0; i < nodes; i++)
        look.nodes[i] = calloc(plan->set.words + 1, sizeof **look.nodes);
    guard_run(read_all, &look);
    for (uint32_t i = 0; i < nodes; i++)
        free(look.nodes[i]);
    free(look.nodes);
    free(look.host);
}

static void read_region(void)
{
    static const struct computed_family *const computed[] = {NULL};
    enum rejection rejection;
    struct reader *reader = reader_open(dir, "region", &rejection);
    if (!reader)
        return;
    struct region *region = region_new(reader);
    struct totals *totals = totals_new(topology_nodes(topology), 0, 0, 0);
    bool alive = true;
    struct plan_input input = {.totals = totals,
                               .regions = &region,
                               .alive = &alive,
                               .region_count = 1,
                               .computed = computed,
                               .nodes = topology_nodes(topology)};
    struct plan *plan = plan_build(&input);
    look_at(plan);
    plan_release(plan);
    totals_release(totals);
    region_release(region);
}

struct change {
    off_t at;
    uint8_t length;
    char before[256];
};

/* Makes one change and remembers what was there; 0 when the input has no more. */
static size_t make_change(const uint8_t *data, size_t size, struct change *change)
{
    if (size < 4 || size - 4 < data[3])
        return 0;
    change->at = (off_t)(part[data[0] % PARTS] + data[1] + 256u * (data[2] % 64));
    change->length = data[3];
    if (pread(file, change->before, change->length, change->at) != change->length ||
        pwrite(file, data + 4, change->length, change->at) != change->length)
        abort();
    return 4 + (size_t)change->length;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct change changes[CHANGES_MOST];
    int count = 0;
    for (size_t used; count < CHANGES_MOST && (used = make_change(data, size, &changes[count]));
         count++) {
        data += used;
        size -= used;
    }
    read_region();
    count_run();
    while (count-- > 0)
        if (pwrite(file, changes[count].before, changes[count].length, changes[count].at) !=
            changes[count].length)
            abort();
    return 0;
}
