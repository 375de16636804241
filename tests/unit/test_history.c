/* SPDX-License-Identifier: MIT */
/*
 * The history against a model that forgets nothing: series of every kind come, go,
 * jump and fall at random, and whatever the history says must follow from what the
 * model has, in windows and point by point.
 */
#include "daemon/api/api.h"
#include "daemon/history/quantile.h"
#include "daemon/history/window.h"
#include "suites.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLES 700
#define EACH 30 /* series of each family */
#define CELLS 12
#define START 1000000 /* ms: when the first sample is */

enum model { COUNTER, TOTAL, GAUGE, SUMMED, HISTOGRAM, MODELS };

static const struct {
    const char *name;
    enum series_type type;
    enum series_rows rows;
    uint32_t words;
} models[MODELS] = {
    {"a_total", SERIES_COUNTER, ROWS_NODES, 1},
    {"b_total", SERIES_COUNTER, ROWS_COMPUTED, 1},
    {"g", SERIES_GAUGE, ROWS_HOST, 1},
    {"s", SERIES_GAUGE, ROWS_SUMMED, 1},
    {"t_seconds", SERIES_HISTOGRAM, ROWS_NODES, CELLS + SUM_WORDS},
};

/* What a series stood at in a sample; a number as it is shown. */
struct state {
    bool there;
    uint64_t counts[CELLS];
    double number, sum;
};

static struct state past[SAMPLES][MODELS * EACH];
static uint64_t times[SAMPLES];
static uint32_t samples; /* so far */

static struct histogram_shape shape = {.cells = CELLS, .first = -4, .per_octave = 8};
static struct family families[MODELS];
static struct series series[MODELS * EACH];
static char labels[EACH][8];
static struct series_set set = {.families = families, .count = MODELS};
static union word rows[2][MODELS * EACH * (CELLS + SUM_WORDS)], host[1000], computed[1000];
static const union word *const nodes[] = {rows[0], NULL, rows[1]};

static struct history history;
static struct buffer body;

static void begin(size_t budget)
{
    srand48(7);
    samples = 0;
    set.version = 0;
    memset(past, 0, sizeof past);
    for (int i = 0; i < EACH; i++)
        snprintf(labels[i], sizeof labels[i], "i=\"%02d\"", i);
    history_start(&history, budget);
    body = (struct buffer){0};
}

static void end(void)
{
    history_stop(&history);
    buffer_free(&body);
}

/* The plan with those series that are there in a sample; their places change each time. */
static void make_set(const struct state *now)
{
    uint32_t next = 0, word = (uint32_t)(lrand48() % 3);
    for (int model = 0; model < MODELS; model++) {
        struct family *family = &families[model];
        *family = (struct family){.name = (char *)(uintptr_t)models[model].name,
                                  .type = models[model].type,
                                  .series = &series[next]};
        for (int i = 0; i < EACH; i++) {
            if (!now[model * EACH + i].there)
                continue;
            series[next++] = (struct series){.labels = labels[i],
                                             .at = word,
                                             .rows = (uint8_t)models[model].rows,
                                             .shape = model == HISTOGRAM ? &shape : NULL};
            word += models[model].words;
            family->count++;
        }
    }
    set.version++;
}

/* Puts a state into the rows, split between the nodes. */
static void put_state(enum model model, const struct series *to, const struct state *now)
{
    uint32_t cells = model == HISTOGRAM ? CELLS : 1;
    uint64_t part = (uint64_t)lrand48();
    switch (model) {
    case TOTAL:
        computed[to->at].number = now->number;
        return;
    case GAUGE:
        host[to->at].number = now->number;
        if (isnan(now->number))
            host[to->at].count = ENGRAM_GAUGE_UNSET;
        return;
    case SUMMED:
        rows[0][to->at].count = (uint64_t)(int64_t)now->number - part;
        rows[1][to->at].count = part;
        return;
    default:
        break;
    }
    for (uint32_t i = 0; i < cells; i++) {
        rows[1][to->at + i].count = part % (now->counts[i] + 1);
        rows[0][to->at + i].count = now->counts[i] - part % (now->counts[i] + 1);
    }
    if (model == HISTOGRAM) {
        rows[0][to->at + CELLS].number = now->sum / 4;
        rows[1][to->at + CELLS].number = now->sum * 3 / 4;
        rows[0][to->at + CELLS + 1].number = rows[1][to->at + CELLS + 1].number = 0;
    }
}

