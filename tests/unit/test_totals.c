/* SPDX-License-Identifier: MIT */
/* What is left of ended processes: folding, and the file that it is kept in. */
#include "fixture.h"
#include "suites.h"

#include "daemon/totals/state_file.h"
#include "daemon/totals/totals.h"
#include "shmlib/guard.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const uint8_t boot[16] = {1, 2, 3};
static struct topology *topology;

static void start(void)
{
    fixture_start();
    guard_install();
    setenv("HWLOC_SYNTHETIC", TWO_NODES, 1);
    topology = topology_load("/");
    ck_assert_ptr_nonnull(topology);
}

static void stop(void)
{
    topology_free(topology);
    unsetenv("HWLOC_SYNTHETIC");
    fixture_stop();
}

/* A process that recorded one of each kind and ended; its region, to be released. */
static struct region *ended_process(const char *name, double bound, uint64_t times)
{
    struct engram_spec histogram = {.name = engram_string("h"), .bounds = &bound, .bound_count = 1};
    struct engram_spec set = {.name = engram_string("set_total")};
    struct engram_spec absolute = {.name = engram_string("absolute_total"), .absolute = 1};
    enum rejection rejection;
    struct engram_region *own = fixture_process(name);
    fixture_add(engram_counter_new("c_total", "", NULL), 0, times);
    fixture_add(engram_counter_new("c_total", "", NULL), 1, 100 * times);
    for (uint64_t i = 0; i < times; i++)
        engram_histogram_record(engram_histogram_register(&histogram), 0.1);
    engram_counter_set(engram_counter_total_register(&set), times);
    engram_counter_set(engram_counter_total_register(&absolute), times);
    engram_gauge_set(engram_gauge_new("g", "", NULL), 1);
    fixture_end(own);
    struct reader *reader = reader_open(fixture_dir, fixture_name(name), &rejection);
    ck_assert_ptr_nonnull(reader);
    unlinkat(fixture_dir, fixture_name(name), 0); /* so that the next one is found by its name */
    return region_new(reader);
}

static struct totals *fold_one(struct totals *before, struct region *region)
{
    struct fold fold = {
        .regions = &region, .region_count = 1, .series_limit = UINT32_MAX, .now = 7};
    struct totals *after = totals_fold(before, &fold, topology);
    ck_assert_ptr_nonnull(after);
    totals_release(before);
    region_release(region);
    return after;
}

static const struct total *find(const struct totals *totals, const char *process, const char *name)
{
    for (uint32_t i = 0; i < totals->count; i++)
        if (strcmp(totals->list[i].process, process) == 0 &&
            totals->list[i].record.descriptor->name_length == strlen(name) &&
            memcmp(record_name(&totals->list[i].record), name, strlen(name)) == 0)
            return &totals->list[i];
    return NULL;
}

static void check_values(const struct totals *totals)
{
    const struct total *counter = find(totals, "a", "c_total");
    ck_assert_uint_eq(counter->rows[0][0].count, 5);
    ck_assert_uint_eq(counter->rows[1][0].count, 500);
    ck_assert_uint_eq(find(totals, "b", "c_total")->rows[0][0].count, 4);
    ck_assert_uint_eq(find(totals, "a", "set_total")->rows[0][0].count, 5);
    ck_assert_uint_eq(find(totals, "a", "absolute_total")->rows[0][0].count, 3);
    const struct total *histogram = find(totals, "a", "h");
    ck_assert_uint_eq(histogram->rows[0][0].count + histogram->rows[1][0].count, 5);
    ck_assert_double_eq_tol(histogram->rows[0][3].number + histogram->rows[1][3].number, 0.5,
                            1e-15);
    ck_assert_ptr_null(find(totals, "a", "g"));
}

static struct totals *three_processes(void)
{
    struct totals *totals = totals_new(2, 0, 0, 0);
    totals = fold_one(totals, ended_process("a", 1, 2));
    totals = fold_one(totals, ended_process("b", 1, 4));
    return fold_one(totals, ended_process("a", 1, 3));
}

