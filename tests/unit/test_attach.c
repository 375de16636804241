/* SPDX-License-Identifier: MIT */
/* How attaching fails, how a region ends, and that the host program survives both. */
#define _GNU_SOURCE
#include "fixture.h"
#include "suites.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

START_TEST(refused_memory_gives_its_budget_back)
{
    struct engram_region *region = fixture_process("budget");
    engram_counter counter = engram_counter_new("c_total", "", NULL);
    uint32_t chunk = fixture_slot(counter.at) >> ENGRAM_CHUNK_SHIFT;
    uint64_t before = region->reserved_bytes;
    void *block = engram_at(region, region->cpus_offset + (uint64_t)chunk * ENGRAM_CHUNK_SIZE);
    /* No memory can be had where nothing is mapped. */
    ck_assert_int_eq(munmap(block, ENGRAM_CHUNK_SIZE), 0);
    ck_assert(!engram_reserve_block(region, chunk, 0, 0));
    ck_assert_uint_eq(region->reserved_bytes, before);
    ck_assert_uint_eq(*engram_block(region, chunk, 0), 0);
}
END_TEST

START_TEST(refused_memory_is_tried_again)
{
    struct engram_region *region = fixture_process("retry");
    engram_counter counter = engram_counter_new("c_total", "", NULL);
    uint32_t chunk = fixture_slot(counter.at) >> ENGRAM_CHUNK_SHIFT;
    uint64_t budget = region->budget;
    region->budget = region->reserved_bytes;
    ck_assert(!engram_reserve_block(region, chunk, 0, 0));
    region->budget = budget;
    ck_assert(!engram_reserve_block(region, chunk, 0, 0)); /* not at each record */
    region->refused_until = 0;
    ck_assert(engram_reserve_block(region, chunk, 0, 0));
}
END_TEST

/* A file that is made but cannot be given its name: the path is longer than the header takes. */
START_TEST(region_without_a_name_is_not_attached)
{
    char deep[1200], part[201];
    memset(part, 'd', sizeof part - 1);
    part[sizeof part - 1] = 0;
    int used = snprintf(deep, sizeof deep, "%s", fixture_directory);
    for (int i = 0; i < 5; i++) {
        used += snprintf(deep + used, sizeof deep - (size_t)used, "/%s", part);
        ck_assert_int_eq(mkdir(deep, 0700), 0);
    }
    setenv("ENGRAM_DIR", deep, 1);
    ck_assert_int_eq(engram_attach("deep"), -1);
    ck_assert_str_eq(engram_reason(), "the path of the region directory is too long");
    ck_assert_int_eq(engram_attach("deep"), -1); /* still not */
    engram_counter_add(engram_counter_new("c_total", "", NULL), 1);
    for (int i = 0; i < 5; i++) {
        rmdir(deep);
        *strrchr(deep, '/') = 0;
    }
}
END_TEST

START_TEST(limit_on_file_sizes_is_no_signal)
{
    struct rlimit small = {1 << 20, RLIM_INFINITY};
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    ck_assert_int_eq(engram_attach("small"), -1);
    ck_assert_ptr_nonnull(strstr(engram_reason(), "ulimit -f"));
}
END_TEST

START_TEST(attaching_again_after_detach_says_why_not)
{
    fixture_process("gone");
    engram_detach();
    engram_detach();
    ck_assert_int_eq(engram_attach("gone"), -1);
    ck_assert_str_eq(engram_reason(), "detached");
}
END_TEST

START_TEST(later_try_is_by_the_name_that_was_wanted)
{
    setenv("ENGRAM_DIR", "/nonexistent", 1);
    ck_assert_int_eq(engram_attach("mine"), -1);
    setenv("ENGRAM_DIR", fixture_directory, 1);
    ck_assert_ptr_nonnull(engram_counter_new("c_total", "", NULL).at.slot);
    ck_assert_str_eq(engram_process_state.region->process, "mine");
}
END_TEST

START_TEST(nothing_attaches_in_place_of_an_invalid_name)
{
    ck_assert_int_eq(engram_attach("bad name"), -1);
    ck_assert_ptr_null(engram_counter_new("c_total", "", NULL).at.slot);
    ck_assert_int_eq(fixture_files(false), 0);
    ck_assert_int_eq(engram_attach("good"), 0);
}
END_TEST

/* Cut, it could be another's. */
START_TEST(long_process_name_is_refused)
{
    char name[ENGRAM_PROCESS_MAX + 2], *own = program_invocation_short_name;
    memset(name, 'a', sizeof name);
    name[ENGRAM_PROCESS_MAX + 1] = 0;
    ck_assert_int_eq(engram_attach(name), -1);
    ck_assert_ptr_nonnull(strstr(engram_reason(), "1 to 63"));
    memset(&engram_process_state, 0, sizeof engram_process_state);
    program_invocation_short_name = name;
    ck_assert_int_eq(engram_attach(NULL), -1);
    ck_assert_ptr_nonnull(strstr(engram_reason(), "1 to 63"));
    program_invocation_short_name = own;
    ck_assert_int_eq(fixture_files(false), 0);
    name[ENGRAM_PROCESS_MAX] = 0;
    ck_assert_int_eq(engram_attach(name), 0);
    ck_assert_str_eq(engram_process_state.region->process, name);
}
END_TEST