static void take(const struct state *now, uint64_t time)
{
    make_set(now);
    for (int model = 0; model < MODELS; model++)
        for (int i = 0, at = 0; i < EACH; i++)
            if (now[model * EACH + i].there)
                put_state((enum model)model, &families[model].series[at++], &now[model * EACH + i]);
    const struct snapshot snapshot = {.set = &set,
                                      .time = time * 1000000,
                                      .node_count = 3,
                                      .nodes = nodes,
                                      .host = host,
                                      .computed = computed};
    history_take(&history, &snapshot, time + 5000000);
}

/* Counts grow by anything, stand still for most of the time, and rarely fall. */
static void move_count(uint64_t *count, bool falls)
{
    if (drand48() < 0.5)
        *count += (uint64_t)lrand48() % 1000;
    if (drand48() < 0.01)
        *count += UINT64_C(1) << (lrand48() % 40);
    if (falls && drand48() < 0.01)
        *count /= 2;
}

static void move(enum model model, struct state *now, bool restless)
{
    uint32_t cells = model == HISTOGRAM ? CELLS : 1;
    for (uint32_t i = 0; i < cells && model != TOTAL; i++)
        move_count(&now->counts[i], model == COUNTER && restless);
    if (model == HISTOGRAM)
        now->sum += drand48();
    else if (model == TOTAL)
        now->number += drand48() < 0.5 ? drand48() : 0;
    else if (drand48() < 0.5)
        now->number = model == SUMMED ? (double)(lrand48() % 2000 - 1000) : drand48() - 0.5;
    if (model == GAUGE && drand48() < 0.05)
        now->number = NAN;
    if (restless && drand48() < 0.03)
        now->there = !now->there;
}

/* One more sample, about a second after the last. */
static void step(bool restless)
{
    struct state *now = past[samples];
    if (samples)
        memcpy(now, past[samples - 1], sizeof past[0]);
    for (int i = 0; i < MODELS * EACH; i++) {
        now[i].there |= samples == 0 && (!restless || i % 3);
        move((enum model)(i / EACH), &now[i], restless);
    }
    times[samples] = samples ? times[samples - 1] + 990 + (uint64_t)lrand48() % 20 : START;
    take(now, times[samples++]);
}

/* The sample that a window or a range begins with. */
static uint32_t sample_at(uint64_t time)
{
    for (uint32_t i = 0; i < samples; i++)
        if (times[i] == time)
            return i;
    ck_abort_msg("there is no sample at %lu", (unsigned long)time);
}

/* What was counted after sample `from`.  What is new has counted all that it stands at; what was
 * away goes on from where it was. */
static uint64_t counted(int which, uint32_t cell, uint32_t from)
{
    uint64_t before = 0, sum = 0;
    bool known = false;
    for (uint32_t i = 0; i < samples; i++) {
        const struct state *now = &past[i][which];
        if (!now->there)
            continue;
        uint64_t base = known ? before : i ? 0 : now->counts[cell];
        if (i > from && now->counts[cell] > base)
            sum += now->counts[cell] - base;
        before = now->counts[cell];
        known = true;
    }
    return sum;
}

static void check_number(int which, uint32_t from, const struct window_stats *stats)
{
    double least = INFINITY, most = -INFINITY, sum = 0;
    uint64_t count = 0;
    for (uint32_t i = from + 1; i < samples; i++) {
        const struct state *now = &past[i][which];
        if (!now->there || isnan(now->number))
            continue;
        least = fmin(least, now->number);
        most = fmax(most, now->number);
        sum += now->number;
        count++;
    }
    const struct state *last = &past[samples - 1][which];
    ck_assert_uint_eq(stats->count, count);
    ck_assert(count ? stats->least == least && stats->most == most
                    : isnan(stats->least) && isnan(stats->most));
    ck_assert_double_eq_tol(stats->sum, sum, 1e-6);
    ck_assert(last->there && !isnan(last->number) ? stats->last == last->number
                                                  : isnan(stats->last));
}

