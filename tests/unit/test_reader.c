/* SPDX-License-Identifier: MIT */
/* The reader against regions that are not what they should be. */
#define _GNU_SOURCE
#include "fixture.h"
#include "suites.h"

#include "shmlib/claims.h"
#include "shmlib/guard.h"
#include "shmlib/reader.h"
#include "shmlib/record.h"
#include "shmlib/sum.h"

#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char name[256];

/* A real region of this (forked) process, with one series of each kind. */
static void make_region(void)
{
    static const double bounds[] = {-1, 0, 1};
    struct engram_spec histogram = {.name = {"h", 1}, .bounds = bounds, .bound_count = 3};
    struct engram_spec event = {.name = {"e", 1}};
    fixture_start();
    fixture_process("reader-test");
    engram_counter_add(engram_counter_new("c_total", "help", NULL), 7);
    engram_gauge_set(engram_gauge_new("g", "help", NULL), 2.5);
    engram_histogram_record(engram_histogram_register(&histogram), 0.5);
    engram_event_emit(engram_event_register(&event), 1, 2);
    snprintf(name, sizeof name, "%s", fixture_name("reader-test"));
}

static enum rejection open_result(void)
{
    enum rejection rejection;
    struct reader *reader = reader_open(fixture_dir, name, &rejection);
    if (reader)
        reader_close(reader);
    return rejection;
}

/* Changes bytes of the file, asks the reader, and puts them back. */
static enum rejection with_bytes(size_t offset, const void *bytes, size_t size)
{
    char before[64];
    int fd = openat(fixture_dir, name, O_RDWR);
    ck_assert_int_eq(pread(fd, before, size, (off_t)offset), (ssize_t)size);
    ck_assert_int_eq(pwrite(fd, bytes, size, (off_t)offset), (ssize_t)size);
    enum rejection rejection = open_result();
    ck_assert_int_eq(pwrite(fd, before, size, (off_t)offset), (ssize_t)size);
    close(fd);
    return rejection;
}

#define WITH(field, type, value)                                                                   \
    with_bytes(offsetof(struct engram_region, field), &(type){value}, sizeof(type))

START_TEST(good_region_is_read)
{
    enum rejection rejection;
    struct reader *reader = reader_open(fixture_dir, name, &rejection);
    ck_assert_int_eq(rejection, REJECTION_NONE);
    ck_assert_uint_eq(reader->count, 4 + 6); /* and the header's own */
    ck_assert_str_eq(reader->header.process, "reader-test");
    ck_assert(reader_alive(reader));
    reader_close(reader);
}
END_TEST

START_TEST(bad_headers_are_refused)
{
    ck_assert_int_eq(open_result(), REJECTION_NONE);
    ck_assert_int_eq(WITH(magic, uint64_t, 1), REJECTION_MAGIC);
    ck_assert_int_eq(WITH(magic, uint64_t, __builtin_bswap64(ENGRAM_MAGIC)), REJECTION_ENDIAN);
    ck_assert_int_eq(WITH(endian, uint32_t, 0x04030201), REJECTION_ENDIAN);
    ck_assert_int_eq(WITH(major, uint16_t, ENGRAM_ABI_MAJOR + 1), REJECTION_VERSION);
    ck_assert_int_eq(WITH(size, uint64_t, UINT64_MAX), REJECTION_LAYOUT);
    ck_assert_int_eq(WITH(cpus, uint32_t, 0), REJECTION_LAYOUT);
    ck_assert_int_eq(WITH(cpus, uint32_t, ENGRAM_CPUS_MAX), REJECTION_LAYOUT);
    ck_assert_int_eq(WITH(chunks, uint32_t, UINT32_MAX), REJECTION_LAYOUT);
    ck_assert_int_eq(WITH(nodes, uint32_t, 65), REJECTION_LAYOUT);
    ck_assert_int_eq(WITH(heads, uint32_t, 1), REJECTION_LAYOUT);
    ck_assert_int_eq(WITH(heads_offset, uint64_t, 0), REJECTION_LAYOUT);
    ck_assert_int_eq(WITH(blocks_offset, uint64_t, UINT64_MAX - 63), REJECTION_LAYOUT);
    ck_assert_int_eq(WITH(arena_size, uint64_t, UINT64_MAX), REJECTION_LAYOUT);
    ck_assert_int_eq(WITH(copy_size, uint64_t, 0), REJECTION_LAYOUT);
    ck_assert_int_eq(WITH(process_length, uint32_t, 64), REJECTION_LAYOUT);
    ck_assert_int_eq(with_bytes(offsetof(struct engram_region, process), "a\"b", 3),
                     REJECTION_LAYOUT);
    char endless[ENGRAM_PROCESS_MAX + 1];
    memset(endless, 'a', sizeof endless);
    ck_assert_int_eq(with_bytes(offsetof(struct engram_region, process), endless, sizeof endless),
                     REJECTION_LAYOUT);
}
END_TEST

