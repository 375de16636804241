/* SPDX-License-Identifier: MIT */
/*
 * The layout, held by a file: today's writer still writes it, word by word, and
 * today's reader still reads it.  A change of the layout moves the version, this
 * file's name, engram-region(5) and abi.h together.
 */
#define _GNU_SOURCE
#include "fixture.h"
#include "suites.h"

#include "shmlib/sum.h"

#include <engram/engram.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define GOLDEN "tests/data/region-2.0.txt"

/* A region for two CPUs and one node, with nothing in it that another run would change. */
static struct engram_region *make_region(int fd)
{
    struct engram_region plan;
    memset(&plan, 0, sizeof plan);
    engram_lay_out(&plan, 2, 1);
    memcpy(plan.nonce, "0123456789abcdef", sizeof plan.nonce);
    memcpy(plan.boot_id, "fedcba9876543210", sizeof plan.boot_id);
    plan.pid = 4242;
    plan.pid_namespace = 4026531836;
    plan.start_time = 123456;
    plan.born = UINT64_C(1700000000000000000);
    plan.process_length = 6;
    memcpy(plan.process, "golden", 6);
    plan.plain_cpus = 2;
    struct engram_region *region = engram_region_make(fd, &plan);
    ck_assert_msg(region != NULL, "%s", engram_reason());
    region->on =
        1; /* while the rows' `limit` is 0: recording goes to the node's copy, wherever this runs */
    return region;
}

static struct engram_slot slot_of(struct engram_region *region, enum engram_kind kind,
                                  const struct engram_spec *spec)
{
    uint32_t offset = engram_register_in(region, kind, spec);
    ck_assert_msg(offset != 0, "%s", engram_reason());
    return engram_slot_of(region, engram_descriptor_at(region, offset)->slot);
}

static uint64_t *node_slot(struct engram_slot at)
{
    return engram_node_slot(engram_region_of(at), 0, fixture_slot(at));
}

/* What a restartable sequence on a CPU would leave there. */
static void add_on_cpu(struct engram_slot at, uint32_t cpu, uint64_t amount)
{
    struct engram_region *region = engram_region_of(at);
    uint32_t chunk = fixture_slot(at) >> ENGRAM_CHUNK_SHIFT;
    ck_assert(engram_reserve_block(region, chunk, cpu, 0));
    uint64_t copy = *engram_block(region, chunk, cpu);
    *(uint64_t *)engram_at(region, copy + fixture_slot(at)) += amount;
}

static void fill_region(struct engram_region *region)
{
    static const double bounds[] = {-1, 0.5, 2};
    struct engram_label labels[] = {{{"b", 1}, {"2", 1}}, {{"a", 1}, {"q\"", 2}}};
    struct engram_spec counter = {.name = engram_string("c_total"),
                                  .help = engram_string("Counted."),
                                  .labels = labels,
                                  .label_count = 2};
    struct engram_spec total = {.name = engram_string("set_total"), .absolute = 1};
    struct engram_spec gauge = {
        .name = engram_string("g_bytes"), .unit = engram_string("bytes"), .merge = ENGRAM_MAX};
    struct engram_spec updown = {.name = engram_string("u")};
    struct engram_spec exponential = {.name = engram_string("h_seconds"),
                                      .least = 0.5,
                                      .most = 4,
                                      .shown = bounds + 1,
                                      .shown_count = 2};
    struct engram_spec explicit_bounds = {
        .name = engram_string("x"), .bounds = bounds, .bound_count = 3, .shared = 1};
    struct engram_spec scaled = {
        .name = engram_string("s"), .least = 0.5, .most = 4, .per_octave = 16};
    struct engram_spec event = {.name = engram_string("e")};
    struct engram_slot at = slot_of(region, ENGRAM_COUNTER, &counter);
    add_on_cpu(at, 1, 5);
    engram_slow_add(at.blocks, at.slot, 7, ENGRAM_ABORTED);
    *node_slot(slot_of(region, ENGRAM_COUNTER_SET, &total)) = 11;
    uint64_t *set = node_slot(slot_of(region, ENGRAM_GAUGE, &gauge));
    engram_gauge_set((engram_gauge){{region, set}}, 2.5);
    at = slot_of(region, ENGRAM_UPDOWN, &updown);
    engram_slow_add(at.blocks, at.slot, (uint64_t)-3, ENGRAM_ABORTED);
    at = slot_of(region, ENGRAM_HISTOGRAM, &exponential);
    at.slot += engram_exponential_cell(1.5, -8, 27, 8) * sizeof(struct engram_cell);
    engram_slow_cell(at.blocks, at.slot, 1.5, ENGRAM_ABORTED);
    at = slot_of(region, ENGRAM_HISTOGRAM, &explicit_bounds);
    engram_slow_cell(at.blocks, at.slot, -4, ENGRAM_ABORTED);
    struct engram_event_record record = {
        77, engram_register_in(region, ENGRAM_EVENT, &event), 0, {1, 2}};
    at = slot_of(region, ENGRAM_EVENT, &event);
    engram_slow_event(at.blocks, at.slot, record, ENGRAM_ABORTED);
    at = slot_of(region, ENGRAM_HISTOGRAM, &scaled);
    at.slot += engram_exponential_cell(1.5, -16, 51, 16) * sizeof(struct engram_cell);
    engram_slow_cell(at.blocks, at.slot, 1.5, ENGRAM_ABORTED);
}