static void check_histogram(int which, uint32_t from, const struct window_stats *stats)
{
    uint64_t cells[CELLS], count = 0;
    for (uint32_t i = 0; i < CELLS; i++)
        cells[i] = counted(which, i, from);
    for (uint32_t i = 0; i + 1 < CELLS; i++)
        count += cells[i];
    ck_assert_uint_eq(stats->count, count);
    for (uint32_t i = 0; i < WINDOW_QUANTILES && count; i++)
        ck_assert(stats->quantiles[i] == cells_quantile(&shape, cells, window_quantiles[i]));
    ck_assert(count ? stats->least == cells_least(&shape, cells) : isnan(stats->least));
}

static void check_series(const struct window_series *one, const double *seconds)
{
    int model = 0, which = atoi(one->series->labels + 3);
    while (strcmp(models[model].name, one->series->family->name) != 0)
        model++;
    which += model * EACH;
    for (uint32_t i = 0; i < WINDOWS; i++) {
        uint64_t ms = (uint64_t)llround(seconds[i] * 1000);
        uint32_t from = sample_at(times[samples - 1] - ms);
        if (model == COUNTER)
            ck_assert_uint_eq(one->windows[i].count, counted(which, 0, from));
        else if (model == HISTOGRAM)
            check_histogram(which, from, &one->windows[i]);
        else
            check_number(which, from, &one->windows[i]);
    }
}

static uint32_t check_windows(double seconds[WINDOWS])
{
    struct window_table table;
    ck_assert(window_table_make(&table, &history, &MATCH_EVERYTHING));
    memcpy(seconds, table.seconds, sizeof table.seconds);
    for (uint32_t i = 0; i < table.count; i++)
        check_series(&table.series[i], table.seconds);
    uint32_t count = table.count;
    window_table_free(&table);
    return count;
}

START_TEST(windows_are_what_was_counted)
{
    static const double wanted[WINDOWS] = {1, 10, 60, 300};
    double seconds[WINDOWS];
    begin(32 << 20);
    for (uint32_t i = 0; i < SAMPLES; i++) {
        step(true);
        if (i % 37 && i != 1 && i + 1 != SAMPLES)
            continue;
        ck_assert_uint_gt(check_windows(seconds), 3 * EACH);
        for (uint32_t j = 0; j < WINDOWS; j++)
            ck_assert_double_eq_tol(seconds[j], fmin(wanted[j], (double)i), i > 11 ? 0.52 : 1);
    }
    ck_assert_uint_gt(history.coarse.count, 50);
    end();
}
END_TEST

/* All series of a family together, as one that has the samples of all. */
START_TEST(families_are_their_series)
{
    struct window_table table;
    begin(32 << 20);
    for (uint32_t i = 0; i < 30; i++)
        step(false);
    ck_assert(window_table_make(&table, &history, &MATCH_EVERYTHING));
    ck_assert_uint_eq(table.family_count, MODELS);
    for (uint32_t i = 0; i < table.family_count; i++) {
        const struct window_family *family = &table.families[i];
        uint64_t count = 0;
        double sum = 0, least = INFINITY, most = -INFINITY;
        ck_assert_uint_eq(family->to - family->from, EACH);
        for (uint32_t j = family->from; j < family->to; j++) {
            const struct window_stats *one = &table.series[j].windows[1];
            count += one->count;
            sum += one->sum;
            least = fmin(least, one->least);
            most = fmax(most, one->most);
        }
        ck_assert_uint_eq(family->windows[1].count, count);
        ck_assert_double_eq_tol(family->windows[1].sum, sum, 1e-6);
        if (i > COUNTER)
            ck_assert(family->windows[1].least == least && family->windows[1].most == most);
    }
    window_table_free(&table);
    end();
}
END_TEST

/* The number of bytes is what it is allowed, however little that is; what is left is right. */
START_TEST(budget_holds_and_the_past_gets_shorter)
{
    double seconds[WINDOWS];
    static const size_t budgets[] = {60000, 120000, 240000};
    size_t budget = budgets[_i];
    begin(budget);
    for (uint32_t i = 0; i < SAMPLES; i++) {
        step(false);
        ck_assert_uint_le(history_bytes(&history), budget);
    }
    ck_assert_uint_eq(check_windows(seconds), MODELS * EACH);
    uint64_t reach = history.to - history_oldest(&history);
    ck_assert_uint_gt(reach, 2000);
    ck_assert_uint_lt(reach, 690000);
    ck_assert(seconds[3] * 1000 <= (double)reach);
    ck_assert_uint_eq(history.tracking.left_out, 0);
    end();
}
END_TEST

