/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "fixture.h"
#include "suites.h"

#include "daemon/base/clock.h"
#include "daemon/collect/collector.h"
#include "daemon/exposition/exposition.h"
#include "daemon/snapshot/figures.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char unit_directory[] = "/dev/shm/engram-unit-XXXXXX";
char fixture_directory[64];
int fixture_dir;

static void forget_process(void)
{
    memset(&engram_process_state, 0, sizeof engram_process_state);
}

const char *unit_directory_make(void)
{
    bool made = mkdtemp(unit_directory) && chmod(unit_directory, 0711) == 0; /* some are others */
    return made ? unit_directory : NULL;
}

void unit_template(char path[64])
{
    snprintf(path, 64, "%s/XXXXXX", unit_directory);
}

void fixture_start(void)
{
    unit_template(fixture_directory);
    ck_assert_ptr_nonnull(mkdtemp(fixture_directory));
    fixture_dir = open(fixture_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    setenv("ENGRAM_DIR", fixture_directory, 1);
    unsetenv("ENGRAM_METRICS");
    forget_process();
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *at)
{
    (void)status, (void)type, (void)at;
    return remove(path);
}

void unit_directory_remove(void)
{
    nftw(unit_directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

void remove_tree(const char *path)
{
    ck_assert_int_eq(nftw(path, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
}

int fixture_files(bool remove)
{
    int count = 0;
    DIR *listing = opendir(fixture_directory);
    for (struct dirent *entry; (entry = readdir(listing));)
        if (entry->d_name[0] != '.' && ++count && remove)
            unlinkat(fixture_dir, entry->d_name, 0);
    closedir(listing);
    return count;
}

const char *fixture_name(const char *process)
{
    static char name[256];
    size_t length = strlen(process);
    DIR *listing = opendir(fixture_directory);
    name[0] = 0;
    for (struct dirent *entry; (entry = readdir(listing));)
        if (strncmp(entry->d_name, process, length) == 0 && entry->d_name[length] == '.')
            snprintf(name, sizeof name, "%s", entry->d_name);
    closedir(listing);
    ck_assert(*name);
    return name;
}

void fixture_stop(void)
{
    close(fixture_dir);
    remove_tree(fixture_directory);
    fixture_clock(0);
}

struct engram_region *fixture_process(const char *name)
{
    forget_process();
    ck_assert_msg(engram_attach(name) == 0, "%s", engram_reason());
    return engram_process_state.region;
}

struct engram_region *fixture_machine(const char *name, uint32_t cpus, uint32_t nodes)
{
    struct engram_region plan;
    forget_process();
    int fd = engram_open_anonymous(fixture_directory);
    ck_assert_int_ge(fd, 0);
    engram_plan(&plan, name);
    engram_lay_out(&plan, cpus, nodes);
    plan.plain_cpus = engram_plain_cpus(&plan);
    struct engram_region *region = engram_region_make(fd, &plan);
    ck_assert_msg(region && engram_install(fd, fixture_directory, "/", region) == 0, "%s",
                  engram_reason());
    close(fd);
    return region;
}

void fixture_end(struct engram_region *region)
{
    if (engram_process_state.region == region)
        forget_process();
    ck_assert_int_eq(munmap(region, region->size), 0);
}

uint32_t fixture_slot(struct engram_slot at)
{
    return engram_slot_offset(engram_region_of(at), at);
}

void fixture_add(engram_counter counter, uint32_t cpu, uint64_t amount)
{
    struct engram_region *region = engram_region_of(counter.at);
    uint32_t chunk = fixture_slot(counter.at) >> ENGRAM_CHUNK_SHIFT;
    ck_assert(engram_reserve_block(region, chunk, cpu, 0));
    uint64_t *slot =
        engram_at(region, *engram_block(region, chunk, cpu) + fixture_slot(counter.at));
    __atomic_fetch_add(slot, amount, __ATOMIC_RELAXED);
}

static int captured_in = -1, real_stderr;

void log_capture(void)
{
    captured_in = memfd_create("log", MFD_CLOEXEC);
    real_stderr = dup(STDERR_FILENO);
    ck_assert_int_ge(dup2(captured_in, STDERR_FILENO), 0);
}

const char *log_captured(void)
{
    static char text[65536];
    ssize_t length = pread(captured_in, text, sizeof text - 1, 0);
    ck_assert(length >= 0 && (size_t)length < sizeof text - 1);
    text[length] = 0;
    return text;
}

void log_release(bool pass_on)
{
    dup2(real_stderr, STDERR_FILENO);
    close(real_stderr);
    if (pass_on)
        fputs(log_captured(), stderr);
    close(captured_in);
}

/*
 * These stand in for daemon/base/clock.c: the linker takes what a program brings itself before it
 * looks into libdaemon.a.
 */
static _Atomic uint64_t stopped_at;

void fixture_clock(uint64_t ns)
{
    atomic_store(&stopped_at, ns);
}

static uint64_t real_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

uint64_t clock_monotonic(void)
{
    uint64_t stopped = atomic_load(&stopped_at);
    return stopped ? stopped : real_clock();
}

/* Of a machine whose counter goes at 3 GHz. */
uint64_t clock_cycles(void)
{
    return 3 * clock_monotonic();
}

/* By the real clock, so that a thread which ticks does not spin while the other stands. */
void clock_sleep_until_multiple(uint64_t period)
{
    uint64_t left = period - real_clock() % period;
    struct timespec pause = {(time_t)(left / 1000000000), (long)(left % 1000000000)};
    nanosleep(&pause, NULL);
}

static void compute_nothing(void *argument, const struct plan *plan,
                            const struct snapshot *snapshot, union word *row)
{
    (void)argument, (void)plan, (void)snapshot, (void)row;
}

void pipeline_start(struct pipeline *pipeline, const char *machine, snapshot_compute *compute,
                    void *argument)
{
    *pipeline = (struct pipeline){0};
    snapshot_thread_start();
    setenv("HWLOC_SYNTHETIC", machine, 1);
    pipeline->topology = topology_load("/");
    ck_assert_ptr_nonnull(pipeline->topology);
    pipeline->self = self_new(topology_sockets(pipeline->topology), "0", "r");
    pipeline->pace = pace_new(5, 1);
    pipeline->store =
        snapshot_store_new(pipeline->topology, compute ? compute : compute_nothing, argument);
    pipeline->totals = totals_new(topology_nodes(pipeline->topology), 0, 0, 0);
    ck_assert(pipeline->self && pipeline->pace && pipeline->store && pipeline->totals);
    pipeline->found.totals = pipeline->totals;
    pipeline->found.series_limit = UINT32_MAX;
    pipeline->found.cpus = ENGRAM_CPUS_MAX;
}

void fill_figures(void *figures, const struct plan *plan, const struct snapshot *snapshot,
                  union word *row)
{
    (void)snapshot;
    figures_fill(figures, plan, row);
}

void pipeline_stop(struct pipeline *pipeline)
{
    found_free(&pipeline->found);
    totals_release(pipeline->totals);
    snapshot_store_free(pipeline->store);
    self_free(pipeline->self);
    pace_free(pipeline->pace);
    topology_free(pipeline->topology);
    unsetenv("HWLOC_SYNTHETIC");
    snapshot_thread_stop();
}

static void sweep(struct pipeline *pipeline)
{
    DIR *listing = opendir(fixture_directory);
    found_sweep_start(&pipeline->found);
    for (struct dirent *entry; (entry = readdir(listing));)
        if (entry->d_name[0] != '.')
            found_look(&pipeline->found, fixture_directory, fixture_dir, entry->d_name);
    closedir(listing);
    found_sweep_end(&pipeline->found, pipeline->self);
}

struct plan *pipeline_plan(struct pipeline *pipeline, const struct computed_family *const *computed)
{
    struct plan_input input;
    do /* on a slow machine there is no time for all files at once */
        sweep(pipeline);
    while (pipeline->found.left);
    found_refresh(&pipeline->found, true, pipeline->self);
    ck_assert(found_input(&pipeline->found, &input));
    input.totals = (struct totals *)(uintptr_t)pipeline->found.totals;
    input.computed = computed;
    input.nodes = topology_nodes(pipeline->topology);
    struct plan *plan = plan_build(&input);
    ck_assert_ptr_nonnull(plan);
    return plan;
}

void pipeline_collect(struct pipeline *pipeline, const struct computed_family *const *computed)
{
    if (computed)
        snapshot_publish_plan(pipeline->store, pipeline_plan(pipeline, computed));
    collect_once(pipeline->store, pipeline->topology, pipeline->self);
}

const char *shown(struct snapshot_store *store, const char *prefix)
{
    static char lines[65536];
    struct buffer text = {0};
    size_t used = 0;
    const struct snapshot *snapshot = snapshot_begin(store);
    if (snapshot)
        ck_assert(exposition_render(&text, snapshot, EXPOSITION_TEXT));
    snapshot_end();
    buffer_append_char(&text, 0);
    for (char *line = text.data, *end; (end = strchr(line, '\n')); line = end + 1) {
        size_t length = (size_t)(end - line) + 1;
        if (strncmp(line, prefix, strlen(prefix)) != 0)
            continue;
        ck_assert_uint_lt(used + length, sizeof lines);
        memcpy(lines + used, line, length);
        used += length;
    }
    lines[used] = 0;
    buffer_free(&text);
    return lines;
}

double shown_value(struct snapshot_store *store, const char *prefix)
{
    const char *line = shown(store, prefix);
    if (!*line)
        return NAN;
    ck_assert_ptr_eq(strchr(line, '\n'), strrchr(line, '\n'));
    return strtod(strrchr(line, ' '), NULL);
}
