/* SPDX-License-Identifier: MIT */
/* What lies in a region directory, and what becomes of it. */
#define _GNU_SOURCE
#include "fixture.h"
#include "suites.h"

#include "daemon/collect/collector.h"
#include "daemon/collect/discovery.h"
#include "shmlib/guard.h"

#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct pipeline pipeline;
static struct discovery *discovery;
static struct continuity *continuity;
static const char *directories[3];

static void compute_self(void *argument, const struct plan *plan, const struct snapshot *snapshot,
                         union word *row)
{
    (void)argument, (void)snapshot;
    self_fill(pipeline.self, plan, row);
}

static void start_in(const char *first, const char *second, bool flat)
{
    directories[0] = first;
    directories[1] = second;
    struct continuity_options none = {
        .state_dir = "/nonexistent", .topology = pipeline.topology, .self = pipeline.self};
    continuity = continuity_new(&none);
    ck_assert_ptr_nonnull(continuity);
    struct discovery_options options = {.store = pipeline.store,
                                        .topology = pipeline.topology,
                                        .self = pipeline.self,
                                        .continuity = continuity,
                                        .directories = directories,
                                        .flat = flat,
                                        .pace = pipeline.pace,
                                        .series_limit = 100,
                                        .computed = self_families(pipeline.self)};
    discovery = discovery_new(&options);
    ck_assert_ptr_nonnull(discovery);
}

static void end(void)
{
    discovery_free(discovery);
    continuity_free(continuity);
}

static void start(void)
{
    fixture_start();
    guard_install();
    log_capture();
    pipeline_start(&pipeline, ONE_NODE, compute_self, NULL);
    start_in(fixture_directory, NULL, false);
}

static void stop(void)
{
    end();
    pipeline_stop(&pipeline);
    log_release(true);
    fixture_stop();
}

static void scan(void)
{
    discovery_scan(discovery);
    pipeline_collect(&pipeline, NULL);
}

static double value(const char *prefix)
{
    return shown_value(pipeline.store, prefix);
}

static double served(const char *process)
{
    char prefix[128];
    snprintf(prefix, sizeof prefix, "c_total{process=\"%s\",numa_node=\"0\"}", process);
    return value(prefix);
}

static int logged(const char *text)
{
    int count = 0;
    for (const char *at = log_captured(); (at = strstr(at, text)); at++)
        count++;
    return count;
}

static struct engram_region *process_with(const char *name, uint64_t amount)
{
    struct engram_region *region = fixture_process(name);
    engram_counter_add(engram_counter_new("c_total", "", NULL), amount);
    return region;
}

static int new_file(const char *name, mode_t mode)
{
    int fd = openat(fixture_dir, name, O_CREAT | O_RDWR | O_EXCL | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fchmod(fd, mode), 0);
    return fd;
}

/* A copy of what comes before the arena of process "good", with some bytes of it changed: a region
 * without series. */
static void put_header(const char *name, size_t offset, const void *bytes, size_t size)
{
    static char head[8 * ENGRAM_PAGE];
    int from = openat(fixture_dir, fixture_name("good"), O_RDONLY), to = new_file(name, 0640);
    size_t length = engram_process_state.region->arena_offset;
    ck_assert_uint_le(length, sizeof head);
    ck_assert_int_eq(pread(from, head, length, 0), (ssize_t)length);
    memset(head + ENGRAM_PAGE, 0, length - ENGRAM_PAGE);
    memcpy(head + offset, bytes, size);
    ck_assert_int_eq(pwrite(to, head, length, 0), (ssize_t)length);
    ck_assert_int_eq(ftruncate(to, lseek(from, 0, SEEK_END)), 0);
    close(from);
    close(to);
}

#define PUT_HEADER(name, field, value)                                                             \
    put_header(name, offsetof(struct engram_region, field),                                        \
               &(__typeof__(((struct engram_region *)0)->field)){value},                           \
               sizeof((struct engram_region *)0)->field)

static void put_empty(const char *name)
{
    close(new_file(name, 0640));
}

static void put_header_only(const char *name)
{
    PUT_HEADER(name, pid, 1);
    int fd = openat(fixture_dir, name, O_RDWR);
    ck_assert_int_eq(ftruncate(fd, ENGRAM_PAGE), 0);
    close(fd);
}

