/* SPDX-License-Identifier: MIT */
/*
 * /api/v1/query: series over a stretch of the recent past, each as its points; a
 * histogram as its count and its sum.
 */
#include "daemon/api/api.h"
#include "daemon/history/history_path.h"
#include "daemon/snapshot/labels.h"

#include <stdlib.h>

#define RANGE_MS 300000   /* unless it is given */
#define POINTS_MOST 50000 /* of an answer: a megabyte or so */

/* A time at which there are values: where the path begins, and where each of its stretches does. */
struct instant {
    uint64_t time, wall; /* CLOCK_MONOTONIC and since 1970, ms */
    bool wanted;
};

struct answer {
    const struct history *history;
    struct json *json;
    struct history_path path;
    struct instant *instants; /* [path.count + 1], the newest first */
    uint32_t wanted;          /* of them */
    /* Of a series, at each instant: what it stands at, and the sum of a histogram. */
    union word *values;
    double *sums;
};

static void set_instants(struct answer *a)
{
    a->instants[0] = (struct instant){.time = a->history->to, .wall = a->history->wall};
    for (uint32_t i = 0; i < a->path.count; i++) {
        const struct stretch *stretch = a->path.at[i];
        bool last = i + 1 == a->path.count;
        a->instants[i + 1] = (struct instant){
            .time = stretch->from,
            .wall = last ? stretch->wall - (stretch->to - stretch->from) : a->path.at[i + 1]->wall};
    }
}

/* The newest, and from there back no more than one in a step. */
static void choose_instants(struct answer *a, uint64_t step)
{
    uint64_t before = 0;
    for (uint32_t i = 0; i <= a->path.count; i++) {
        struct instant *instant = &a->instants[i];
        instant->wanted = i == 0 || before >= instant->time + step - step / 20;
        before = instant->wanted ? instant->time : before;
        a->wanted += instant->wanted;
    }
}

static void undo_cells(const struct tracked *series, struct stretch_reader *reader,
                       union word *count, double *sum)
{
    double part;
    uint32_t gap, at = 0;
    for (uint32_t i = stretch_take_cells(reader, &part); i > 0; i--, at++) {
        struct count_change change = stretch_take_cell(reader, &gap);
        at += gap;
        if (at + 1 < series->family->shape.cells)
            count->count -= (uint64_t)change.net;
    }
    *sum -= part;
}

/* From what a series stands at in the end of a stretch to what it did at its start. */
static void undo(const struct answer *a, const struct tracked *series,
                 const struct stretch *stretch, union word *value, double *sum)
{
    struct stretch_reader reader = stretch_read(stretch, series->id / STRETCH_GROUP);
    uint32_t index = series->id % STRETCH_GROUP;
    if (!(reader.changed >> index & 1))
        return;
    for (uint32_t i = 0; i < index; i++)
        if (reader.changed >> i & 1)
            stretch_skip(&reader, a->history->tracking.slots[series->id - index + i].kind);
    switch (series->family->kind) {
    case CHANGE_COUNT:
        value->count -= (uint64_t)stretch_take_count(&reader).net;
        break;
    case CHANGE_NUMBER:
        value->count ^= stretch_take_number(&reader).bits;
        break;
    case CHANGE_CELLS:
        undo_cells(series, &reader, value, sum);
        break;
    }
}

static void walk_back(const struct answer *a, const struct tracked *series)
{
    union word value = series->values[0];
    double sum = 0;
    uint32_t cells = series->family->shape.cells;
    if (cells) {
        value.count = 0;
        for (uint32_t i = 0; i + 1 < cells; i++)
            value.count += series->values[i].count;
        sum = series->values[cells].number + series->values[cells + 1].number;
    }
    for (uint32_t i = 0;; i++) {
        a->values[i] = value;
        a->sums[i] = sum;
        if (i == a->path.count)
            return;
        undo(a, series, a->path.at[i], &value, &sum);
    }
}

static bool has_point(const struct answer *a, const struct tracked *series, uint32_t i)
{
    const struct instant *instant = &a->instants[i];
    bool absent = series->family->kind == CHANGE_NUMBER && a->values[i].count == ENGRAM_GAUGE_UNSET;
    return instant->wanted && !absent && instant->time >= series->first &&
           instant->time <= series->last;
}