START_TEST(newer_minor_version_is_read)
{
    ck_assert_int_eq(WITH(minor, uint16_t, ENGRAM_ABI_MINOR + 1), REJECTION_NONE);
}
END_TEST

static uint64_t sum_of(const struct reader *reader, const struct record *record)
{
    struct source source = source_of(record->descriptor, 0);
    union word row[8] = {{0}};
    ck_assert_uint_le(sum_words(record->descriptor), 8);
    if (record->descriptor->placement == ENGRAM_SINGLE)
        sum_single(reader, &source, 1, row);
    for (uint32_t node = 0; node < reader->header.nodes; node++)
        if (record->descriptor->placement != ENGRAM_SINGLE)
            sum_node(reader, node, &source, 1, row);
    for (uint32_t cpu = 0; cpu < reader->header.cpus; cpu++)
        if (record->descriptor->placement == ENGRAM_PER_CPU)
            sum_cpu(reader, cpu, &source, 1, row);
    return row[0].count;
}

/* Whoever writes a region may change it behind the reader's back. */
static void spoil(const struct reader *reader)
{
    struct engram_region *region = engram_process_state.region;
    for (uint32_t i = 0; i < reader->count; i++) {
        struct engram_descriptor *d = engram_descriptor_at(region, reader->records[i].offset);
        d->slot = UINT32_MAX;
        d->cells = UINT32_MAX;
        d->name_length = d->labels_length = UINT16_MAX;
        d->kind = 77;
    }
    region->cpus = region->nodes = UINT32_MAX;
    region->nodes_offset = region->cpus_offset = region->copy_size = UINT64_MAX / 2;
    region->arena_offset = region->heads_offset = UINT64_MAX / 2;
}

START_TEST(what_changes_after_it_was_read_does_not_count)
{
    enum rejection rejection;
    struct reader *reader = reader_open(fixture_dir, name, &rejection);
    uint64_t before[4];
    for (uint32_t i = 0; i < 4; i++)
        before[i] = sum_of(reader, &reader->records[i]);
    spoil(reader);
    ck_assert_int_eq(reader_refresh(reader), REJECTION_NONE);
    ck_assert_uint_eq(reader->count, 4 + ENGRAM_OWN_COUNT);
    for (uint32_t i = 0; i < 4; i++)
        ck_assert_uint_eq(sum_of(reader, &reader->records[i]), before[i]);
    reader_close(reader);
}
END_TEST

/* So neither a reader's mistake nor its end can do anything to a process. */
START_TEST(reader_cannot_write)
{
    enum rejection rejection;
    int status;
    struct reader *reader = reader_open(fixture_dir, name, &rejection);
    pid_t child = fork();
    if (child == 0) {
        signal(SIGSEGV, SIG_DFL); /* a sanitizer's would say more than is wanted */
        if (mprotect((void *)(uintptr_t)reader->map, ENGRAM_PAGE, PROT_READ | PROT_WRITE) == 0 ||
            write(reader->fd, "", 1) == 1)
            _exit(1);
        *(volatile char *)(uintptr_t)reader->map = 0;
        _exit(2);
    }
    waitpid(child, &status, 0);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    ck_assert(reader_alive(reader));
    reader_close(reader);
}
END_TEST

