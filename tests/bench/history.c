/* SPDX-License-Identifier: MIT */
/*
 * What the history costs the event loop with 10,000 series: taking in a sample a
 * second, merging ten of them, and answering for all windows of all series; and
 * how far back the default budget reaches.
 */
#include "figure.h"

#include "daemon/api/api.h"

#include <time.h>

#define COUNTERS 8000
#define GAUGES 1000
#define HISTOGRAMS 1000
#define CELLS 190
#define BUSY_CELLS 10 /* of a histogram, that move in a second */
#define BUDGET ((size_t)32 << 20)
#define WORDS (COUNTERS + GAUGES + HISTOGRAMS * (CELLS + SUM_WORDS))

static union word rows[2][WORDS], host[WORDS];
static const union word *const nodes[] = {rows[0], rows[1]};
static struct histogram_shape shape = {.cells = CELLS, .first = -160, .per_octave = 8};
static struct series series[COUNTERS + GAUGES + HISTOGRAMS];
static struct family families[] = {
    {"bench_ratio", "", "", SERIES_GAUGE, series + COUNTERS, GAUGES},
    {"bench_seconds", "", "", SERIES_HISTOGRAM, series + COUNTERS + GAUGES, HISTOGRAMS},
    {"bench_total", "", "", SERIES_COUNTER, series, COUNTERS},
};
static struct series_set set = {.families = families, .count = 3, .words = WORDS, .version = 1};
static struct history history;
static struct self *self;

static void make_series(void)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < COUNTERS + GAUGES + HISTOGRAMS; i++) {
        char *labels = malloc(64);
        if (!labels)
            abort();
        snprintf(labels, 64, "operation=\"step_%05u\",process=\"engine\"", i);
        series[i] = (struct series){.labels = labels, .at = at, .rows = ROWS_NODES};
        if (i >= COUNTERS + GAUGES)
            series[i].shape = &shape;
        else if (i >= COUNTERS)
            series[i].rows = ROWS_HOST;
        at += series[i].shape ? CELLS + SUM_WORDS : 1;
    }
}

/* A second in which everything happens. */
static void move(void)
{
    for (uint32_t i = 0; i < COUNTERS; i++)
        rows[i & 1][i].count += (uint64_t)lrand48() % 20000;
    for (uint32_t i = COUNTERS; i < COUNTERS + GAUGES; i++)
        host[i].number = drand48();
    for (uint32_t i = 0; i < HISTOGRAMS; i++) {
        union word *cells = &rows[i & 1][series[COUNTERS + GAUGES + i].at];
        for (uint32_t j = 0; j < BUSY_CELLS; j++)
            cells[60 + (uint32_t)lrand48() % 40].count += (uint64_t)lrand48() % 1000;
        cells[CELLS].number += drand48();
    }
}

/* Of this thread, ns: other programs on the machine have no part in it. */
static uint64_t cpu_time(void)
{
    struct timespec used;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return (uint64_t)used.tv_sec * UINT64_C(1000000000) + (uint64_t)used.tv_nsec;
}

static double take(uint64_t second)
{
    const struct snapshot snapshot = {.set = &set,
                                      .time = second * UINT64_C(1000000000),
                                      .node_count = 2,
                                      .nodes = nodes,
                                      .host = host};
    uint64_t start = cpu_time();
    history_take(&history, &snapshot, second * 1000);
    return (double)(cpu_time() - start) * 1e-6;
}

static double plain[1200], merging[120];

static void bench_samples(uint64_t seconds)
{
    const uint64_t merged = HISTORY_MERGED_MS / HISTORY_SAMPLE_MS;
    size_t plains = 0, merges = 0;
    for (uint64_t second = 1; second <= seconds; second++) {
        move();
        double took = take(second);
        if (second % merged == 0)
            merging[merges++] = took;
        else
            plain[plains++] = took;
    }
    figure_spread("a sample, each second", "engram", "ms", plain, plains);
    figure_spread("a sample that merges ten", "engram", "ms", merging, merges);
    figure_once("memory of the past", "engram", "MB", (double)history_bytes(&history) * 1e-6);
    figure_once("which reaches back", "engram", "s",
                (double)(history.to - history_oldest(&history)) / 1000);
}

static void bench_answer(const char *what, const char *path, const char *query)
{
    struct api api = {.history = &history, .self = self};
    double took[TURNS_MOST];
    for (size_t i = 0; i < turns(); i++) {
        struct buffer body = {0};
        uint64_t start = cpu_time();
        if (api_answer(&api, path, query, &body) != 200)
            abort();
        took[i] = (double)(cpu_time() - start) * 1e-6;
        buffer_free(&body);
    }
    figure(what, "engram", "ms", took, turns());
}

int main(void)
{
    make_series();
    self = self_new(1, "", "");
    if (!self)
        return 1;
    history_start(&history, BUDGET);
    bench_samples(quick() ? 60 : 1200);
    bench_answer("windows of all series", API_SNAPSHOT, "");
    bench_answer("windows of one series", API_SNAPSHOT, "label=operation:step_00007");
    bench_answer("an hour of one series", API_ROOT "v1/query",
                 "label=operation:step_00007&range=1h");
    bench_answer("40 s of 1000 series", API_ROOT "v1/query", "match=bench_ratio&range=40s");
    history_stop(&history);
    self_free(self);
    return 0;
}
