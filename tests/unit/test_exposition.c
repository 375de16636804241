/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <locale.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "daemon/exposition/exposition.h"

Suite *exposition_suite(void);

#define WORDS 32

/* Nodes 0 and 2 have rows; node 1 has none. */
static union word node0[WORDS];
static union word node2[WORDS];
static union word host[WORDS];
static union word computed[WORDS];
static struct buffer out;

static void start(void)
{
    memset(node0, 0, sizeof node0);
    memset(node2, 0, sizeof node2);
    memset(host, 0, sizeof host);
    memset(computed, 0, sizeof computed);
    out = (struct buffer){0};
}

static void stop(void)
{
    buffer_free(&out);
}

static const char *rendered(struct family *families, uint32_t count, enum exposition_format format)
{
    const union word *nodes[] = {node0, NULL, node2};
    struct series_set set = {.families = families, .count = count, .words = WORDS};
    struct snapshot snapshot = {
        .set = &set, .node_count = 3, .nodes = nodes, .host = host, .computed = computed};

    buffer_reset(&out);
    ck_assert(exposition_render(&out, &snapshot, format));
    buffer_append_char(&out, '\0');
    return out.data;
}

static void check_both(struct family *family, const char *text, const char *openmetrics)
{
    ck_assert_str_eq(rendered(family, 1, EXPOSITION_TEXT), text);
    ck_assert_str_eq(rendered(family, 1, EXPOSITION_OPENMETRICS), openmetrics);
}

/* Series that the cases share; the labels come last so that a case can replace them. */
static struct series on_nodes = {.labels = "process=\"p\"", .at = 1, .rows = ROWS_NODES};
static struct series on_host = {.labels = "process=\"p\"", .at = 1, .rows = ROWS_HOST};

START_TEST(test_counter)
{
    struct family family = {.name = "a_total",
                            .help = "All a.",
                            .unit = "",
                            .type = SERIES_COUNTER,
                            .series = &on_nodes,
                            .count = 1};

    node0[1].count = UINT64_MAX - 1;
    node2[1].count = ENGRAM_GAUGE_UNSET; /* means nothing in a counter */
    check_both(&family,
               "# HELP a_total All a.\n"
               "# TYPE a_total counter\n"
               "a_total{process=\"p\",numa_node=\"0\"} 18446744073709551614\n"
               "a_total{process=\"p\",numa_node=\"2\"} 9220105861990605165\n",
               "# HELP a All a.\n"
               "# TYPE a counter\n"
               "a_total{process=\"p\",numa_node=\"0\"} 18446744073709551614\n"
               "a_total{process=\"p\",numa_node=\"2\"} 9220105861990605165\n"
               "# EOF\n");
}
END_TEST

START_TEST(test_counter_without_total_is_unknown_in_openmetrics)
{
    struct family family = {.name = "a_events",
                            .help = "A.",
                            .unit = "",
                            .type = SERIES_COUNTER,
                            .series = &on_host,
                            .count = 1};

    host[1].count = 7;
    check_both(&family, "# HELP a_events A.\n# TYPE a_events counter\na_events{process=\"p\"} 7\n",
               "# HELP a_events A.\n# TYPE a_events unknown\na_events{process=\"p\"} 7\n# EOF\n");
}
END_TEST

START_TEST(test_computed_counter_is_a_double)
{
    struct series series = {.labels = "", .at = 3, .rows = ROWS_COMPUTED};
    struct family family = {.name = "cpu_seconds_total",
                            .help = "A.",
                            .unit = "seconds",
                            .type = SERIES_COUNTER,
                            .series = &series,
                            .count = 1};

    computed[3].number = 1.5;
    check_both(&family,
               "# HELP cpu_seconds_total A.\n# TYPE cpu_seconds_total counter\n"
               "cpu_seconds_total 1.5\n",
               "# HELP cpu_seconds A.\n# TYPE cpu_seconds counter\n# UNIT cpu_seconds seconds\n"
               "cpu_seconds_total 1.5\n# EOF\n");
}
END_TEST

static const char *unit_line(char *name, char *unit, enum series_type type)
{
    struct family family = {
        .name = name, .help = "", .unit = unit, .type = type, .series = &on_host, .count = 1};

    return strstr(rendered(&family, 1, EXPOSITION_OPENMETRICS), "# UNIT");
}