START_TEST(regions_of_one_name_add_up)
{
    struct totals *totals = three_processes();
    check_values(totals);
    ck_assert_uint_eq(totals->folded_count, 3);
    ck_assert_uint_eq(totals->known_count, 2);
    totals_release(totals);
}
END_TEST

#ifndef __SANITIZE_THREAD__ /* under it the load that faults is a call into its own runtime */
/* Cut short after it was opened, whichever of them it is. */
START_TEST(broken_region_keeps_no_other_from_being_folded)
{
    enum rejection rejection;
    struct region *regions[3];
    const char *names[] = {"a", "b", "c"};
    for (int i = 0; i < 3; i++) {
        struct engram_region *own = fixture_process(names[i]);
        fixture_add(engram_counter_new("c_total", "", NULL), 0, 5);
        fixture_end(own);
        regions[i] = region_new(reader_open(fixture_dir, fixture_name(names[i]), &rejection));
    }
    char path[512];
    snprintf(path, sizeof path, "%s/%s", fixture_directory, fixture_name(names[_i]));
    ck_assert_int_eq(truncate(path, 8192), 0);
    struct region *broken = regions[_i];
    struct totals *before = totals_new(2, 0, 0, 0);
    struct fold fold = {.regions = regions, .region_count = 3, .series_limit = UINT32_MAX};
    struct totals *after = totals_fold(before, &fold, topology);
    ck_assert_ptr_nonnull(after);
    ck_assert_uint_eq(fold.region_count, 2);
    ck_assert_ptr_eq(regions[2], broken);
    ck_assert(atomic_load(&broken->truncated));
    ck_assert_uint_eq(after->folded_count, 2);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(find(after, names[i], "c_total") != NULL, i != _i);
        ck_assert_int_eq(totals_known(after, names[i]) != NULL, i != _i);
        region_release(regions[i]);
    }
    totals_release(after);
    totals_release(before);
}
END_TEST
#endif

START_TEST(the_newer_shape_stands)
{
    struct totals *totals = totals_new(2, 0, 0, 0);
    totals = fold_one(totals, ended_process("a", 1, 2));
    totals = fold_one(totals, ended_process("a", 2, 3));
    const struct total *histogram = find(totals, "a", "h");
    ck_assert_double_eq(record_bounds(&histogram->record)[0], 2);
    ck_assert_uint_eq(histogram->rows[0][0].count + histogram->rows[1][0].count, 3);
    ck_assert_uint_eq(find(totals, "a", "c_total")->rows[0][0].count, 5);
    totals_release(totals);
}
END_TEST

/* Both have four buckets above 1. */
START_TEST(the_newer_schema_stands)
{
    struct totals *totals = totals_new(2, 0, 0, 0);
    struct engram_spec spec = {.name = engram_string("h"), .least = 1};
    for (int i = 0; i < 3; i++) {
        enum rejection rejection;
        spec.per_octave = i ? 2 : 1;
        spec.most = i ? 4 : 16;
        struct engram_region *own = fixture_process("a");
        engram_histogram_record(engram_histogram_register(&spec), 3);
        fixture_end(own);
        struct reader *reader = reader_open(fixture_dir, fixture_name("a"), &rejection);
        ck_assert_ptr_nonnull(reader);
        unlinkat(fixture_dir, fixture_name("a"), 0);
        totals = fold_one(totals, region_new(reader));
    }
    const struct total *histogram = find(totals, "a", "h");
    ck_assert_uint_eq(histogram->record.descriptor->per_octave, 2);
    ck_assert_uint_eq(histogram->rows[0][4].count + histogram->rows[1][4].count, 2);
    totals_release(totals);
}
END_TEST

START_TEST(the_newer_unit_stands)
{
    struct totals *totals = totals_new(2, 0, 0, 0);
    static const char *const units[] = {"seconds", "milliseconds"};
    struct engram_spec spec = {.name = engram_string("x_total")};
    for (int i = 0; i < 2; i++) {
        enum rejection rejection;
        spec.unit = engram_string(units[i]);
        struct engram_region *own = fixture_process("a");
        fixture_add(engram_counter_register(&spec), 0, 5 + (uint64_t)i);
        fixture_end(own);
        struct reader *reader = reader_open(fixture_dir, fixture_name("a"), &rejection);
        ck_assert_ptr_nonnull(reader);
        unlinkat(fixture_dir, fixture_name("a"), 0);
        totals = fold_one(totals, region_new(reader));
    }
    ck_assert_uint_eq(find(totals, "a", "x_total")->rows[0][0].count, 6);
    totals_release(totals);
}
END_TEST

