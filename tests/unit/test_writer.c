/* SPDX-License-Identifier: MIT */
/* The writer, seen through the reader. */
#include "fixture.h"
#include "suites.h"

#include "shmlib/sum.h"

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static struct reader *open_only(void)
{
    struct reader *reader = NULL;
    enum rejection rejection;
    DIR *listing = opendir(fixture_directory);
    for (struct dirent *entry; !reader && (entry = readdir(listing));)
        if (entry->d_name[0] != '.')
            reader = reader_open(fixture_dir, entry->d_name, &rejection);
    closedir(listing);
    ck_assert_ptr_nonnull(reader);
    return reader;
}

/* The total of a series, by its name and, if given, the value of its first label. */
static void total(const char *name, const char *value, union word *row)
{
    struct reader *reader = open_only();
    int found = 0;
    for (uint32_t i = 0; i < reader->count; i++) {
        const struct record *record = &reader->records[i];
        const struct engram_descriptor *d = record->descriptor;
        struct label_view label = {"", "", 0, 0};
        size_t at = 0;
        record_label(record, &at, &label);
        if (d->name_length != strlen(name) || memcmp(record_name(record), name, strlen(name)) ||
            (value &&
             (label.value_length != strlen(value) || memcmp(label.value, value, strlen(value)))))
            continue;
        struct source source = source_of(d, 0);
        found++;
        memset(row, 0, sum_words(d) * sizeof *row);
        if (d->placement == ENGRAM_SINGLE)
            sum_single(reader, &source, 1, row);
        for (uint32_t node = 0; d->placement != ENGRAM_SINGLE && node < reader->header.nodes;
             node++)
            sum_node(reader, node, &source, 1, row);
        for (uint32_t cpu = 0; d->placement == ENGRAM_PER_CPU && cpu < reader->header.cpus; cpu++)
            sum_cpu(reader, cpu, &source, 1, row);
    }
    ck_assert_int_eq(found, 1);
    reader_close(reader);
}

static uint64_t counted(const char *name)
{
    union word row[2];
    total(name, NULL, row);
    return row[0].count;
}

#define THREADS 8
#define ADDS 200000

struct load {
    engram_counter counter;
    engram_histogram histogram;
    engram_updown updown;
};

static void *record_load(void *argument)
{
    const struct load *load = argument;
    for (int i = 0; i < ADDS; i++) {
        engram_counter_add(load->counter, 3);
        engram_histogram_record(load->histogram, 0.25);
        engram_updown_add(load->updown, i % 2 ? -2 : 1);
    }
    return NULL;
}

static void run_load(void)
{
    pthread_t threads[THREADS];
    struct engram_spec updown = {.name = engram_string("u")};
    struct load load = {engram_counter_new("c_total", "", NULL),
                        engram_histogram_new("h_seconds", "", NULL),
                        engram_updown_register(&updown)};
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, record_load, &load);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static void check_load(uint64_t times)
{
    union word row[1024];
    uint64_t count = 0;
    ck_assert_uint_eq(counted("c_total"), times * 3u * THREADS * ADDS);
    ck_assert_int_eq((int64_t)counted("u"), (int64_t)times * -THREADS * ADDS / 2);
    total("h_seconds", NULL, row);
    struct reader *reader = open_only();
    uint32_t cells = 0;
    for (uint32_t i = 0; i < reader->count; i++)
        if (reader->records[i].descriptor->kind == ENGRAM_HISTOGRAM)
            cells = reader->records[i].descriptor->cells;
    reader_close(reader);
    for (uint32_t i = 0; i + 1 < cells; i++)
        count += row[i].count;
    ck_assert_uint_eq(count, times * THREADS * ADDS);
    ck_assert_double_eq(row[cells].number, (double)times * THREADS * ADDS * 0.25);
}

START_TEST(totals_are_exact)
{
    ck_assert_int_eq(engram_attach("exact"), 0);
    run_load();
    check_load(1);
}
END_TEST