/* Series that there is no room for are counted; once there is, they start with what they have. */
START_TEST(series_without_room_are_left_out)
{
    begin(40000);
    for (uint32_t i = 0; i < 20; i++)
        step(false);
    uint32_t left_out = history.tracking.left_out;
    ck_assert_uint_gt(left_out, 0);
    ck_assert_uint_lt(left_out, MODELS * EACH);
    ck_assert_uint_eq(history.tracking.count + left_out, MODELS * EACH);
    ck_assert_uint_le(history_bytes(&history), 40000);
    history.budget = 1 << 20;
    history.tracking.limit = 1 << 19;
    step(false);
    ck_assert_uint_eq(history.tracking.left_out, 0);
    struct window_table table;
    ck_assert(window_table_make(&table, &history, &MATCH_EVERYTHING));
    for (uint32_t i = 0; i < table.count; i++)
        if (table.series[i].series->first == history.to &&
            table.series[i].series->family->shape.cells)
            ck_assert_uint_eq(table.series[i].windows[3].count, 0);
    window_table_free(&table);
    end();
}
END_TEST

/* What ended before all that is left takes no memory any more, nor do its numbers. */
START_TEST(what_is_over_is_forgotten)
{
    static struct state now[MODELS * EACH];
    begin(1 << 20);
    now[0].there = now[GAUGE * EACH].there = true;
    for (uint32_t i = 0; i < 8000; i++) {
        snprintf(labels[0], sizeof labels[0], "i=\"%u\"", i / 40);
        now[GAUGE * EACH].number = i;
        take(now, START + i * 1000);
    }
    ck_assert_uint_gt(history.tracking.count, 180);
    ck_assert_uint_lt(history.tracking.count, 190);
    ck_assert_uint_lt(history.tracking.slot_count, 190);
    now[0].there = now[GAUGE * EACH].there = false;
    for (uint32_t i = 8000; i < 12000; i++)
        take(now, START + i * 1000);
    ck_assert_uint_eq(history.tracking.count, 0);
    ck_assert_uint_eq(history.tracking.unused_count, history.tracking.slot_count);
    end();
}
END_TEST

static uint32_t count_new_series(void)
{
    struct window_table table;
    uint32_t count = 0;
    ck_assert(window_table_make(&table, &history, &MATCH_EVERYTHING));
    for (uint32_t i = 0; i < table.count; i++)
        count += table.series[i].series->first == history.to;
    window_table_free(&table);
    return count;
}

/* Counts of other buckets do not go on where those of before were. */
START_TEST(other_buckets_are_another_series)
{
    begin(1 << 20);
    for (int i = 0; i < 3; i++)
        step(false);
    ck_assert_uint_eq(count_new_series(), 0);
    shape.per_octave = 4;
    step(false);
    ck_assert_uint_eq(count_new_series(), EACH);
    shape.first++;
    step(false);
    ck_assert_uint_eq(count_new_series(), EACH);
    step(false);
    ck_assert_uint_eq(count_new_series(), 0);
    end();
}
END_TEST

/* A snapshot that lacks a socket, or that was taken in before, changes nothing. */
START_TEST(what_says_nothing_is_passed_over)
{
    begin(1 << 20);
    step(false);
    step(false);
    const struct snapshot old = {.set = &set, .time = times[1] * 1000000, .node_count = 0};
    const struct snapshot lacks = {
        .set = &set, .time = times[1] * 2000000, .node_count = 0, .incomplete = true};
    history_take(&history, &old, 1);
    history_take(&history, &lacks, 1);
    ck_assert_uint_eq(history.to, times[1]);
    ck_assert_uint_eq(history.fine.count, 1);
    end();
}
END_TEST

/* The answer to a query; the numbers of its first series' points. */
static const char *queried(const char *query)
{
    struct api api = {.history = &history};
    buffer_reset(&body);
    int status = api_answer(&api, API_ROOT "v1/query", query, &body);
    buffer_append_char(&body, 0);
    ck_assert_msg(status == 200, "%s", body.data);
    return body.data;
}

/* Checks a series' points against the model; how many there are. */
static uint32_t check_points(const char *from, int which, double (*value)(const struct state *))
{
    uint32_t count = 0;
    const char *at = strstr(from, "\"points\":[");
    ck_assert_ptr_nonnull(at);
    char *next = (char *)(uintptr_t)at + strlen("\"points\":[");
    while (*next == '[' || *next == ',') {
        next += 1 + (*next == ',');
        const struct state *then = &past[sample_at(strtoull(next, &next, 10) - 5000000)][which];
        double is = strtod(next + 1, &next);
        ck_assert_double_eq_tol(is, value(then), 1e-6);
        ck_assert(then->there);
        count++;
        next++;
    }
    return count;
}