START_TEST(what_is_gone_or_forgotten_is_dropped)
{
    struct totals *before = three_processes();
    const char *forgotten[] = {"a"};
    struct fold fold = {
        .gone = before->folded, .gone_count = 1, .forgotten = forgotten, .forgotten_count = 1};
    struct totals *after = totals_fold(before, &fold, topology);
    ck_assert(!totals_has_folded(after, &before->folded[0]));
    ck_assert(totals_has_folded(after, &before->folded[1]));
    ck_assert_ptr_null(find(after, "a", "c_total"));
    ck_assert_uint_eq(find(after, "b", "c_total")->rows[0][0].count, 4);
    ck_assert_uint_eq(after->known_count, 1);
    totals_release(after);
    totals_release(before);
}
END_TEST

START_TEST(the_file_gives_back_what_it_was_given)
{
    struct totals *totals = three_processes(), *read;
    struct buffer bytes = {0}, again = {0};
    state_encode(&bytes, totals, boot);
    ck_assert_int_eq(state_decode(bytes.data, bytes.length, boot, 2, &read), STATE_GOOD);
    check_values(read);
    ck_assert_uint_eq(read->folded_count, 3);
    ck_assert_uint_eq(read->known[0].time, 7);
    state_encode(&again, read, boot);
    ck_assert_uint_eq(again.length, bytes.length);
    ck_assert_mem_eq(again.data, bytes.data, bytes.length);
    totals_release(read);
    totals_release(totals);
    buffer_free(&bytes);
    buffer_free(&again);
}
END_TEST

/* A process that recorded into an exponential histogram and one of explicit bounds. */
static struct region *two_histograms(void)
{
    static const double bound = 1;
    struct engram_spec explicit = {.name = {"x", 1}, .bounds = &bound, .bound_count = 1};
    enum rejection rejection;
    struct engram_region *own = fixture_process("a");
    engram_histogram_record(engram_histogram_new("h", "", NULL), 1);
    engram_histogram_record(engram_histogram_register(&explicit), 1);
    fixture_end(own);
    struct reader *reader = reader_open(fixture_dir, fixture_name("a"), &rejection);
    ck_assert_ptr_nonnull(reader);
    unlinkat(fixture_dir, fixture_name("a"), 0);
    return region_new(reader);
}

/* What it says of a histogram when that is as regions of layout 1 have it. */
static void make_old(const struct total *total, int first)
{
    struct engram_descriptor *d = (struct engram_descriptor *)(uintptr_t)total->record.descriptor;
    d->per_octave = 0;
    d->first = (int16_t)first;
}

START_TEST(state_of_before_goes_on)
{
    struct totals *totals = fold_one(totals_new(2, 0, 0, 0), two_histograms()), *read;
    struct buffer bytes = {0};
    make_old(find(totals, "a", "h"), -240);
    make_old(find(totals, "a", "x"), -240);
    state_encode(&bytes, totals, boot);
    ck_assert_int_eq(state_decode(bytes.data, bytes.length, boot, 2, &read), STATE_GOOD);
    read = fold_one(read, two_histograms());
    const struct total *exponential = find(read, "a", "h"), *explicit = find(read, "a", "x");
    ck_assert_uint_eq(exponential->rows[0][240].count + exponential->rows[1][240].count, 2);
    ck_assert_uint_eq(explicit->rows[0][0].count + explicit->rows[1][0].count, 2);
    totals_release(read);
    totals_release(totals);
    buffer_free(&bytes);
}
END_TEST