START_TEST(totals_are_exact_without_rseq)
{
    ck_assert_int_eq(engram_attach("exact"), 0);
    engram_set_limit(engram_process_state.region, 0); /* what a process without rseq starts with */
    run_load();
    check_load(1);
}
END_TEST

START_TEST(forked_child_counts_once)
{
    ck_assert_int_eq(engram_attach("forks"), 0);
    run_load();
    pid_t child = fork();
    if (child == 0) {
        run_load();
        _exit(0);
    }
    waitpid(child, NULL, 0);
    ck_assert_int_eq(fixture_files(false), 1);
    check_load(2);
}
END_TEST

START_TEST(same_series_is_one)
{
    static const char *const ab[] = {"a", "1", "b", "2", NULL};
    static const char *const ba[] = {"b", "2", "a", "1", "c", "", NULL};
    engram_counter first = engram_counter_new("x_total", "", ab);
    engram_counter second = engram_counter_new("x_total", "other help", ba);
    ck_assert_ptr_nonnull(first.at.slot);
    ck_assert_ptr_eq(first.at.slot, second.at.slot);
    ck_assert_ptr_null(engram_gauge_new("x_total", "", ab).at.slot);
    ck_assert_str_eq(engram_reason(), "the series is registered as another kind");
}
END_TEST

START_TEST(registering_again_takes_nothing)
{
    engram_counter_new("x_total", "", NULL);
    uint32_t used = engram_process_state.region->arena_used;
    for (int i = 0; i < 10000; i++)
        ck_assert_ptr_nonnull(engram_counter_new("x_total", "", NULL).at.slot);
    ck_assert_uint_eq(engram_process_state.region->arena_used, used);
}
END_TEST

static void *register_many(void *argument)
{
    (void)argument;
    for (int i = 0; i < 2000; i++) {
        char value[16];
        snprintf(value, sizeof value, "%d", i);
        const char *labels[] = {"i", value, NULL};
        engram_counter_add(engram_counter_new("many_total", "", labels), 1);
    }
    return NULL;
}

START_TEST(threads_register_the_same_series)
{
    pthread_t threads[THREADS];
    union word row[2];
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, register_many, NULL);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    ck_assert_int_eq(fixture_files(false), 1);
    total("many_total", "1999", row); /* asserts that it is there once */
    ck_assert_uint_eq(row[0].count, THREADS);
    struct reader *reader = open_only();
    ck_assert_uint_eq(reader->count, 2000 + ENGRAM_OWN_COUNT);
    reader_close(reader);
}
END_TEST

static const struct {
    struct engram_spec spec;
    bool valid;
} specs[] = {
    {{.name = {"ok_total", 8}}, true},
    {{.name = {"a:b_9", 5}}, true},
    {{.name = {"", 0}}, false},
    {{.name = {"9a", 2}}, false},
    {{.name = {"a-b", 3}}, false},
    {{.name = {"a", 1}, .help = {"caf\xc3\xa9", 5}}, true},
    {{.name = {"a", 1}, .help = {"caf\xe9", 4}}, false},
    {{.name = {"a", 1},
      .labels = &(struct engram_label){{"l", 1}, {"q\"\\\n", 4}},
      .label_count = 1},
     true},
    {{.name = {"a", 1}, .labels = &(struct engram_label){{"l", 1}, {"\xff", 1}}, .label_count = 1},
     false},
    {{.name = {"a", 1},
      .labels = &(struct engram_label){{"process", 7}, {"x", 1}},
      .label_count = 1},
     false},
    {{.name = {"a", 1},
      .labels = &(struct engram_label){{"numa_node", 9}, {"0", 1}},
      .label_count = 1},
     false},
    {{.name = {"a", 1}, .labels = &(struct engram_label){{"__x", 3}, {"0", 1}}, .label_count = 1},
     false},
    {{.name = {"a", 1},
      .labels = (struct engram_label[]){{{"l", 1}, {"1", 1}}, {{"l", 1}, {"2", 1}}},
      .label_count = 2},
     false},
};