static uint32_t possible_in(const char *list)
{
    char path[80];
    snprintf(path, sizeof path, "%s/.possible", fixture_directory);
    FILE *file = fopen(path, "w");
    fputs(list, file);
    fclose(file);
    return engram_possible(path, 7, 100);
}

/* Not by how many there are, or are online. */
START_TEST(sized_by_the_highest_possible_number)
{
    ck_assert_uint_eq(possible_in("0\n"), 1);
    ck_assert_uint_eq(possible_in("0-3\n"), 4);
    ck_assert_uint_eq(possible_in("1,5\n"), 6);
    ck_assert_uint_eq(possible_in("0-3,8-15\n"), 16);
    ck_assert_uint_eq(possible_in("0-1023\n"), 100);
    ck_assert_uint_eq(possible_in(""), 7);
    ck_assert_uint_eq(fixture_process("p")->cpus,
                      engram_possible("/sys/devices/system/cpu/possible", 1, ENGRAM_CPUS_MAX));
}
END_TEST

START_TEST(label_without_a_value_is_refused)
{
    static const char *const odd[] = {"a", "1", "b", NULL};
    fixture_process("odd");
    ck_assert_ptr_null(engram_counter_new("c_total", "", odd).at.slot);
}
END_TEST

/* What a thread that registers may see when another one detaches right then. */
START_TEST(histogram_of_zeros_is_none)
{
    struct engram_descriptor buried;
    memset(&buried, 0, sizeof buried);
    fixture_process("p");
    engram_histogram real = engram_histogram_new("h", "", NULL);
    ck_assert_ptr_nonnull(real.at.slot);
    ck_assert_ptr_null(engram_histogram_found(real.at, &buried).at.slot);
}
END_TEST

#ifndef __SANITIZE_THREAD__ /* to which memory that is replaced under others is a race, as it is   \
                             */
static atomic_bool stop;

/* Registers and records until told to stop: two threads new series, two of them known ones, which
 * takes no memory and so is mostly spent where the region is read. */
static void *register_and_record(void *argument)
{
    const char *thread = argument;
    int series = thread[0] < 'c' ? 5000 : 5;
    for (int i = 0; !atomic_load(&stop); i++) {
        char value[16];
        snprintf(value, sizeof value, "%d", i % series);
        const char *labels[] = {"thread", thread, "i", value, NULL};
        engram_counter_add(engram_counter_new("late_total", "", labels), 1);
        engram_histogram_record(engram_histogram_new("late_seconds", "", labels), 1);
    }
    return NULL;
}

/* What is left in the file must be as whole as before: the reader takes it. */
START_TEST(detaching_under_others_is_harmless)
{
    char *names[] = {"a", "b", "c", "d"};
    pthread_t threads[4];
    enum rejection rejection;
    fixture_process("busy");
    atomic_store(&stop, false);
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, register_and_record, names[i]);
    usleep(300 + 20 * (unsigned)_i);
    engram_detach();
    usleep(1000);
    atomic_store(&stop, true);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    struct reader *reader = reader_open(fixture_dir, fixture_name("busy"), &rejection);
    ck_assert_msg(reader != NULL, "%s", rejection_name(rejection));
    ck_assert(!reader_alive(reader));
    reader_close(reader);
}
END_TEST
#endif

/* A file as an ended process leaves it, by its name and size; the larger the number, the older. */
static void leave(const char *process, unsigned number, off_t size)
{
    char name[64];
    snprintf(name, sizeof name, "%s.%032x", process, number);
    int fd = openat(fixture_dir, name, O_CREAT | O_WRONLY, 0640);
    ck_assert_int_eq(size ? posix_fallocate(fd, 0, size) : 0, 0);
    close(fd);
}

static bool is_left(const char *process, unsigned number)
{
    char name[64];
    snprintf(name, sizeof name, "%s.%032x", process, number);
    return faccessat(fixture_dir, name, F_OK, 0) == 0;
}

/* Where nobody folds, the oldest that a user left goes, and nothing else. */
START_TEST(leftovers_have_an_end)
{
    struct engram_region *alive = fixture_process("alive");
    leave("other", 0, 0);
    ck_assert_int_eq(
        fchownat(fixture_dir, "other.00000000000000000000000000000000", 65534, (gid_t)-1, 0),
        geteuid() ? -1 : 0);
    leave("first", 0, 0);
    usleep(20000); /* files have a coarse clock */
    for (unsigned i = 0; i < ENGRAM_LEFT_FILES; i++)
        leave("left", i, 0);
    close(openat(fixture_dir, "foreign", O_CREAT | O_WRONLY, 0640));
    fixture_process("new");
    ck_assert(!is_left("first", 0));
    ck_assert(geteuid() || is_left("other", 0));
    ck_assert_int_eq(faccessat(fixture_dir, "foreign", F_OK, 0), 0);
    ck_assert_str_ne(fixture_name("alive"), "");
    int count = fixture_files(false);
    ck_assert_int_eq(count, (int)ENGRAM_LEFT_FILES + 4 - (geteuid() != 0));
    fixture_process("newer");
    ck_assert_int_eq(fixture_files(false), count + 1); /* no more than is needed */
    fixture_end(alive);
}
END_TEST