START_TEST(what_cannot_be_asked_is_alive)
{
    enum rejection rejection;
    struct reader *reader = reader_open(fixture_dir, name, &rejection);
    int fd = reader->fd;
    reader->fd = -1;
    ck_assert(reader_alive(reader));
    reader->fd = fd;
    reader_close(reader);
}
END_TEST

START_TEST(ten_thousand_openings_leave_nothing)
{
    ck_assert_int_eq(open_result(), REJECTION_NONE);
    int lowest = dup(STDIN_FILENO);
    close(lowest);
    size_t memory = mallinfo2().uordblks;
    for (int i = 0; i < 10000; i++)
        ck_assert_int_eq(open_result(), REJECTION_NONE);
    ck_assert_int_eq(dup(STDIN_FILENO), lowest);
    close(lowest);
    ck_assert_uint_lt(mallinfo2().uordblks, memory + 10000); /* not a byte of each */
}
END_TEST

START_TEST(bad_files_are_refused)
{
    ck_assert_int_eq(fchmodat(fixture_dir, name, 0666, 0), 0);
    ck_assert_int_eq(open_result(), REJECTION_MODE);
    ck_assert_int_eq(fchmodat(fixture_dir, name, 0640, 0), 0);
    snprintf(name, sizeof name, "short");
    close(openat(fixture_dir, name, O_CREAT | O_WRONLY, 0600));
    ck_assert_int_eq(open_result(), REJECTION_SHORT);
    unlinkat(fixture_dir, name, 0);
    ck_assert_int_eq(symlinkat("/etc/passwd", fixture_dir, name), 0);
    ck_assert_int_eq(open_result(), REJECTION_OPEN);
    unlinkat(fixture_dir, name, 0);
    ck_assert_int_eq(mkfifoat(fixture_dir, name, 0600), 0);
    ck_assert_int_eq(open_result(), REJECTION_OPEN);
    unlinkat(fixture_dir, name, 0);
    ck_assert_int_eq(mkdirat(fixture_dir, name, 0700), 0);
    ck_assert_int_eq(open_result(), REJECTION_OPEN);
    unlinkat(fixture_dir, name, AT_REMOVEDIR);
    snprintf(name, sizeof name, "%s", fixture_name("reader-test"));
}
END_TEST

START_TEST(chain_without_end_is_refused)
{
    enum rejection rejection;
    struct reader *reader = reader_open(fixture_dir, name, &rejection);
    const struct record *record = &reader->records[0];
    uint64_t at = reader->header.arena_offset + record->offset;
    /* the descriptor's next is itself */
    ck_assert_int_eq(with_bytes(at, &record->offset, sizeof record->offset), REJECTION_DESCRIPTOR);
    reader_close(reader);
}
END_TEST

/* Whatever a header says is in use, a region costs its reader no more than its arena. */
START_TEST(chain_without_end_costs_little)
{
    enum rejection rejection;
    struct reader *reader = reader_open(fixture_dir, name, &rejection);
    uint32_t offset = reader->records[0].offset, free_head = 0;
    int fd = openat(fixture_dir, name, O_RDWR);
    while (reader->heads[free_head])
        free_head++;
    off_t next = (off_t)(reader->header.arena_offset + offset);
    off_t head = (off_t)(reader->header.heads_offset + free_head * sizeof offset);
    ck_assert_int_eq(pwrite(fd, &offset, sizeof offset, next), sizeof offset);
    ck_assert_int_eq(pwrite(fd, &offset, sizeof offset, head), sizeof offset);
    ck_assert_int_eq(pwrite(fd, &(uint32_t){UINT32_MAX}, sizeof(uint32_t),
                            offsetof(struct engram_region, arena_used)),
                     sizeof(uint32_t));
    close(fd);
    ck_assert_int_eq(reader_refresh(reader), REJECTION_DESCRIPTOR);
    ck_assert_uint_le(reader->bytes, 2 * ENGRAM_ARENA_SIZE);
    reader_close(reader);
}
END_TEST