START_TEST(specifications_are_checked)
{
    ck_assert_msg((engram_counter_register(&specs[_i].spec).at.slot != NULL) == specs[_i].valid,
                  "%d: %s", _i, engram_reason());
}
END_TEST

START_TEST(names_are_never_cut)
{
    char name[300];
    memset(name, 'a', sizeof name);
    struct engram_spec spec = {.name = {name, 255}};
    ck_assert_ptr_nonnull(engram_counter_register(&spec).at.slot);
    spec.name.length = 256;
    ck_assert_ptr_null(engram_counter_register(&spec).at.slot);
    ck_assert(*engram_reason());
}
END_TEST

START_TEST(histogram_bounds_are_checked)
{
    static const double falling[] = {1, 0}, infinite[] = {1, INFINITY}, twice[] = {1, 1};
    const double *const bad[] = {falling, infinite, twice};
    for (int i = 0; i < 3; i++) {
        struct engram_spec spec = {.name = engram_string("h"), .bounds = bad[i], .bound_count = 2};
        ck_assert_ptr_null(engram_histogram_register(&spec).at.slot);
    }
    struct engram_spec backwards = {.name = engram_string("h"), .least = 2, .most = 1};
    ck_assert_ptr_null(engram_histogram_register(&backwards).at.slot);
}
END_TEST

/* Why a histogram is refused, or "" when it is not. */
static const char *refusal(const struct engram_spec *spec)
{
    return engram_histogram_register(spec).at.slot ? "" : engram_reason();
}

START_TEST(exponential_buckets_are_checked)
{
    static const int bad[] = {-8, 3, 33, 64, INT32_MIN};
    struct engram_spec spec = {.name = engram_string("h"), .least = 1, .most = 2};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        spec.per_octave = bad[i];
        ck_assert_str_eq(refusal(&spec), "a histogram has 1, 2, 4, 8, 16 or 32 buckets an octave");
    }
    spec.per_octave = 2; /* and this range is within one of them */
    spec.least = 1.1;
    spec.most = 1.4;
    ck_assert_str_eq(refusal(&spec),
                     "a histogram's range must be positive and wider than a bucket");
    spec.per_octave = 32;
    spec.least = 0x1p-64;
    spec.most = engram_exponential_bound(-64 * 32 + 4094, 32);
    ck_assert_str_eq(refusal(&spec), "a histogram's range takes more than 4093 buckets");
    spec.most = engram_exponential_bound(-64 * 32 + 4093, 32);
    ck_assert_str_eq(refusal(&spec), "");
}
END_TEST

/* Every value in its own bucket, what is beyond all of them at the ends; the handle knows how. */
START_TEST(any_schema_is_recorded)
{
    static const double least[] = {-INFINITY, -1, -0.0, 0, 5e-324, 0.25};
    union word row[ENGRAM_CELLS_MAX + SUM_WORDS];
    const int n = 1 << _i;
    struct engram_spec spec = {
        .name = engram_string("h"), .least = 0.5, .most = 4, .per_octave = n};
    engram_histogram histogram = engram_histogram_register(&spec);
    const uint32_t cells = 3 * (uint32_t)n + 3;
    ck_assert_uint_eq(histogram.cells, cells);
    for (int index = -n; index <= 2 * n; index++) {
        engram_histogram_record(histogram, engram_exponential_bound(index, n));
        engram_histogram_record(histogram,
                                nextafter(engram_exponential_bound(index - 1, n), INFINITY));
    }
    for (size_t i = 0; i < sizeof least / sizeof least[0]; i++)
        engram_histogram_record(histogram, least[i]);
    for (int i = 0; i < 5; i++)
        engram_histogram_record(histogram, i ? INFINITY : nextafter(4, 5));
    engram_histogram_record(histogram, NAN);
    total("h", NULL, row);
    for (uint32_t cell = 1; cell < cells - 2; cell++)
        ck_assert_uint_eq(row[cell].count, 2);
    ck_assert_uint_eq(row[0].count, 2 + 6);
    ck_assert_uint_eq(row[cells - 2].count, 5);
    ck_assert_uint_eq(row[cells - 1].count, 1);
}
END_TEST