static void put_nonsense(const char *name)
{
    PUT_HEADER(name, magic, 1);
}

static void put_version(const char *name)
{
    PUT_HEADER(name, major, ENGRAM_ABI_MAJOR + 1);
}

static void put_endian(const char *name)
{
    PUT_HEADER(name, endian, 0x04030201);
}

static void put_layout(const char *name)
{
    PUT_HEADER(name, cpus, 0);
}

static void put_descriptor(const char *name)
{
    uint32_t head = 4; /* a chain that starts outside of the arena's grid */
    put_header(name, 0, &(uint64_t){ENGRAM_MAGIC}, sizeof(uint64_t));
    int fd = openat(fixture_dir, name, O_RDWR);
    ck_assert_int_eq(pwrite(fd, &head, sizeof head, ENGRAM_PAGE), sizeof head);
    close(fd);
}

static void put_foreign_mode(const char *name)
{
    close(new_file(name, 0666));
}

static void put_fifo(const char *name)
{
    ck_assert_int_eq(mkfifoat(fixture_dir, name, 0600), 0);
}

static void put_folder(const char *name)
{
    ck_assert_int_eq(mkdirat(fixture_dir, name, 0700), 0);
}

/* Of a good region, which would be served twice. */
static void put_link(const char *name)
{
    ck_assert_int_eq(symlinkat(fixture_name("good"), fixture_dir, name), 0);
}

static const struct {
    void (*put)(const char *name);
    const char *reason;
} bad[] = {{put_empty, "short"},           {put_header_only, "short"}, {put_nonsense, "magic"},
           {put_version, "version"},       {put_endian, "endian"},     {put_layout, "layout"},
           {put_descriptor, "descriptor"}, {put_foreign_mode, "mode"}, {put_fifo, "open"},
           {put_folder, "open"},           {put_link, "open"}};

START_TEST(bad_file_is_quarantined_once)
{
    char text[128];
    process_with("good", 5);
    bad[_i].put("planted.1");
    for (int i = 0; i < 3; i++) {
        scan();
        ck_assert_double_eq(served("good"), 5);
        ck_assert_double_eq(value("engramd_regions{state=\"alive\"}"), 1);
        ck_assert_double_eq(value("engramd_regions{state=\"quarantined\"}"), 1);
        snprintf(text, sizeof text, "engramd_region_rejected_total{reason=\"%s\"}", bad[_i].reason);
        ck_assert_double_eq(value(text), 1);
        snprintf(text, sizeof text, "file=planted.1 reason=%s owner=%u advice=", bad[_i].reason,
                 geteuid());
        ck_assert_int_eq(logged(text), 1);
        ck_assert_int_eq(logged("region is not served"), 1);
    }
    ck_assert_int_eq(fixture_files(false), 2); /* nothing is removed by the daemon */
    if (unlinkat(fixture_dir, "planted.1", 0))
        unlinkat(fixture_dir, "planted.1", AT_REMOVEDIR);
    scan();
    ck_assert_double_eq(value("engramd_regions{state=\"quarantined\"}"), 0);
    ck_assert_double_eq(served("good"), 5);
}
END_TEST

START_TEST(hidden_files_and_the_marker_are_no_regions)
{
    put_empty(".hidden");
    put_empty(ENGRAM_OFF_NAME);
    scan();
    ck_assert_int_eq(logged("not served"), 0);
    ck_assert_double_eq(value("engramd_regions{state=\"quarantined\"}"), 0);
    unlinkat(fixture_dir, ".hidden", 0);
}
END_TEST

START_TEST(short_file_may_become_a_region)
{
    process_with("good", 5);
    put_header_only("other.1");
    scan();
    ck_assert_double_eq(value("engramd_regions{state=\"quarantined\"}"), 1);
    ck_assert_int_eq(unlinkat(fixture_dir, "other.1", 0), 0);
    PUT_HEADER("other.1", nonce[0], 1); /* a copy with the same one would be no other */
    scan();
    ck_assert_double_eq(value("engramd_regions{state=\"quarantined\"}"), 0);
    ck_assert_double_eq(value("engramd_regions{state=\"dead\"}"), 1); /* nobody maps the copy */
}
END_TEST