START_TEST(test_unit_must_be_a_suffix)
{
    ck_assert_ptr_nonnull(unit_line("a_bytes", "bytes", SERIES_GAUGE));
    ck_assert_ptr_nonnull(unit_line("a_bytes_total", "bytes", SERIES_COUNTER));
    ck_assert_ptr_null(unit_line("a_bytes_total", "bytes", SERIES_GAUGE));
    ck_assert_ptr_null(unit_line("a_megabytes", "bytes", SERIES_GAUGE));
    ck_assert_ptr_null(unit_line("bytes", "bytes", SERIES_GAUGE));
    ck_assert_ptr_null(unit_line("a", "bytes", SERIES_GAUGE));
    ck_assert_ptr_null(unit_line("a_bytes", "", SERIES_GAUGE));
    ck_assert_ptr_null(unit_line("a_", "", SERIES_GAUGE));
    ck_assert_ptr_null(unit_line("a_bytes_info", "bytes", SERIES_INFO));
}
END_TEST

START_TEST(test_help_escapes)
{
    struct family family = {.name = "a",
                            .help = "\\one\n\"two\"\\",
                            .unit = "",
                            .type = SERIES_GAUGE,
                            .series = &on_host,
                            .count = 1};

    check_both(&family, "# HELP a \\\\one\\n\"two\"\\\\\n# TYPE a gauge\na{process=\"p\"} 0\n",
               "# HELP a \\\\one\\n\\\"two\\\"\\\\\n# TYPE a gauge\na{process=\"p\"} 0\n# EOF\n");
}
END_TEST

START_TEST(test_labels_are_passed_as_they_are)
{
    struct series series[] = {
        {.labels = "", .at = 1, .rows = ROWS_NODES},
        {.labels = "a=\"\\\\\\\"\\n\xc3\xa4\",process=\"p\"", .at = 2, .rows = ROWS_NODES},
    };
    struct family family = {.name = "a_total",
                            .help = "A.",
                            .unit = "",
                            .type = SERIES_COUNTER,
                            .series = series,
                            .count = 2};

    ck_assert_str_eq(rendered(&family, 1, EXPOSITION_TEXT),
                     "# HELP a_total A.\n# TYPE a_total counter\n"
                     "a_total{numa_node=\"0\"} 0\n"
                     "a_total{numa_node=\"2\"} 0\n"
                     "a_total{a=\"\\\\\\\"\\n\xc3\xa4\",process=\"p\",numa_node=\"0\"} 0\n"
                     "a_total{a=\"\\\\\\\"\\n\xc3\xa4\",process=\"p\",numa_node=\"2\"} 0\n");
}
END_TEST

START_TEST(test_gauge_values)
{
    struct series series[] = {
        {.labels = "v=\"1\"", .at = 1, .rows = ROWS_HOST},
        {.labels = "v=\"2\"", .at = 2, .rows = ROWS_HOST},
        {.labels = "v=\"3\"", .at = 3, .rows = ROWS_HOST},
        {.labels = "v=\"4\"", .at = 4, .rows = ROWS_COMPUTED},
        {.labels = "v=\"5\"", .at = 5, .rows = ROWS_NODES},
    };
    struct family family = {
        .name = "a", .help = "A.", .unit = "", .type = SERIES_GAUGE, .series = series, .count = 5};

    host[1].number = -INFINITY;
    host[2].number = NAN;
    host[3].number = -0.25;
    computed[4].number = INFINITY;
    node0[5].number = 0.5;
    node2[5].count = ENGRAM_GAUGE_UNSET;
    ck_assert_str_eq(rendered(&family, 1, EXPOSITION_TEXT), "# HELP a A.\n# TYPE a gauge\n"
                                                            "a{v=\"1\"} -Inf\n"
                                                            "a{v=\"2\"} NaN\n"
                                                            "a{v=\"3\"} -0.25\n"
                                                            "a{v=\"4\"} +Inf\n"
                                                            "a{v=\"5\",numa_node=\"0\"} 0.5\n");
}
END_TEST

START_TEST(test_absent_gauges)
{
    struct series some[] = {
        {.labels = "v=\"1\"", .at = 1, .rows = ROWS_HOST},
        {.labels = "v=\"2\"", .at = 2, .rows = ROWS_HOST},
    };
    struct series none = {.labels = "", .at = 3, .rows = ROWS_COMPUTED};
    struct family families[] = {
        {.name = "a", .help = "A.", .unit = "", .type = SERIES_GAUGE, .series = &none, .count = 1},
        {.name = "b", .help = "B.", .unit = "", .type = SERIES_GAUGE, .series = some, .count = 2},
        {.name = "c", .help = "C.", .unit = "", .type = SERIES_GAUGE, .series = &none, .count = 1},
        {.name = "d", .help = "D.", .unit = "", .type = SERIES_GAUGE, .series = some, .count = 0},
    };

    host[1].count = ENGRAM_GAUGE_UNSET;
    computed[3].count = ENGRAM_GAUGE_UNSET;
    ck_assert_str_eq(rendered(families, 4, EXPOSITION_OPENMETRICS),
                     "# HELP b B.\n# TYPE b gauge\nb{v=\"2\"} 0\n# EOF\n");
    ck_assert_str_eq(rendered(families, 1, EXPOSITION_TEXT), "");
}
END_TEST