static double count_of(const struct state *state)
{
    return (double)state->counts[0];
}

static double number_of(const struct state *state)
{
    return state->number;
}

static double values_of(const struct state *state)
{
    double sum = 0;
    for (int i = 0; i + 1 < CELLS; i++)
        sum += (double)state->counts[i];
    return sum;
}

static double sum_of(const struct state *state)
{
    return state->sum;
}

/* Point by point, over fine and coarse stretches alike. */
START_TEST(points_are_what_was_there)
{
    begin(32 << 20);
    for (uint32_t i = 0; i < SAMPLES; i++)
        step(false);
    ck_assert_uint_eq(check_points(queried("match=a_total&label=i:07&range=4m"), 7, count_of), 241);
    ck_assert_uint_gt(
        check_points(queried("match=g&label=i:03&range=4m"), GAUGE * EACH + 3, number_of), 100);
    ck_assert_uint_eq(
        check_points(queried("match=s&label=i:19&range=4m"), SUMMED * EACH + 19, number_of), 241);
    ck_assert_uint_eq(
        check_points(queried("match=b*&label=i:00&range=4m"), TOTAL * EACH, number_of), 241);
    const char *text = queried("match=t_seconds&label=i:11&range=20m");
    uint32_t points =
        check_points(strstr(text, "\"t_seconds_count\""), HISTOGRAM * EACH + 11, values_of);
    ck_assert_uint_gt(points, history.fine.count + 20);
    ck_assert_uint_lt(points, history.fine.count + history.coarse.count);
    check_points(strstr(text, "\"t_seconds_sum\""), HISTOGRAM * EACH + 11, sum_of);
    points = check_points(queried("match=a_total&label=i:07&range=4m&step=30"), 7, count_of);
    ck_assert_uint_ge(points, 8); /* each half a minute, but for where samples are */
    ck_assert_uint_le(points, 9);
    end();
}
END_TEST

/* With series that come, go and fall. */
START_TEST(points_of_a_restless_past)
{
    char query[64];
    begin(32 << 20);
    for (uint32_t i = 0; i < 400; i++)
        step(true);
    uint32_t points = 0;
    for (int i = 0; i < EACH; i++) {
        snprintf(query, sizeof query, "match=g&label=i:%02d&range=1h", i);
        points += check_points(queried(query), GAUGE * EACH + i, number_of);
    }
    ck_assert_uint_gt(points, 1000);
    end();
}
END_TEST

START_TEST(too_many_points)
{
    struct api api = {.history = &history};
    begin(32 << 20);
    for (uint32_t i = 0; i < 600; i++)
        step(false);
    ck_assert_int_eq(api_answer(&api, API_ROOT "v1/query", "range=1h", &body), 400);
    buffer_append_char(&body, 0);
    ck_assert_ptr_nonnull(strstr(body.data, "more than 50000 points"));
    ck_assert_int_eq(api_answer(&api, API_ROOT "v1/query", "range=1h&step=1m", &body), 200);
    ck_assert_int_eq(api_answer(&api, API_ROOT "v1/query", "range=1x", &body), 400);
    ck_assert_int_eq(api_answer(&api, API_ROOT "v1/query", "step=0", &body), 400);
    end();
}
END_TEST

Suite *history_suite(void)
{
    Suite *suite = suite_create("history");
    TCase *tests = tcase_create("history");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, windows_are_what_was_counted);
    tcase_add_test(tests, families_are_their_series);
    tcase_add_loop_test(tests, budget_holds_and_the_past_gets_shorter, 0, 3);
    tcase_add_test(tests, series_without_room_are_left_out);
    tcase_add_test(tests, what_is_over_is_forgotten);
    tcase_add_test(tests, other_buckets_are_another_series);
    tcase_add_test(tests, what_says_nothing_is_passed_over);
    tcase_add_test(tests, points_are_what_was_there);
    tcase_add_test(tests, points_of_a_restless_past);
    tcase_add_test(tests, too_many_points);
    suite_add_tcase(suite, tests);
    return suite;
}