/* Every word that is not zero, with its offset: small, and a difference can be read. */
static void dump(int fd, FILE *to)
{
    struct stat status;
    uint64_t words[512];
    fstat(fd, &status);
    fprintf(to, "size %jd\n", (intmax_t)status.st_size);
    for (off_t at = 0; (at = lseek(fd, at, SEEK_DATA)) >= 0; at += (off_t)sizeof words) {
        ck_assert_int_eq(pread(fd, words, sizeof words, at), (ssize_t)sizeof words);
        for (size_t i = 0; i < 512; i++)
            if (words[i])
                fprintf(to, "%08jx %016" PRIx64 "\n", (intmax_t)at + 8 * (intmax_t)i, words[i]);
    }
}

static bool same_text(const char *left, const char *right)
{
    char command[256];
    snprintf(command, sizeof command, "cmp -s %s %s", left, right);
    return system(command) == 0;
}

START_TEST(todays_writer_writes_it)
{
    char path[64];
    unit_template(path);
    int fd = memfd_create("golden", MFD_CLOEXEC);
    FILE *to = fdopen(mkstemp(path), "w");
    fill_region(make_region(fd));
    dump(fd, to);
    fclose(to);
    ck_assert_msg(same_text(GOLDEN, path), "the layout has changed: diff %s %s", GOLDEN, path);
    unlink(path);
}
END_TEST

/* The file that the text describes, in a directory of its own. */
static int undump(char *directory)
{
    FILE *from = fopen(GOLDEN, "r");
    intmax_t size;
    uintmax_t at;
    uint64_t word;
    ck_assert_ptr_nonnull(from);
    ck_assert_ptr_nonnull(mkdtemp(directory));
    int dir = open(directory, O_RDONLY | O_DIRECTORY);
    int fd = openat(dir, "golden", O_CREAT | O_RDWR, 0640);
    ck_assert_int_eq(fscanf(from, "size %jd", &size), 1);
    static const char zeros[ENGRAM_CHUNK_SIZE]; /* what was never written is no memory */
    for (off_t to = 0; to < size; to += (off_t)sizeof zeros)
        ck_assert_int_eq(pwrite(fd, zeros, sizeof zeros, to), sizeof zeros);
    ck_assert_int_eq(ftruncate(fd, (off_t)size), 0);
    while (fscanf(from, "%jx %" SCNx64, &at, &word) == 2)
        ck_assert_int_eq(pwrite(fd, &word, sizeof word, (off_t)at), (ssize_t)sizeof word);
    ck_assert(feof(from));
    fclose(from);
    close(fd);
    return dir;
}

/* The value of a series: its first word, or for a histogram the sum of its values. */
static union word value_of(const struct reader *reader, const char *name)
{
    union word row[64] = {{0}};
    for (uint32_t i = 0; i < reader->count; i++) {
        const struct record *record = &reader->records[i];
        const struct engram_descriptor *d = record->descriptor;
        struct source source = source_of(d, 0);
        if (d->name_length != strlen(name) || memcmp(record_name(record), name, strlen(name)) != 0)
            continue;
        row[0].count = d->kind == ENGRAM_GAUGE ? ENGRAM_GAUGE_UNSET : 0;
        if (d->placement == ENGRAM_SINGLE)
            sum_single(reader, &source, 1, row);
        else
            sum_node(reader, 0, &source, 1, row);
        for (uint32_t cpu = 0; d->placement == ENGRAM_PER_CPU && cpu < 2; cpu++)
            sum_cpu(reader, cpu, &source, 1, row);
        return row[d->kind == ENGRAM_HISTOGRAM ? d->cells : 0];
    }
    ck_abort_msg("no series %s", name);
}

START_TEST(todays_reader_reads_it)
{
    char directory[64];
    enum rejection rejection;
    unit_template(directory);
    int dir = undump(directory);
    struct reader *reader = reader_open(dir, "golden", &rejection);
    unlinkat(dir, "golden", 0);
    close(dir);
    rmdir(directory);
    ck_assert_msg(reader != NULL, "refused: %s", rejection_name(rejection));
    ck_assert_str_eq(reader->header.process, "golden");
    ck_assert_uint_eq(reader->count, 8);
    ck_assert(!reader_alive(reader));
    ck_assert_uint_eq(value_of(reader, "c_total").count, 12);
    ck_assert_uint_eq(value_of(reader, "set_total").count, 11);
    ck_assert_double_eq(value_of(reader, "g_bytes").number, 2.5);
    ck_assert_int_eq((int64_t)value_of(reader, "u").count, -3);
    ck_assert_double_eq(value_of(reader, "h_seconds").number, 1.5);
    ck_assert_double_eq(value_of(reader, "s").number, 1.5);
    ck_assert_double_eq(value_of(reader, "x").number, -4);
    reader_close(reader);
}
END_TEST

Suite *golden_suite(void)
{
    Suite *suite = suite_create("golden");
    TCase *tests = tcase_create("region");
    tcase_add_test(tests, todays_writer_writes_it);
    tcase_add_test(tests, todays_reader_reads_it);
    suite_add_tcase(suite, tests);
    return suite;
}