START_TEST(test_updown_is_the_signed_sum)
{
    struct series series = {.labels = "process=\"p\"", .at = 1, .rows = ROWS_SUMMED};
    struct family family = {
        .name = "a", .help = "A.", .unit = "", .type = SERIES_GAUGE, .series = &series, .count = 1};

    node0[1].count = 2;
    node2[1].count = (uint64_t)INT64_C(-5);
    ck_assert_str_eq(rendered(&family, 1, EXPOSITION_TEXT),
                     "# HELP a A.\n# TYPE a gauge\na{process=\"p\"} -3\n");
}
END_TEST

START_TEST(test_updown_without_any_node_is_absent)
{
    struct series series = {.labels = "", .at = 1, .rows = ROWS_SUMMED};
    struct family family = {
        .name = "a", .help = "A.", .unit = "", .type = SERIES_GAUGE, .series = &series, .count = 1};
    const union word *nodes[] = {NULL};
    struct series_set set = {.families = &family, .count = 1, .words = WORDS};
    struct snapshot snapshot = {
        .set = &set, .node_count = 1, .nodes = nodes, .host = host, .computed = computed};

    ck_assert(exposition_render(&out, &snapshot, EXPOSITION_TEXT));
    ck_assert_uint_eq(out.length, 0);
}
END_TEST

START_TEST(test_info)
{
    struct series series = {.labels = "version=\"1\"", .at = 1, .rows = ROWS_COMPUTED};
    struct family family = {.name = "build_info",
                            .help = "B.",
                            .unit = "",
                            .type = SERIES_INFO,
                            .series = &series,
                            .count = 1};

    computed[1].number = 1;
    check_both(&family,
               "# HELP build_info B.\n# TYPE build_info gauge\nbuild_info{version=\"1\"} 1\n",
               "# HELP build B.\n# TYPE build info\nbuild_info{version=\"1\"} 1\n# EOF\n");
    family.name = "build";
    check_both(&family, "# HELP build B.\n# TYPE build gauge\nbuild{version=\"1\"} 1\n",
               "# HELP build B.\n# TYPE build gauge\nbuild{version=\"1\"} 1\n# EOF\n");
}
END_TEST

/* Six cells, the last for NaN; the second bound shown ends after the fourth. */
static uint32_t cuts[] = {1, 4};
static char *bounds[] = {"-0.5", "1.0"};
static struct histogram_shape shape = {.cells = 6, .lines = 2, .cut = cuts, .text = bounds};

static void fill_histogram(union word *row)
{
    for (uint64_t i = 0; i < 6; i++)
        row[4 + i].count = UINT64_C(1) << (4 * i);
    row[10].number = -2.75;
}

#define H "{op=\"x\",process=\"p\",numa_node="
#define HISTOGRAM_LINES                                                                            \
    "h_ms_bucket" H "\"0\",le=\"-0.5\"} 1\n"                                                       \
    "h_ms_bucket" H "\"0\",le=\"1.0\"} 4369\n"                                                     \
    "h_ms_bucket" H "\"0\",le=\"+Inf\"} 69905\n"                                                   \
    "h_ms_sum" H "\"0\"} -2.75\n"                                                                  \
    "h_ms_count" H "\"0\"} 69905\n"                                                                \
    "h_ms_bucket" H "\"2\",le=\"-0.5\"} 0\n"                                                       \
    "h_ms_bucket" H "\"2\",le=\"1.0\"} 0\n"                                                        \
    "h_ms_bucket" H "\"2\",le=\"+Inf\"} 0\n"                                                       \
    "h_ms_sum" H "\"2\"} 0\n"                                                                      \
    "h_ms_count" H "\"2\"} 0\n"

static struct family histogram_family(const char *name, const char *unit, struct series *series)
{
    return (struct family){.name = (char *)(uintptr_t)name,
                           .help = "H.",
                           .unit = (char *)(uintptr_t)unit,
                           .type = SERIES_HISTOGRAM,
                           .series = series,
                           .count = 1};
}