/* In any histogram. */
START_TEST(nan_does_not_spoil_the_sum)
{
    static const double bound = 1;
    const struct engram_spec any[] = {
        {.name = {"a", 1}},
        {.name = {"b", 1}, .per_octave = 32},
        {.name = {"c", 1}, .bounds = &bound, .bound_count = 1},
    };
    union word row[ENGRAM_CELLS_MAX + SUM_WORDS];
    for (int i = 0; i < 3; i++) {
        const char name[] = {(char)('a' + i), 0};
        engram_histogram histogram = engram_histogram_register(&any[i]);
        engram_histogram_record(histogram, NAN);
        engram_histogram_record(histogram, 2);
        total(name, NULL, row);
        ck_assert_uint_eq(row[histogram.cells - 1].count, 1);
        ck_assert_double_eq(row[histogram.cells].number, 2);
    }
}
END_TEST

/* Who registers it first says which buckets it has. */
START_TEST(one_series_has_one_schema)
{
    union word row[ENGRAM_CELLS_MAX + SUM_WORDS];
    struct engram_spec spec = {.name = engram_string("h"), .least = 1, .most = 4, .per_octave = 1};
    engram_histogram first = engram_histogram_register(&spec);
    engram_histogram second = engram_histogram_new("h", "", NULL);
    ck_assert(memcmp(&first, &second, sizeof first) == 0);
    engram_histogram_record(second, 3);
    total("h", NULL, row);
    ck_assert_uint_eq(row[2].count, 1);
    ck_assert_ptr_null(engram_counter_new("h", "", NULL).at.slot);
    ck_assert_str_eq(engram_reason(), "the series is registered as another kind");
}
END_TEST

START_TEST(gauges_and_totals)
{
    struct engram_spec spec = {.name = engram_string("t_total")};
    union word row[2];
    engram_counter_total set = engram_counter_total_register(&spec);
    engram_gauge gauge = engram_gauge_new("g", "", NULL);
    total("g", NULL, row);
    ck_assert_uint_eq(row[0].count, 0); /* not set: the sum of none */
    engram_gauge_add(gauge, 1.5);
    engram_gauge_add(gauge, -4);
    engram_counter_set(set, 10);
    engram_counter_set(set, 9);
    total("g", NULL, row);
    ck_assert_double_eq(row[0].number, -2.5);
    ck_assert_uint_eq(counted("t_total"), 10);
}
END_TEST

START_TEST(switched_off_records_nothing)
{
    engram_counter counter = engram_counter_new("c_total", "", NULL);
    engram_counter_add(counter, 1);
    engram_switch(engram_process_state.region, 0);
    engram_counter_add(counter, 1);
    ck_assert_uint_eq(counted("c_total"), 1);
    engram_switch(engram_process_state.region, 1);
    engram_counter_add(counter, 1);
    ck_assert_uint_eq(counted("c_total"), 2);
}
END_TEST

START_TEST(off_by_environment_and_by_marker)
{
    char marker[96];
    setenv("ENGRAM_METRICS", "off", 1);
    ck_assert_int_eq(engram_attach("off"), -1);
    ck_assert(strstr(engram_reason(), "ENGRAM_METRICS"));
    engram_counter_add(engram_counter_new("c_total", "", NULL), 1); /* safe */
    ck_assert_int_eq(fixture_files(false), 0);
    unsetenv("ENGRAM_METRICS");
    snprintf(marker, sizeof marker, "%s/metrics.off", fixture_directory);
    close(open(marker, O_CREAT | O_WRONLY, 0600));
    engram_counter counter = engram_counter_new("c_total", "", NULL);
    engram_counter_add(counter, 1);
    unlink(marker);
    ck_assert_uint_eq(counted("c_total"), 0);
}
END_TEST