START_TEST(values_of_lost_nodes_are_kept)
{
    struct totals *totals = three_processes(), *read;
    struct buffer bytes = {0};
    state_encode(&bytes, totals, boot);
    ck_assert_int_eq(state_decode(bytes.data, bytes.length, boot, 1, &read), STATE_GOOD);
    ck_assert_uint_eq(find(read, "a", "c_total")->rows[0][0].count, 505);
    totals_release(read);
    totals_release(totals);
    buffer_free(&bytes);
}
END_TEST

START_TEST(another_boot_is_told_apart)
{
    static const uint8_t other[16] = {9};
    struct totals *totals = three_processes(), *read;
    struct buffer bytes = {0};
    state_encode(&bytes, totals, boot);
    ck_assert_int_eq(state_decode(bytes.data, bytes.length, other, 2, &read), STATE_OTHER_BOOT);
    totals_release(totals);
    buffer_free(&bytes);
}
END_TEST

/* Every byte changed, and every length that is too short. */
START_TEST(damage_is_noticed)
{
    struct totals *totals = three_processes(), *read;
    struct buffer bytes = {0};
    state_encode(&bytes, totals, boot);
    for (size_t i = 0; i < bytes.length; i++) {
        bytes.data[i] = (char)(bytes.data[i] ^ 1 << i % 8);
        ck_assert_int_eq(state_decode(bytes.data, bytes.length, boot, 2, &read), STATE_CORRUPT);
        bytes.data[i] = (char)(bytes.data[i] ^ 1 << i % 8);
        ck_assert_int_eq(state_decode(bytes.data, i, boot, 2, &read), STATE_CORRUPT);
    }
    totals_release(totals);
    buffer_free(&bytes);
}
END_TEST

/* Grouped anew, a sum must not fall by its last bit: Prometheus would take that for a reset. */
START_TEST(sums_do_not_depend_on_their_order)
{
    double terms[64];
    srandom(7);
    for (int round = 0; round < 2000; round++) {
        union word forward[SUM_WORDS] = {{0}}, grouped[SUM_WORDS] = {{0}}, half[SUM_WORDS] = {{0}};
        for (int i = 0; i < 64; i++)
            terms[i] = (double)random() * exp2((int)(random() % 60) - 30);
        for (int i = 0; i < 64; i++)
            sum_exactly(forward, terms[i]);
        for (int i = 63; i >= 0; i--)
            sum_exactly(i % 3 ? grouped : half, terms[i]);
        for (int i = 0; i < SUM_WORDS; i++)
            sum_exactly(grouped, half[i].number);
        ck_assert_double_eq(forward[0].number, grouped[0].number);
    }
}
END_TEST

START_TEST(infinite_sums_stay_so)
{
    union word sum[SUM_WORDS] = {{0}};
    sum_exactly(sum, 1);
    sum_exactly(sum, INFINITY);
    sum_exactly(sum, 1);
    ck_assert_double_eq(sum[0].number, INFINITY);
    sum_exactly(sum, -INFINITY);
    ck_assert(isnan(sum[0].number));
}
END_TEST

Suite *totals_suite(void)
{
    Suite *suite = suite_create("totals");
    TCase *tests = tcase_create("fold");
    tcase_add_checked_fixture(tests, start, stop);
    tcase_add_test(tests, regions_of_one_name_add_up);
#ifndef __SANITIZE_THREAD__
    tcase_add_loop_test(tests, broken_region_keeps_no_other_from_being_folded, 0, 3);
#endif
    tcase_add_test(tests, the_newer_shape_stands);
    tcase_add_test(tests, the_newer_schema_stands);
    tcase_add_test(tests, the_newer_unit_stands);
    tcase_add_test(tests, what_is_gone_or_forgotten_is_dropped);
    tcase_add_test(tests, the_file_gives_back_what_it_was_given);
    tcase_add_test(tests, state_of_before_goes_on);
    tcase_add_test(tests, values_of_lost_nodes_are_kept);
    tcase_add_test(tests, another_boot_is_told_apart);
    tcase_add_test(tests, damage_is_noticed);
    suite_add_tcase(suite, tests);
    TCase *sums = tcase_create("sums");
    tcase_add_test(sums, sums_do_not_depend_on_their_order);
    tcase_add_test(sums, infinite_sums_stay_so);
    suite_add_tcase(suite, sums);
    return suite;
}