/* The first to come are served, the rest is counted and said once. */
START_TEST(too_many_series_are_left_out)
{
    process_with("good", 5);
    for (int i = 0; i < 150; i++) {
        char number[8];
        snprintf(number, sizeof number, "%d", i);
        const char *labels[] = {"i", number, NULL};
        engram_counter_new("many_total", "", labels);
    }
    scan();
    scan();
    double refused = value("engramd_series_refused");
    ck_assert_double_eq(refused, 150 + 1 + ENGRAM_OWN_COUNT - 100);
    ck_assert_int_eq(logged("more series than are allowed"), 1);
    engram_counter_new("more_total", "", NULL);
    scan();
    ck_assert_double_eq(value("engramd_series_refused"), refused + 1);
}
END_TEST

/* One that comes and goes with a family of another type could fill the log. */
START_TEST(conflicts_take_few_lines)
{
    process_with("good", 5);
    fixture_clock(UINT64_C(1000000000000));
    for (uint32_t i = 0; i < LOG_LINES + 5; i++) {
        struct engram_region *other = fixture_process("other");
        engram_gauge_set(engram_gauge_new("c_total", "", NULL), 1);
        scan();
        ck_assert_double_eq(value("engramd_series_conflicts"), 1);
        unlinkat(fixture_dir, fixture_name("other"), 0);
        fixture_end(other);
        scan();
        ck_assert_double_eq(value("engramd_series_conflicts"), 0);
    }
    ck_assert_int_eq(logged("series are left out"), LOG_LINES);
    fixture_clock(UINT64_C(1061000000000)); /* another minute */
    fixture_process("other");
    engram_gauge_set(engram_gauge_new("c_total", "", NULL), 1);
    scan();
    ck_assert_int_eq(logged("series are left out"), LOG_LINES + 1);
}
END_TEST

START_TEST(large_histograms_count_for_more)
{
    process_with("good", 5);
    for (int i = 0; i < 8; i++) {
        char name[8];
        snprintf(name, sizeof name, "h%d", i);
        struct engram_spec spec = {.name = engram_string(name), .least = 1e-70, .most = 1e80};
        ck_assert_uint_gt(engram_histogram_register(&spec).cells, 3900);
    }
    scan();
    ck_assert_double_eq(value("engramd_series_refused"),
                        5); /* one takes nearly a third of the memory */
    ck_assert_double_eq(served("good"), 5);
}
END_TEST

START_TEST(region_grows_by_a_series)
{
    scan();
    ck_assert_double_eq(value("engramd_regions{state=\"alive\"}"), 0);
    process_with("p", 5);
    scan();
    ck_assert_double_eq(served("p"), 5);
    ck_assert_double_eq(value("engramd_regions{state=\"alive\"}"), 1);
    engram_counter_add(engram_counter_new("d_total", "", NULL), 3);
    scan();
    ck_assert_double_eq(value("d_total{"), 3);
    ck_assert_double_eq(served("p"), 5);
}
END_TEST

START_TEST(unlinked_region_lives_as_long_as_its_process)
{
    struct engram_region *region = process_with("p", 5);
    scan();
    ck_assert_int_eq(fixture_files(true), 1);
    scan();
    ck_assert_double_eq(served("p"), 5);
    ck_assert_double_eq(value("engramd_regions{state=\"alive\"}"), 1);
    fixture_end(region);
    scan();
    ck_assert(isnan(served("p")));
    ck_assert_double_eq(value("engramd_regions{state=\"alive\"}"), 0);
    ck_assert_double_eq(value("engramd_regions{state=\"dead\"}"), 0);
}
END_TEST

START_TEST(dead_region_stays_until_its_file_goes)
{
    fixture_end(process_with("p", 5));
    scan();
    scan();
    ck_assert_double_eq(served("p"), 5);
    ck_assert_double_eq(value("engramd_regions{state=\"dead\"}"), 1);
    fixture_files(true);
    scan();
    ck_assert(isnan(served("p")));
}
END_TEST