static void leave_too_many(void)
{
    for (unsigned i = 0; i <= ENGRAM_LEFT_FILES; i++)
        leave("left", i, 0);
}

/* What somebody planted under names like ours is no region: it holds nobody up, and what it points
 * to stays. */
START_TEST(planted_things_are_no_leftovers)
{
    leave("target", 0, 0);
    ck_assert_int_eq(
        renameat(fixture_dir, "target.00000000000000000000000000000000", fixture_dir, ".target"),
        0);
    ck_assert_int_eq(symlinkat(".target", fixture_dir, "link.00000000000000000000000000000000"), 0);
    ck_assert_int_eq(mkfifoat(fixture_dir, "fifo.00000000000000000000000000000000", 0600), 0);
    ck_assert_int_eq(mkdirat(fixture_dir, "folder.00000000000000000000000000000000", 0700), 0);
    usleep(20000);
    leave_too_many();
    fixture_process("new");
    struct stat status;
    ck_assert_int_eq(
        fstatat(fixture_dir, "link.00000000000000000000000000000000", &status, AT_SYMLINK_NOFOLLOW),
        0);
    ck_assert(is_left("fifo", 0) && is_left("folder", 0));
    ck_assert_int_eq(faccessat(fixture_dir, ".target", F_OK, 0), 0);
    ck_assert_int_lt(fixture_files(false), (int)ENGRAM_LEFT_FILES + 5); /* but the true ones go */
}
END_TEST

/* Without a descriptor nobody can be asked whether it lives. */
START_TEST(leftover_that_cannot_be_asked_stays)
{
    struct rlimit before, few;
    leave_too_many();
    getrlimit(RLIMIT_NOFILE, &before);
    few = before;
    int lowest = dup(STDIN_FILENO);
    close(lowest);
    few.rlim_cur = (rlim_t)lowest + 1; /* which the directory takes */
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    engram_remove_leftovers(fixture_directory, "/");
    setrlimit(RLIMIT_NOFILE, &before);
    ck_assert_int_eq(fixture_files(false), (int)ENGRAM_LEFT_FILES + 1);
    engram_remove_leftovers(fixture_directory, "/");
    ck_assert_int_eq(fixture_files(false), (int)ENGRAM_LEFT_FILES);
}
END_TEST

START_TEST(leftovers_are_weighed)
{
    leave("left", 3, ENGRAM_LEFT_BYTES / 2);
    usleep(20000);
    leave("left", 2, ENGRAM_LEFT_BYTES / 4);
    usleep(20000);
    leave("left", 1, ENGRAM_LEFT_BYTES / 4 - (1 << 20));
    fixture_process("enough");
    ck_assert(is_left("left", 3));
    leave("left", 0, 2 << 20);
    fixture_process("new");
    ck_assert(!is_left("left", 3));
    ck_assert(is_left("left", 2));
}
END_TEST

Suite *attach_suite(void)
{
    Suite *suite = suite_create("attach");
    TCase *tests = tcase_create("ends");
    tcase_add_checked_fixture(tests, fixture_start, fixture_stop);
    tcase_add_test(tests, refused_memory_gives_its_budget_back);
    tcase_add_test(tests, refused_memory_is_tried_again);
    tcase_add_test(tests, region_without_a_name_is_not_attached);
    tcase_add_test(tests, limit_on_file_sizes_is_no_signal);
    tcase_add_test(tests, attaching_again_after_detach_says_why_not);
    tcase_add_test(tests, later_try_is_by_the_name_that_was_wanted);
    tcase_add_test(tests, nothing_attaches_in_place_of_an_invalid_name);
    tcase_add_test(tests, leftovers_have_an_end);
    tcase_add_test(tests, leftovers_are_weighed);
    tcase_add_test(tests, planted_things_are_no_leftovers);
    tcase_add_test(tests, leftover_that_cannot_be_asked_stays);
    tcase_add_test(tests, long_process_name_is_refused);
    tcase_add_test(tests, sized_by_the_highest_possible_number);
    tcase_add_test(tests, label_without_a_value_is_refused);
    tcase_add_test(tests, histogram_of_zeros_is_none);
#ifndef __SANITIZE_THREAD__
    tcase_add_loop_test(tests, detaching_under_others_is_harmless, 0, 100);
#endif
    suite_add_tcase(suite, tests);
    return suite;
}