START_TEST(test_histogram)
{
    struct series series = {
        .labels = "op=\"x\",process=\"p\"", .at = 4, .rows = ROWS_NODES, .shape = &shape};
    struct family family = histogram_family("h_ms", "ms", &series);

    fill_histogram(node0);
    check_both(&family, "# HELP h_ms H.\n# TYPE h_ms histogram\n" HISTOGRAM_LINES,
               "# HELP h_ms H.\n# TYPE h_ms histogram\n# UNIT h_ms ms\n" HISTOGRAM_LINES "# EOF\n");
}
END_TEST

START_TEST(test_histogram_without_labels_or_bounds)
{
    struct histogram_shape plain = {.cells = 2};
    struct series series = {.labels = "", .at = 0, .rows = ROWS_NODES, .shape = &plain};
    struct family family = histogram_family("h", "", &series);

    node2[0].count = 3;
    node2[1].count = 9; /* NaN: in no line */
    node2[2].number = 0.5;
    const char *text = rendered(&family, 1, EXPOSITION_TEXT);
    ck_assert_str_eq(strstr(text, "h_bucket{numa_node=\"2\""),
                     "h_bucket{numa_node=\"2\",le=\"+Inf\"} 3\n"
                     "h_sum{numa_node=\"2\"} 0.5\n"
                     "h_count{numa_node=\"2\"} 3\n");
}
END_TEST

START_TEST(test_buckets_beyond_64_bits_do_not_fall)
{
    struct series series = {.labels = "", .at = 4, .shape = &shape, .rows = ROWS_NODES};
    struct family family = histogram_family("h", "", &series);
    node0[4].count = UINT64_MAX - 1;
    node0[5].count = node0[6].count = UINT64_MAX / 2;
    const char *text = rendered(&family, 1, EXPOSITION_TEXT);

    ck_assert_ptr_nonnull(strstr(text, "le=\"-0.5\"} 18446744073709551614\n"));
    ck_assert_ptr_nonnull(strstr(text, "le=\"1.0\"} 18446744073709551615\n"));
    ck_assert_ptr_nonnull(strstr(text, "le=\"+Inf\"} 18446744073709551615\n"));
    ck_assert_ptr_nonnull(strstr(text, "h_count{numa_node=\"0\"} 18446744073709551615\n"));
}
END_TEST

START_TEST(test_failed_buffer_is_told)
{
    struct series_set set = {0};
    struct snapshot snapshot = {.set = &set};

    ck_assert(!buffer_reserve(&out, SIZE_MAX));
    ck_assert(!exposition_render(&out, &snapshot, EXPOSITION_TEXT));
    ck_assert(!exposition_render(&out, &snapshot, EXPOSITION_OPENMETRICS));
}
END_TEST

/* Needs a locale that writes 0,5; where none is installed there is nothing to see:
 * tests/integration/locale.sh brings one. */
START_TEST(test_locale_has_no_say)
{
    struct family family = {.name = "a",
                            .help = "A.",
                            .unit = "",
                            .type = SERIES_GAUGE,
                            .series = &on_host,
                            .count = 1};
    char comma[8];

    if (!setlocale(LC_ALL, "fi_FI.UTF-8"))
        return;
    snprintf(comma, sizeof comma, "%.1f", 0.5);
    ck_assert_str_eq(comma, "0,5");
    host[1].number = 12345.678;
    ck_assert_str_eq(rendered(&family, 1, EXPOSITION_TEXT),
                     "# HELP a A.\n# TYPE a gauge\na{process=\"p\"} 12345.678\n");
    setlocale(LC_ALL, "C");
}
END_TEST

Suite *exposition_suite(void)
{
    const TTest *const tests[] = {
        test_counter,
        test_counter_without_total_is_unknown_in_openmetrics,
        test_computed_counter_is_a_double,
        test_unit_must_be_a_suffix,
        test_help_escapes,
        test_labels_are_passed_as_they_are,
        test_gauge_values,
        test_absent_gauges,
        test_updown_is_the_signed_sum,
        test_updown_without_any_node_is_absent,
        test_info,
        test_histogram,
        test_histogram_without_labels_or_bounds,
        test_buckets_beyond_64_bits_do_not_fall,
        test_failed_buffer_is_told,
    };
    Suite *suite = suite_create("exposition");
    TCase *tcase = tcase_create("exposition");

    tcase_add_checked_fixture(tcase, start, stop);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    TCase *locale = tcase_create("comma");
    tcase_add_checked_fixture(locale, start, stop);
    tcase_add_test(locale, test_locale_has_no_say);
    suite_add_tcase(suite, locale);
    return suite;
}