#ifndef __SANITIZE_THREAD__ /* under it the load that faults is a call into its own runtime */
/* So short that all is gone, the header, or the values, or so that nothing is missed but zeros. */
static off_t shortened(const struct engram_region *region, int how)
{
    const off_t lengths[] = {0, 100, (off_t)region->nodes_offset, (off_t)region->size - 1};
    return lengths[how];
}

START_TEST(truncated_region_is_quarantined)
{
    char path[512];
    process_with("good", 1);
    struct engram_region *region = process_with("p", 5);
    off_t length = shortened(region, _i);
    scan();
    ck_assert_double_eq(served("p"), 5);
    snprintf(path, sizeof path, "%s/%s", fixture_directory, fixture_name("p"));
    ck_assert_int_eq(truncate(path, length), 0);
    for (int i = 0; i < 3; i++)
        scan();
    ck_assert(isnan(served("p")));
    ck_assert_double_eq(served("good"), 1);
    ck_assert_double_eq(value("engramd_region_rejected_total{reason=\"truncated\"}"), 1);
    ck_assert_double_eq(value("engramd_regions{state=\"quarantined\"}"), 1);
}
END_TEST
#endif

/* Moves the directory out of the daemon's sight. */
static const char *hide_directory(void)
{
    static char away[80];
    snprintf(away, sizeof away, "%s-away", fixture_directory);
    ck_assert_int_eq(rename(fixture_directory, away), 0);
    return away;
}

START_TEST(directory_may_come_later)
{
    const char *away = hide_directory();
    scan();
    scan();
    ck_assert_int_eq(logged("region directory cannot be read"), 1);
    ck_assert_int_eq(rename(away, fixture_directory), 0);
    process_with("p", 5);
    scan();
    ck_assert_double_eq(served("p"), 5);
    ck_assert_int_eq(logged("region directory cannot be read"), 1);
}
END_TEST

/* Without the directory, what lives is served on, and what is dead is forgotten. */
START_TEST(directory_may_go)
{
    process_with("p", 5);
    scan();
    const char *away = hide_directory();
    scan();
    ck_assert_double_eq(served("p"), 5);
    fixture_end(engram_process_state.region);
    scan();
    ck_assert(isnan(served("p")));
    ck_assert_int_eq(rename(away, fixture_directory), 0);
    scan();
    ck_assert_double_eq(served("p"), 5);
}
END_TEST

/* /proc is there on any machine, and what it is no region is made of. */
START_TEST(directory_that_is_no_tmpfs_is_named_once)
{
    end();
    start_in(fixture_directory, "/proc/self/task", false);
    scan();
    scan();
    ck_assert_int_eq(logged("region directory is not on a tmpfs"), 1);
    ck_assert_int_eq(logged("path=/proc/self/task advice="), 1);
}
END_TEST

START_TEST(several_directories_are_one)
{
    char second[64];
    unit_template(second);
    ck_assert_ptr_nonnull(mkdtemp(second));
    end();
    start_in(fixture_directory, second, false);
    process_with("twin", 5);
    setenv("ENGRAM_DIR", second, 1);
    process_with("twin", 6);
    ck_assert_int_eq(fixture_files(false), 1);
    scan();
    ck_assert_double_eq(served("twin"), 11);
    remove_tree(second);
}
END_TEST

/* Flat names lie among much that is not ours: only those with the prefix are looked at. */
START_TEST(flat_names_have_a_prefix)
{
    char name[32], from[512], with[64], without[64];
    snprintf(name, sizeof name, "flat-%d", (int)getpid()); /* others may run this test, too */
    end();
    start_in(NULL, NULL, true);
    process_with(name, 5);
    snprintf(from, sizeof from, "%s/%s", fixture_directory, fixture_name(name));
    snprintf(without, sizeof without, "/dev/shm/engram-%s", name);
    snprintf(with, sizeof with, "/dev/shm/engram.%s", name);
    ck_assert_int_eq(link(from, without), 0);
    scan();
    double early = served(name);
    ck_assert_int_eq(link(from, with), 0);
    scan();
    double late = served(name);
    unlink(with);
    unlink(without);
    ck_assert(isnan(early));
    ck_assert_double_eq(late, 5);
}
END_TEST

