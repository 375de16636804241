/* SPDX-License-Identifier: MIT */
/*
 * How long a scrape of about 10,000 sample lines takes to render, and how that
 * compares with one fprintf() for each line; in protobuf the histograms are native,
 * too.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "figure.h"

#include "daemon/exposition/exposition.h"

#define FAMILIES 40 /* of each type */
#define NODES 2
#define SERIES 20 /* of a counter or gauge family */
#define HISTOGRAMS 8
#define BOUNDS 12
#define CELLS 50
#define ROUNDS 450

/* All histograms read the same cells: only the writing is of interest. */
#define WORDS (FAMILIES * SERIES * 2 + CELLS + 1)
#define CELLS_AT (FAMILIES * SERIES * 2)

static union word rows[NODES][WORDS];
static union word host[WORDS];
static const union word *const nodes[NODES] = {rows[0], rows[1]};

static uint32_t cuts[BOUNDS] = {1, 5, 9, 13, 17, 21, 25, 29, 33, 37, 41, 45};
static char *bounds[BOUNDS] = {"0.001", "0.0025", "0.005", "0.01", "0.025", "0.05",
                               "0.1",   "0.25",   "0.5",   "1.0",  "2.5",   "5.0"};
static struct histogram_shape shape = {
    .cells = CELLS, .per_octave = 8, .lines = BOUNDS, .cut = cuts, .text = bounds};

static struct family families[3 * FAMILIES];
static struct series_set set = {.families = families, .count = 3 * FAMILIES, .words = WORDS};
static const struct snapshot snapshot = {
    .set = &set, .node_count = NODES, .nodes = nodes, .host = host};

static char *formatted(const char *format, unsigned a, unsigned b)
{
    char text[128];

    snprintf(text, sizeof text, format, a, b);
    char *copy = strdup(text);
    if (!copy)
        abort();
    return copy;
}

static void make_family(struct family *family, const char *name, unsigned number, uint32_t count)
{
    family->name = formatted(name, number, 0);
    family->help = formatted("What family %u of the bench counts.", number, 0);
    family->unit = formatted("", 0, 0);
    family->count = count;
    family->series = calloc(count, sizeof *family->series);
    if (!family->series)
        abort();
    for (uint32_t i = 0; i < count; i++)
        family->series[i].labels =
            formatted("operation=\"step_%u\",process=\"engine\",status=\"ok_%u\"", i, i % 3);
}

static void make_plain(struct family *family, enum series_type type, uint32_t first)
{
    family->type = type;
    for (uint32_t i = 0; i < SERIES; i++) {
        family->series[i].rows = type == SERIES_COUNTER ? ROWS_NODES : ROWS_HOST;
        family->series[i].at = first + i;
    }
}

static void make_histograms(struct family *family)
{
    family->type = SERIES_HISTOGRAM;
    for (uint32_t i = 0; i < HISTOGRAMS; i++)
        family->series[i] = (struct series){family->series[i].labels, CELLS_AT, ROWS_NODES, &shape};
}

static void make_set(void)
{
    for (unsigned i = 0; i < FAMILIES; i++) {
        struct family *family = &families[3 * i];

        make_family(family, "engram_bench_%02u_done_total", i, SERIES);
        make_plain(family, SERIES_COUNTER, i * SERIES * 2);
        make_family(family + 1, "engram_bench_%02u_used_ratio", i, SERIES);
        make_plain(family + 1, SERIES_GAUGE, i * SERIES * 2 + SERIES);
        make_family(family + 2, "engram_bench_%02u_seconds", i, HISTOGRAMS);
        make_histograms(family + 2);
    }
}

static void make_values(void)
{
    for (uint32_t word = 0; word < CELLS_AT; word++) {
        host[word].number = (double)word / 7.0;
        for (uint32_t node = 0; node < NODES; node++)
            rows[node][word].count = (uint64_t)word * word * word * (node + 1);
    }
    for (uint32_t node = 0; node < NODES; node++) {
        for (uint32_t cell = 0; cell < CELLS; cell++)
            rows[node][CELLS_AT + cell].count = cell * 1234u;
        rows[node][CELLS_AT + CELLS].number = 1234.56789;
    }
}