static void add_points(const struct answer *a, const struct tracked *series, bool sums)
{
    struct json *json = a->json;
    json_key(json, "points");
    json_array(json);
    for (uint32_t i = a->path.count + 1; i-- > 0;) {
        if (!has_point(a, series, i))
            continue;
        json_array(json);
        json_u64(json, a->instants[i].wall);
        if (sums)
            json_double(json, a->sums[i]);
        else if (series->family->kind == CHANGE_NUMBER)
            json_double(json, a->values[i].number);
        else
            json_u64(json, a->values[i].count);
        json_array_end(json);
    }
    json_array_end(json);
}

static void add_series(const struct answer *a, const struct tracked *series, const char *suffix,
                       bool sums)
{
    static const char *const types[] = {[SERIES_COUNTER] = "counter",
                                        [SERIES_GAUGE] = "gauge",
                                        [SERIES_HISTOGRAM] = "histogram",
                                        [SERIES_INFO] = "info"};
    struct json *json = a->json;
    struct buffer name = {0};
    buffer_append_string(&name, series->family->name);
    buffer_append_string(&name, suffix);
    json_object(json);
    json_key(json, "name");
    json_text(json, name.failed ? "" : name.data, name.length);
    json_member_string(json, "type", types[series->family->type]);
    json_key(json, "labels");
    json_object(json);
    labels_add(json, series->labels);
    json_object_end(json);
    add_points(a, series, sums);
    json_object_end(json);
    buffer_free(&name);
}

static bool is_asked_for(const struct answer *a, const struct match *match,
                         const struct tracked *series)
{
    return series->last >= a->path.from && tracked_matches(series, match);
}

/* How many points there are at most. */
static uint64_t count_points(const struct answer *a, const struct match *match)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < a->history->tracking.count; i++) {
        const struct tracked *series = a->history->tracking.order[i];
        if (is_asked_for(a, match, series))
            count += series->family->kind == CHANGE_CELLS ? 2 * a->wanted : a->wanted;
    }
    return count;
}

static void add_all(const struct answer *a, const struct match *match)
{
    json_member_u64(a->json, "time_ms", a->history->wall);
    json_member_u64(a->json, "from_ms", a->instants[a->path.count].wall);
    api_add_history(a->history, a->json);
    json_key(a->json, "series");
    json_array(a->json);
    for (uint32_t i = 0; i < a->history->tracking.count; i++) {
        const struct tracked *series = a->history->tracking.order[i];
        if (!is_asked_for(a, match, series))
            continue;
        walk_back(a, series);
        bool cells = series->family->kind == CHANGE_CELLS;
        add_series(a, series, cells ? "_count" : "", false);
        if (cells)
            add_series(a, series, "_sum", true);
    }
    json_array_end(a->json);
}

static int answer(struct answer *a, const struct parameters *parameters, const char **error)
{
    uint64_t range = parameters->range_ms ? parameters->range_ms : RANGE_MS;
    uint64_t now = a->history->to, to = now > range ? now - range : 0;
    history_path_begin(a->history, &a->path);
    history_path_extend(a->history, &a->path, to, parameters->step_ms >= HISTORY_MERGED_MS);
    a->instants = calloc(a->path.count + 1, sizeof *a->instants);
    a->values = calloc(a->path.count + 1, sizeof *a->values);
    a->sums = calloc(a->path.count + 1, sizeof *a->sums);
    *error = "there is no memory for the answer";
    if (!a->instants || !a->values || !a->sums)
        return 503;
    set_instants(a);
    choose_instants(a, parameters->step_ms);
    *error = "these are more than 50000 points; ask for fewer series, a shorter range or a wider "
             "step";
    if (count_points(a, &parameters->match) > POINTS_MOST)
        return 400;
    add_all(a, &parameters->match);
    return 0;
}

int api_query(const struct api *api, const struct parameters *parameters, struct json *json,
              const char **error)
{
    struct answer *a = calloc(1, sizeof *a);
    int status = 503;
    *error = a ? "nothing is collected yet" : "there is no memory for the answer";
    if (a && api->history->started) {
        a->history = api->history;
        a->json = json;
        status = answer(a, parameters, error);
        free(a->instants);
        free(a->values);
        free(a->sums);
    }
    free(a);
    return status;
}