static bool is_valid_with(struct engram_descriptor *d, uint32_t per_octave, int first)
{
    d->per_octave = per_octave;
    d->first = (int16_t)first;
    return descriptor_valid(d, d->size);
}

START_TEST(exponential_buckets_are_checked)
{
    static const uint32_t bad[] = {0, 3, 33, 64, 0x80000000, 0xffffffe0};
    union {
        struct engram_descriptor descriptor;
        char bytes[ENGRAM_DESCRIPTOR_MAX];
    } room;
    struct engram_descriptor *d = &room.descriptor;
    struct engram_spec spec = {.name = {"fine", 4}, .least = 1, .most = 2, .per_octave = 32};
    struct engram_region *region = engram_process_state.region;
    memcpy(&room, engram_descriptor_at(region, engram_register_in(region, ENGRAM_HISTOGRAM, &spec)),
           sizeof room);
    for (uint32_t n = 1; n <= 32; n *= 2)
        ck_assert(is_valid_with(d, n, 0));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert(!is_valid_with(d, bad[i], 0));
    ck_assert(is_valid_with(d, 32, -1022 * 32));
    ck_assert(!is_valid_with(d, 32, -1022 * 32 - 1));
    ck_assert(is_valid_with(d, 4, 1024 * 4 - 1));
    ck_assert(!is_valid_with(d, 4, 1024 * 4));
    spec = (struct engram_spec){.name = {"explicit", 8}, .bounds = (double[]){1}, .bound_count = 1};
    memcpy(&room, engram_descriptor_at(region, engram_register_in(region, ENGRAM_HISTOGRAM, &spec)),
           sizeof room);
    ck_assert(is_valid_with(d, 0, 0));
    ck_assert(!is_valid_with(d, 8, 0));
}
END_TEST

/* Every bit of every descriptor, flipped: refused, or as harmless as it was. */
START_TEST(flipped_bits_do_no_harm)
{
    enum rejection rejection;
    struct reader *reader = reader_open(fixture_dir, name, &rejection);
    unsigned refused = 0;
    for (uint32_t i = 0; i < reader->count; i++) {
        const struct engram_descriptor *good = reader->records[i].descriptor;
        char *bad = malloc(good->size);
        for (uint32_t bit = 0; bit < good->size * 8; bit++) {
            memcpy(bad, good, good->size);
            bad[bit / 8] = (char)(bad[bit / 8] ^ 1 << bit % 8);
            refused += !descriptor_valid((const void *)bad, good->size) ||
                       !descriptor_placed((const void *)bad, &reader->header);
        }
        ck_assert(descriptor_valid(good, good->size));
        ck_assert(descriptor_placed(good, &reader->header));
        ck_assert(!descriptor_valid(good, good->size - 8));
        free(bad);
    }
    ck_assert_uint_gt(refused, 100);
    reader_close(reader);
}
END_TEST

#ifndef __SANITIZE_THREAD__ /* under it the load that faults is a call into its own runtime */
static void sum_everything(void *argument)
{
    const struct reader *reader = argument;
    struct source source = {.cells = 1, .kind = ENGRAM_COUNTER};
    union word row[2] = {{0}};
    for (uint32_t node = 0; node < reader->header.nodes; node++)
        sum_node(reader, node, &source, 1, row);
}

START_TEST(truncation_is_survived)
{
    enum rejection rejection;
    struct reader *reader = reader_open(fixture_dir, name, &rejection);
    char victim[sizeof fixture_directory + sizeof name + 2];
    snprintf(victim, sizeof victim, "%s/%s", fixture_directory, name);
    guard_install();
    ck_assert(guard_run(sum_everything, reader));
    ck_assert_int_eq(truncate(victim, 100), 0);
    ck_assert(!guard_run(sum_everything, reader));
    ck_assert(!guard_run(sum_everything, reader)); /* and again: the guard is in order */
    ck_assert_int_eq(reader_refresh(reader), REJECTION_TRUNCATED);
    reader_close(reader);
}
END_TEST
#endif