static void print_histogram(FILE *file, const char *name, const char *labels, unsigned node)
{
    const union word *cell = &rows[node][CELLS_AT];
    uint64_t total = 0;

    for (uint32_t line = 0, next = 0; line <= BOUNDS; line++) {
        for (uint32_t end = line < BOUNDS ? cuts[line] : CELLS - 1; next < end; next++)
            total += cell[next].count;
        fprintf(file, "%s_bucket{%s,numa_node=\"%u\",le=\"%s\"} %llu\n", name, labels, node,
                line < BOUNDS ? bounds[line] : "+Inf", (unsigned long long)total);
    }
    fprintf(file, "%s_sum{%s,numa_node=\"%u\"} %.17g\n", name, labels, node, cell[CELLS].number);
    fprintf(file, "%s_count{%s,numa_node=\"%u\"} %llu\n", name, labels, node,
            (unsigned long long)total);
}

static void print_series(FILE *file, const struct family *family, const struct series *series)
{
    if (family->type == SERIES_GAUGE) {
        fprintf(file, "%s{%s} %.17g\n", family->name, series->labels, host[series->at].number);
        return;
    }
    for (unsigned node = 0; node < NODES; node++) {
        if (family->type == SERIES_HISTOGRAM)
            print_histogram(file, family->name, series->labels, node);
        else
            fprintf(file, "%s{%s,numa_node=\"%u\"} %llu\n", family->name, series->labels, node,
                    (unsigned long long)rows[node][series->at].count);
    }
}

/* The yardstick: the same sample lines, one fprintf() each. */
static void print_all(void)
{
    char *text;
    size_t length;
    FILE *file = open_memstream(&text, &length);

    if (!file)
        abort();
    for (uint32_t i = 0; i < set.count; i++) {
        for (uint32_t j = 0; j < families[i].count; j++)
            print_series(file, &families[i], &families[i].series[j]);
    }
    fclose(file);
    free(text);
}

static double microseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

enum way { WAY_PRINTF, WAY_TEXT, WAY_OPENMETRICS, WAY_PROTOBUF, WAYS };

static double taken[WAYS][ROUNDS];

static void render(struct buffer *out, enum exposition_format format)
{
    buffer_reset(out);
    if (!exposition_render(out, &snapshot, format))
        abort();
}

/* The ways take turns, so that whatever else the machine does hits all of them. */
static void measure(struct buffer *out, size_t rounds)
{
    for (size_t round = 0; round < rounds; round++) {
        double start = microseconds();
        print_all();
        double printed = microseconds();
        render(out, EXPOSITION_TEXT);
        double text = microseconds();
        render(out, EXPOSITION_OPENMETRICS);
        double openmetrics = microseconds();
        render(out, EXPOSITION_PROTOBUF);
        taken[WAY_PROTOBUF][round] = microseconds() - openmetrics;
        taken[WAY_OPENMETRICS][round] = openmetrics - text;
        taken[WAY_TEXT][round] = text - printed;
        taken[WAY_PRINTF][round] = printed - start;
    }
}

static size_t count_samples(const struct buffer *out)
{
    size_t samples = 0;
    char last = '\n';

    for (size_t i = 0; i < out->length; i++) {
        samples += last == '\n' && out->data[i] != '#';
        last = out->data[i];
    }
    return samples;
}

int main(void)
{
    static const char *const names[WAYS] = {"lines as text", "lines as text",
                                            "lines as OpenMetrics", "lines in protobuf"};
    struct buffer out = {0};
    size_t rounds = quick() ? 60 : ROUNDS;
    char name[64];
    make_set();
    make_values();
    render(&out, EXPOSITION_TEXT);
    size_t lines = count_samples(&out);
    measure(&out, rounds);
    for (int way = 0; way < WAYS; way++) {
        snprintf(name, sizeof name, "%zu %s", lines, names[way]);
        figure_spread(name, way == WAY_PRINTF ? "fprintf" : "engram", "us", taken[way], rounds);
    }
    buffer_free(&out);
    return 0;
}
