/* SPDX-License-Identifier: MIT */
/* The sum of copies against one that is made word by word, on the writer's side of the memory. */
#include "fixture.h"
#include "suites.h"

#include "daemon/regions/gather.h"

#include <stdio.h>
#include <stdlib.h>

#define CPUS 11u /* with the nodes more than are read together, and not twice as many */
#define NODES 2u
#define SERIES_MOST 700
#define ROW 200000u

static uint64_t random_state;
static struct engram_region *region;
static struct reader *reader;
static struct source sources[SERIES_MOST];
static uint32_t source_count;
static union word row[ROW], naive[ROW];

static uint32_t draw(uint32_t below)
{
    random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (uint32_t)(random_state >> 33) % below;
}

static void start(void)
{
    fixture_start();
    region = fixture_machine("p", CPUS, NODES);
}

static void stop(void)
{
    reader_close(reader);
    fixture_stop();
}

static void open_region(void)
{
    enum rejection rejection;
    reader = reader_open(fixture_dir, fixture_name("p"), &rejection);
    ck_assert_ptr_nonnull(reader);
}

/* A counter mostly, so that many are neighbours. */
static void register_one(int number)
{
    static const double bounds[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    char name[32];
    snprintf(name, sizeof name, "s_%d", number);
    struct engram_spec spec = {.name = engram_string(name)};
    uint32_t kind = draw(20);
    if (kind == 0)
        engram_histogram_new(name, "", NULL);
    else if (kind == 1)
        spec.bounds = bounds, spec.bound_count = 1 + draw(12), engram_histogram_register(&spec);
    else if (kind < 5)
        engram_updown_register(&spec);
    else
        engram_counter_register(&spec);
}

static int compare_slots(const void *left, const void *right)
{
    const struct source *a = left, *b = right;
    return (a->slot > b->slot) - (a->slot < b->slot);
}

/* Most of what was registered, in the order of memory; in the row now and then with a gap. */
static void choose_sources(void)
{
    uint32_t at = 0;
    source_count = 0;
    for (uint32_t i = 0; i < reader->count; i++)
        if (reader->records[i].descriptor->placement == ENGRAM_PER_CPU && draw(30))
            sources[source_count++] = source_of(reader->records[i].descriptor, 0);
    qsort(sources, source_count, sizeof sources[0], compare_slots);
    for (uint32_t i = 0; i < source_count; i++) {
        at += draw(30) == 0;
        sources[i].at = at;
        at += sources[i].kind == ENGRAM_HISTOGRAM ? sources[i].cells + SUM_WORDS : 1;
    }
    ck_assert_uint_le(at, ROW);
}

static uint64_t *slot_of(uint32_t chunk, uint32_t copy)
{
    uint64_t start = copy < CPUS ? region->cpus_offset + copy * region->copy_size
                                 : region->nodes_offset + (copy - CPUS) * region->copy_size;
    return engram_at(region, start + chunk * ENGRAM_CHUNK_SIZE);
}

/* Every word of a chunk, for a histogram's sums as well: whole numbers, whose sum is exact. */
static void fill(uint32_t chunk, uint32_t copy)
{
    uint64_t *words = slot_of(chunk, copy);
    for (uint32_t i = 0; i < ENGRAM_CHUNK_SIZE / sizeof *words; i++)
        words[i] = draw(1000000);
    for (uint32_t i = 0; i < source_count; i++)
        for (uint32_t cell = 0;
             sources[i].kind == ENGRAM_HISTOGRAM &&
             sources[i].slot >> ENGRAM_CHUNK_SHIFT == chunk && cell < sources[i].cells;
             cell++) {
            double value = draw(1000000);
            memcpy(&words[sources[i].slot % ENGRAM_CHUNK_SIZE / sizeof *words + 2 * cell + 1],
                   &value, sizeof value);
        }
}

static void fill_all(void)
{
    for (uint32_t chunk = 0; chunk < region->chunks_used; chunk++) {
        for (uint32_t cpu = 0; region->placement[chunk] == ENGRAM_PER_CPU && cpu < CPUS; cpu++)
            if (draw(4) && engram_reserve_block(region, chunk, cpu, 0))
                fill(chunk, cpu);
        for (uint32_t node = 0; region->placement[chunk] != ENGRAM_SINGLE && node < NODES; node++)
            fill(chunk, CPUS + node);
    }
}

static void add_naively(const struct source *source, uint32_t copy)
{
    uint32_t chunk = source->slot >> ENGRAM_CHUNK_SHIFT;
    const uint64_t *words = slot_of(chunk, copy) + source->slot % ENGRAM_CHUNK_SIZE / sizeof *words;
    if (copy < CPUS && !*engram_block(region, chunk, copy))
        return;
    if (source->kind != ENGRAM_HISTOGRAM)
        naive[source->at].count += words[0];
    for (uint32_t i = 0; source->kind == ENGRAM_HISTOGRAM && i < source->cells; i++) {
        double sum;
        memcpy(&sum, &words[2 * i + 1], sizeof sum);
        naive[source->at + i].count += words[2 * i];
        naive[source->at + source->cells].number += sum;
    }
}

static void sum_naively(void)
{
    memset(naive, 0, sizeof naive);
    for (uint32_t i = 0; i < source_count; i++)
        for (uint32_t copy = 0; copy < CPUS + NODES; copy++)
            add_naively(&sources[i], copy);
}

static void sum_all(uint32_t count)
{
    struct copy copies[CPUS + NODES];
    memset(row, 0, sizeof row);
    for (uint32_t i = 0; i < CPUS + NODES; i++)
        copies[i] = (struct copy){i < CPUS, i < CPUS ? i : i - CPUS};
    sum_copies(reader, copies, CPUS + NODES, sources, count, row);
}

/* Chunks are full after a few histograms of 8 KiB, and have ends within. */
START_TEST(sum_is_what_is_there)
{
    random_state = (uint64_t)_i;
    int series = 1 + (int)draw(SERIES_MOST - 1);
    for (int i = 0; i < series; i++)
        register_one(i);
    open_region();
    choose_sources();
    fill_all();
    sum_naively();
    sum_all(source_count);
    ck_assert_mem_eq(row, naive, sizeof row);
    uint32_t joined = sources_join(sources, source_count);
    ck_assert_uint_le(joined, source_count);
    sum_all(joined);
    ck_assert_mem_eq(row, naive, sizeof row);
}
END_TEST

/* More than one chunk of them, in slots and words that follow each other. */
START_TEST(neighbours_are_joined)
{
    const uint32_t in_chunk = ENGRAM_CHUNK_SIZE / sizeof(uint64_t);
    struct source many[3];
    for (uint32_t i = 0; i < 3; i++)
        many[i] = (struct source){.slot = (in_chunk - 2 + i) * (uint32_t)sizeof(uint64_t),
                                  .at = 5 + i,
                                  .cells = 1,
                                  .kind = i ? ENGRAM_COUNTER : ENGRAM_UPDOWN};
    ck_assert_uint_eq(sources_join(many, 3), 2); /* no source has two chunks */
    ck_assert_uint_eq(many[0].cells, 2);
    ck_assert_uint_eq(many[1].at, 7);
    many[1] = many[0];
    many[1].slot += 2 * (uint32_t)sizeof(uint64_t);
    many[1].at += 3;
    ck_assert_uint_eq(sources_join(many, 2), 2); /* a gap in the row */
    ck_assert_uint_eq(sources_join(many, 0), 0);
    open_region();
}
END_TEST

/* More CPUs than are summed at once, on nodes that share no row. */
START_TEST(all_cpus_of_a_node_are_gathered)
{
    const uint32_t cpus = 2 * SUM_COPIES + 44;
    union word rows[2] = {{0}, {0}}, *nodes[2] = {&rows[0], &rows[1]};
    uint64_t expected[2] = {0, 0};
    fixture_end(region);
    fixture_files(true);
    region = fixture_machine("p", cpus, 1);
    engram_counter counter = engram_counter_new("c_total", "", NULL);
    setenv("HWLOC_SYNTHETIC", "package:2 numanode:1 core:145 pu:1", 1);
    struct topology *topology = topology_load("/");
    unsetenv("HWLOC_SYNTHETIC");
    for (uint32_t cpu = 0; cpu < cpus; cpu++) {
        fixture_add(counter, cpu, cpu * cpu);
        expected[topology_node_of_cpu(topology, cpu)] += cpu * cpu;
    }
    open_region();
    struct source source = {.slot = fixture_slot(counter.at), .cells = 1, .kind = ENGRAM_COUNTER};
    const struct sources of[ENGRAM_PER_CPU + 1] = {[ENGRAM_PER_CPU] = {&source, 1}};
    const struct gathering gathering = {reader, of, topology, ANY_SOCKET, nodes, NULL};
    gather(&gathering);
    ck_assert_uint_gt(expected[0], 0);
    ck_assert_uint_eq(rows[0].count, expected[0]);
    ck_assert_uint_eq(rows[1].count, expected[1]);
    topology_free(topology);
}
END_TEST

Suite *sum_suite(void)
{
    Suite *suite = suite_create("sum");
    TCase *tests = tcase_create("copies");
    tcase_set_timeout(tests, 20);
    tcase_add_checked_fixture(tests, start, stop);
    tcase_add_loop_test(tests, sum_is_what_is_there, 0, 40);
    tcase_add_test(tests, neighbours_are_joined);
    tcase_add_test(tests, all_cpus_of_a_node_are_gathered);
    suite_add_tcase(suite, tests);
    return suite;
}