/* Leaves this process so many free descriptors; the limit before. */
static struct rlimit leave_descriptors(rlim_t count)
{
    struct rlimit before, none;
    getrlimit(RLIMIT_NOFILE, &before);
    none = before;
    int lowest = dup(STDIN_FILENO);
    close(lowest);
    none.rlim_cur = (rlim_t)lowest + count;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    return before;
}

START_TEST(without_descriptors_all_are_served_on)
{
    fixture_end(process_with("dead", 3));
    process_with("p", 5);
    scan();
    struct rlimit before = leave_descriptors(0);
    scan();
    scan();
    double alive = served("p"), dead = served("dead");
    setrlimit(RLIMIT_NOFILE, &before);
    ck_assert_double_eq(alive, 5);
    ck_assert_double_eq(dead, 3);
    process_with("late", 7);
    scan();
    ck_assert_double_eq(served("late"), 7);
}
END_TEST

/* Enough to read the directory, not to open what is new in it: it is no fault of the file. */
START_TEST(without_descriptors_new_ones_wait)
{
    scan();
    process_with("p", 5);
    struct rlimit before = leave_descriptors(1);
    scan();
    setrlimit(RLIMIT_NOFILE, &before);
    ck_assert_int_eq(logged("reason=memory"), 1);
    ck_assert_int_eq(logged("reason=open"), 0);
    scan();
    ck_assert_double_eq(served("p"), 5);
}
END_TEST

/* Waits until a line is there that starts so, or until none is, and says which of them never was.
 */
static void await(const char *prefix, bool there)
{
    for (int patience = 20000; (*shown(pipeline.store, prefix) != 0) != there; patience--) {
        ck_assert_msg(patience > 0, "%s never %s", prefix, there ? "came" : "went");
        usleep(1000);
    }
}

/* A process of its own: registers, says so, and waits to be killed. */
static pid_t child_process(void)
{
    int said[2];
    char byte;
    ck_assert_int_eq(pipe2(said, O_CLOEXEC), 0);
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* should the test fail before it does that */
        process_with("child", 9);
        engram_gauge_set(engram_gauge_new("g", "", NULL), 1);
        ck_assert_int_eq(write(said[1], "", 1), 1);
        for (;;)
            pause();
    }
    close(said[1]);
    ck_assert_int_eq(read(said[0], &byte, 1), 1);
    close(said[0]);
    return child;
}

static struct collectors *start_threads(void)
{
    ck_assert(discovery_start(discovery));
    struct collectors *collectors = collectors_start(&(struct collector_options){
        pipeline.store, pipeline.topology, pipeline.self, pipeline.pace, NULL, NULL});
    ck_assert_ptr_nonnull(collectors);
    return collectors;
}

static void stop_threads(struct collectors *collectors)
{
    discovery_stop(discovery);
    ck_assert(collectors_stop(collectors));
}

#ifndef __SANITIZE_THREAD__ /* as above */
START_TEST(region_is_truncated_while_it_is_read)
{
    char path[512];
    fixture_clock(UINT64_C(1000000000000));
    process_with("good", 1);
    engram_counter counter = engram_counter_new("c_total", "", NULL);
    off_t length = shortened(process_with("p", 5), _i);
    discovery_scan(discovery);
    struct collectors *collectors = start_threads();
    await("c_total{process=\"p\",numa_node=\"0\"} 5", true);
    snprintf(path, sizeof path, "%s/%s", fixture_directory, fixture_name("p"));
    ck_assert_int_eq(truncate(path, length), 0);
    await("c_total{process=\"p\"", false);
    await("engramd_region_rejected_total{reason=\"truncated\"} 1", true);
    engram_counter_add(counter, 1);
    await("c_total{process=\"good\",numa_node=\"0\"} 2", true);
    stop_threads(collectors);
}
END_TEST
#endif

/* While the clock stands no scan is due: it is notifications that tell what happens.  But for a
 * death, which the kernel tells just before it drops the lock: now and then only a scan sees it. */