static off_t allocated(void)
{
    struct stat status;
    ck_assert_int_eq(fstatat(fixture_dir, name, &status, 0), 0);
    return status.st_blocks;
}

static void punch(uint64_t offset, uint64_t size)
{
    int fd = openat(fixture_dir, name, O_RDWR);
    ck_assert_int_eq(
        fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)size), 0);
    close(fd);
}

/* To read a hole of a mapping would give it memory, on the reader's account. */
START_TEST(block_without_memory_is_not_touched)
{
    enum rejection rejection;
    struct engram_region *region = engram_process_state.region;
    engram_counter counter = engram_counter_new("c_total", "help", NULL);
    uint32_t chunk = fixture_slot(counter.at) >> ENGRAM_CHUNK_SHIFT, other = region->cpus - 1;
    struct source source = {.slot = fixture_slot(counter.at), .cells = 1, .kind = ENGRAM_COUNTER};
    union word row[2] = {{0}};
    fixture_add(counter, 0, 5);
    struct reader *reader = reader_open(fixture_dir, name, &rejection);
    ck_assert(reader_has_block(reader, chunk, 0));
    punch(region->cpus_offset + other * region->copy_size + chunk * ENGRAM_CHUNK_SIZE,
          ENGRAM_CHUNK_SIZE);
    *engram_block(region, chunk, other) = 1;
    off_t before = allocated();
    ck_assert(!reader_has_block(reader, chunk, other));
    sum_cpu(reader, other, &source, 1, row);
    ck_assert_uint_eq(row[0].count, 0);
    ck_assert_int_eq(allocated(), before);
    ck_assert(reader_has_hole(reader));
    reader_close(reader);
}
END_TEST

START_TEST(holes_are_refused)
{
    struct engram_region *region = engram_process_state.region;
    uint64_t holes[] = {region->nodes_offset + ENGRAM_CHUNK_SIZE - ENGRAM_PAGE,
                        region->blocks_offset};
    ck_assert_int_eq(open_result(), REJECTION_NONE);
    punch(holes[_i], ENGRAM_PAGE);
    off_t before = allocated();
    ck_assert_int_eq(open_result(), REJECTION_HOLE);
    ck_assert_int_eq(allocated(), before);
}
END_TEST

/* A file of holes could take all address space there is. */
START_TEST(gaps_are_refused)
{
    struct engram_region *region = engram_process_state.region, plan = *region;
    int fd = openat(fixture_dir, name, O_RDWR);
    uint64_t far = UINT64_C(1) << 30;
    plan.nodes_offset += far;
    plan.cpus_offset += far;
    plan.size += far;
    ck_assert_int_eq(ftruncate(fd, (off_t)plan.size), 0);
    ck_assert_int_eq(open_result(), REJECTION_NONE); /* a longer file does no harm */
    ck_assert_int_eq(pwrite(fd, &plan, sizeof plan, 0), (ssize_t)sizeof plan);
    ck_assert_int_eq(open_result(), REJECTION_LAYOUT);
    close(fd);
}
END_TEST

/* What was checked for one copy has not been for all of them. */
START_TEST(chunk_keeps_its_placement)
{
    static const char zeros[ENGRAM_CHUNK_SIZE];
    struct engram_region header = {.chunks = 1, .cpus = 1, .nodes = 2, .copy_size = sizeof zeros};
    struct claims *claims = claims_new(&header);
    int fd = memfd_create("claims", MFD_CLOEXEC);
    ck_assert_int_eq(write(fd, zeros, sizeof zeros), sizeof zeros);
    header.placement[0] = ENGRAM_SINGLE;
    ck_assert(claims_chunk(claims, fd, &header, 0));
    ck_assert(claims_chunk(claims, fd, &header, 8));
    header.placement[0] = ENGRAM_SHARED;
    ck_assert(!claims_chunk(claims, fd, &header, 0));
    free(claims);
    close(fd);
}
END_TEST