START_TEST(attach_fails_softly)
{
    setenv("ENGRAM_DIR", "/nonexistent", 1);
    ck_assert_int_eq(engram_attach(NULL), -1);
    ck_assert(*engram_reason());
    setenv("ENGRAM_DIR", "/", 1); /* no tmpfs */
    ck_assert_int_eq(engram_attach(NULL), -1);
    setenv("ENGRAM_DIR", fixture_directory, 1);
    ck_assert_int_eq(engram_attach("a/b"), -1);
    ck_assert_int_eq(engram_attach("fine"), 0);
    ck_assert_int_eq(engram_attach("fine"), 0);
    ck_assert_int_eq(engram_attach("other"), -1);
}
END_TEST

START_TEST(detached_is_harmless)
{
    engram_counter counter = engram_counter_new("c_total", "", NULL);
    engram_counter_add(counter, 5);
    engram_detach();
    engram_counter_add(counter, 5);
    ck_assert_ptr_null(engram_counter_new("d_total", "", NULL).at.slot);
    ck_assert_uint_eq(counted("c_total"), 5);
    struct reader *reader = open_only();
    ck_assert(!reader_alive(reader));
    reader_close(reader);
}
END_TEST

START_TEST(zero_handles_are_safe)
{
    engram_counter counter = {{0}};
    engram_histogram histogram = {{0}, NULL, 0, 0};
    engram_event event = {{0}, 0};
    engram_gauge gauge = {{0}};
    engram_counter_add(counter, 1);
    engram_histogram_record(histogram, 1);
    engram_event_emit(event, 1, 2);
    engram_gauge_set(gauge, 1);
    engram_gauge_add(gauge, 1);
    ck_assert_int_eq(fixture_files(false), 0);
}
END_TEST

START_TEST(budget_goes_to_the_nodes_copy)
{
    engram_counter counter = engram_counter_new("c_total", "", NULL);
    struct engram_region *region = engram_process_state.region;
    region->budget = region->reserved_bytes; /* nothing left for a CPU's block */
    for (int i = 0; i < 1000; i++)
        engram_counter_add(counter, 1);
    ck_assert_uint_eq(counted("c_total"), 1000);
    ck_assert_uint_eq(*engram_block(region, fixture_slot(counter.at) >> ENGRAM_CHUNK_SHIFT, 0), 0);
    union word row[2];
    total("engram_writer_refused_total", "memory", row);
    ck_assert_uint_ge(row[0].count, region->plain_cpus > 0); /* without rseq nobody asks */
}
END_TEST

Suite *writer_suite(void)
{
    Suite *suite = suite_create("writer");
    TCase *tests = tcase_create("region");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, fixture_start, fixture_stop);
    tcase_add_test(tests, totals_are_exact);
    tcase_add_test(tests, totals_are_exact_without_rseq);
    tcase_add_test(tests, forked_child_counts_once);
    tcase_add_test(tests, same_series_is_one);
    tcase_add_test(tests, registering_again_takes_nothing);
    tcase_add_test(tests, threads_register_the_same_series);
    tcase_add_loop_test(tests, specifications_are_checked, 0,
                        (int)(sizeof specs / sizeof specs[0]));
    tcase_add_test(tests, names_are_never_cut);
    tcase_add_test(tests, histogram_bounds_are_checked);
    tcase_add_test(tests, exponential_buckets_are_checked);
    tcase_add_loop_test(tests, any_schema_is_recorded, 0, 6);
    tcase_add_test(tests, one_series_has_one_schema);
    tcase_add_test(tests, nan_does_not_spoil_the_sum);
    tcase_add_test(tests, gauges_and_totals);
    tcase_add_test(tests, switched_off_records_nothing);
    tcase_add_test(tests, off_by_environment_and_by_marker);
    tcase_add_test(tests, attach_fails_softly);
    tcase_add_test(tests, detached_is_harmless);
    tcase_add_test(tests, zero_handles_are_safe);
    tcase_add_test(tests, budget_goes_to_the_nodes_copy);
    suite_add_tcase(suite, tests);
    return suite;
}