START_TEST(threads_follow_a_process_from_birth_to_death)
{
    fixture_clock(UINT64_C(1000000000000));
    discovery_scan(discovery);
    struct collectors *collectors = start_threads();
    pid_t child = child_process();
    await("c_total{process=\"child\",numa_node=\"0\"} 9", true);
    await("g{process=\"child\"} 1", true);
    process_with("p", 5);
    usleep(100000); /* the scan before is over, or its rest would begin at the next time */
    fixture_clock(UINT64_C(1000100000000)); /* rested from the scan before */
    await("c_total{process=\"p\",numa_node=\"0\"} 5", true);
    engram_counter_add(engram_counter_new("d_total", "", NULL), 1);
    await("d_total{process=\"p\",numa_node=\"0\"} 1", true);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    fixture_clock(UINT64_C(1001000000000)); /* a second later */
    await("g{process=\"child\"}", false);
    await("c_total{process=\"child\",numa_node=\"0\"} 9", true);
    unlinkat(fixture_dir, fixture_name("child"), 0);
    usleep(100000);
    fixture_clock(UINT64_C(1001100000000));
    await("c_total{process=\"child\"", false);
    await("c_total{process=\"p\",numa_node=\"0\"} 5", true);
    stop_threads(collectors);
}
END_TEST

/* There is one scan, and the clock never comes to the end of the rest after it, a tick at least. */
START_TEST(newcomers_wait_for_no_scan)
{
    fixture_clock(UINT64_C(1000000000000));
    discovery_scan(discovery);
    struct collectors *collectors = start_threads();
    process_with("first", 1);
    await("c_total{process=\"first\",numa_node=\"0\"} 1", true);
    usleep(100000); /* what is told of the first is taken, too */
    fixture_clock(UINT64_C(1000004900000));
    process_with("second", 2);
    await("c_total{process=\"second\",numa_node=\"0\"} 2", true);
    stop_threads(collectors);
}
END_TEST

/* Nobody watches a directory that is not there yet. */
START_TEST(threads_find_what_nobody_told)
{
    fixture_clock(UINT64_C(1000000000000));
    const char *away = hide_directory();
    discovery_scan(discovery);
    struct collectors *collectors = start_threads();
    ck_assert_int_eq(rename(away, fixture_directory), 0);
    process_with("p", 5);
    fixture_clock(UINT64_C(1001000000000)); /* a second later */
    await("c_total{process=\"p\",numa_node=\"0\"} 5", true);
    stop_threads(collectors);
}
END_TEST

Suite *discovery_suite(void)
{
    Suite *suite = suite_create("discovery");
    TCase *tests = tcase_create("directory");
    tcase_set_timeout(tests, 30);
    tcase_add_checked_fixture(tests, start, stop);
    tcase_add_loop_test(tests, bad_file_is_quarantined_once, 0, (int)(sizeof bad / sizeof bad[0]));
    tcase_add_test(tests, hidden_files_and_the_marker_are_no_regions);
    tcase_add_test(tests, short_file_may_become_a_region);
    tcase_add_test(tests, too_many_series_are_left_out);
    tcase_add_test(tests, conflicts_take_few_lines);
    tcase_add_test(tests, large_histograms_count_for_more);
    tcase_add_test(tests, region_grows_by_a_series);
    tcase_add_test(tests, unlinked_region_lives_as_long_as_its_process);
    tcase_add_test(tests, dead_region_stays_until_its_file_goes);
#ifndef __SANITIZE_THREAD__
    tcase_add_loop_test(tests, truncated_region_is_quarantined, 0, 4);
    tcase_add_loop_test(tests, region_is_truncated_while_it_is_read, 0, 4);
#endif
    tcase_add_test(tests, directory_may_come_later);
    tcase_add_test(tests, directory_may_go);
    tcase_add_test(tests, directory_that_is_no_tmpfs_is_named_once);
    tcase_add_test(tests, several_directories_are_one);
    tcase_add_test(tests, flat_names_have_a_prefix);
    tcase_add_test(tests, without_descriptors_all_are_served_on);
    tcase_add_test(tests, threads_follow_a_process_from_birth_to_death);
    tcase_add_test(tests, without_descriptors_new_ones_wait);
    tcase_add_test(tests, newcomers_wait_for_no_scan);
    tcase_add_test(tests, threads_find_what_nobody_told);
    suite_add_tcase(suite, tests);
    return suite;
}