/* More than a region's budget is too much even where it is there. */
START_TEST(claims_have_an_end)
{
    static const char zeros[ENGRAM_CHUNK_SIZE];
    uint32_t most = ENGRAM_BUDGET_DEFAULT >> ENGRAM_CHUNK_SHIFT;
    struct engram_region header = {.chunks = 1, .cpus = most + 1, .copy_size = sizeof zeros};
    struct claims *claims = claims_new(&header);
    int fd = memfd_create("claims", MFD_CLOEXEC);
    for (uint32_t cpu = 0; cpu <= most; cpu++)
        ck_assert_int_eq(write(fd, zeros, sizeof zeros), sizeof zeros);
    for (uint32_t cpu = 0; cpu < most; cpu++)
        ck_assert(claims_block(claims, fd, &header, 0, cpu));
    ck_assert(claims_block(claims, fd, &header, 0, 0)); /* by two at once */
    ck_assert(!claims_false(claims));
    ck_assert(!claims_block(claims, fd, &header, 0, most));
    ck_assert(claims_false(claims));
    free(claims);
    close(fd);
}
END_TEST

/* Of what is beyond the limits only so much is read as tells that it is too much. */
START_TEST(flood_is_not_read_to_its_end)
{
    enum rejection rejection;
    struct reader_limits limits = {5, UINT64_MAX, ENGRAM_CPUS_MAX};
    for (int i = 0; i < 100; i++) {
        char number[8];
        snprintf(number, sizeof number, "%d", i);
        const char *labels[] = {"i", number, NULL};
        engram_gauge_new("many", "", labels);
    }
    struct reader *reader = reader_open_limited(fixture_dir, name, &limits, &rejection);
    ck_assert_uint_eq(reader->count, 5);
    ck_assert_uint_eq(reader->refused, 6);
    reader_close(reader);
    limits = (struct reader_limits){UINT32_MAX, 1000, ENGRAM_CPUS_MAX};
    reader = reader_open_limited(fixture_dir, name, &limits, &rejection);
    ck_assert_uint_le(reader->memory, 1000);
    ck_assert_uint_gt(reader->count, 1);
    ck_assert_uint_eq(reader->count + reader->refused, 4 + ENGRAM_OWN_COUNT + 100);
    reader_close(reader);
    limits = (struct reader_limits){UINT32_MAX, UINT64_MAX, 0};
    ck_assert_ptr_null(reader_open_limited(fixture_dir, name, &limits, &rejection));
    ck_assert_int_eq(rejection, REJECTION_LAYOUT);
}
END_TEST

Suite *reader_suite(void)
{
    Suite *suite = suite_create("reader");
    TCase *tests = tcase_create("hostile");
    tcase_set_timeout(tests, 20);
    tcase_add_checked_fixture(tests, make_region, fixture_stop);
    tcase_add_test(tests, good_region_is_read);
    tcase_add_test(tests, bad_headers_are_refused);
    tcase_add_test(tests, newer_minor_version_is_read);
    tcase_add_test(tests, what_changes_after_it_was_read_does_not_count);
    tcase_add_test(tests, reader_cannot_write);
    tcase_add_test(tests, what_cannot_be_asked_is_alive);
    tcase_add_test(tests, ten_thousand_openings_leave_nothing);
    tcase_add_test(tests, bad_files_are_refused);
    tcase_add_test(tests, chain_without_end_is_refused);
    tcase_add_test(tests, chain_without_end_costs_little);
    tcase_add_test(tests, exponential_buckets_are_checked);
    tcase_add_test(tests, flipped_bits_do_no_harm);
    tcase_add_test(tests, block_without_memory_is_not_touched);
    tcase_add_loop_test(tests, holes_are_refused, 0, 2);
    tcase_add_test(tests, gaps_are_refused);
    tcase_add_test(tests, chunk_keeps_its_placement);
    tcase_add_test(tests, claims_have_an_end);
    tcase_add_test(tests, flood_is_not_read_to_its_end);
#ifndef __SANITIZE_THREAD__
    tcase_add_test(tests, truncation_is_survived);
#endif
    suite_add_tcase(suite, tests);
    return suite;
}
