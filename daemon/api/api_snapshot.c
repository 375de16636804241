/* SPDX-License-Identifier: MIT */
/*
 * /api/v1/snapshot: what happened in the last second, ten seconds, minute and five
 * minutes, as maps from the names of metrics and of series.
 */
#include "daemon/api/api.h"
#include "daemon/history/window.h"

#include <math.h>

#define SCHEMA_VERSION "1.0.0"
#define SERIES_MOST 20000 /* about 16 MB of text */

static void add_number(struct json *json, const char *name, double number)
{
    json_key(json, name);
    json_double(json, number);
}

/* What happened in no time has no rate. */
static void add_rate(struct json *json, double count, double seconds)
{
    add_number(json, "rate", seconds > 0 ? count / seconds : NAN);
}

static void add_spread(struct json *json, const struct window_stats *stats)
{
    add_number(json, "sum", stats->sum);
    add_number(json, "mean", stats->count ? stats->sum / (double)stats->count : NAN);
    add_number(json, "min", stats->least);
    add_number(json, "max", stats->most);
}

static void add_histogram(struct json *json, const struct window_stats *stats, double seconds)
{
    static const char *const names[WINDOW_QUANTILES] = {"p50", "p90", "p99"};
    json_member_u64(json, "count", stats->count);
    add_rate(json, (double)stats->count, seconds);
    add_spread(json, stats);
    for (uint32_t i = 0; i < WINDOW_QUANTILES; i++)
        add_number(json, names[i], stats->quantiles[i]);
}

static void add_stats(struct json *json, const struct tracked_family *family,
                      const struct window_stats *stats, double seconds)
{
    json_object(json);
    if (family->kind == CHANGE_CELLS) {
        add_histogram(json, stats, seconds);
    } else if (family->kind == CHANGE_COUNT) {
        json_member_u64(json, "count", stats->count);
        add_rate(json, (double)stats->count, seconds);
    } else if (family->type == SERIES_COUNTER) {
        add_number(json, "count", stats->increase);
        add_rate(json, stats->increase, seconds);
    } else {
        json_member_u64(json, "count", stats->count);
        add_spread(json, stats);
        add_number(json, "last", stats->last);
    }
    json_object_end(json);
}

/* NAME{LABELS}, as a text exposition has it. */
static void add_series_key(struct json *json, const struct tracked *series, struct buffer *room)
{
    buffer_reset(room);
    buffer_append_string(room, series->family->name);
    buffer_append_char(room, '{');
    buffer_append_string(room, series->labels);
    buffer_append_char(room, '}');
    json_name(json, room->failed ? "" : room->data, room->length);
}

/* The family under its name, then each of its series; one without labels is the family. */
static void add_family(struct json *json, const struct window_table *table,
                       const struct window_family *family, uint32_t window, struct buffer *room)
{
    double seconds = table->seconds[window];
    const struct window_series *series = &table->series[family->from];
    uint32_t count = family->to - family->from;
    const struct window_stats *all =
        count == 1 ? &series->windows[window] : &family->windows[window];
    json_key(json, family->family->name);
    add_stats(json, family->family, all, seconds);
    for (uint32_t i = 0; i < count; i++) {
        if (!*series[i].series->labels)
            continue;
        add_series_key(json, series[i].series, room);
        add_stats(json, family->family, &series[i].windows[window], seconds);
    }
}

static void add_windows(struct json *json, const struct window_table *table)
{
    struct buffer room = {0};
    for (uint32_t window = 0; window < WINDOWS; window++) {
        json_key(json, window_names[window]);
        json_object(json);
        for (uint32_t i = 0; i < table->family_count; i++)
            add_family(json, table, &table->families[i], window, &room);
        json_object_end(json);
    }
    buffer_free(&room);
}

static void add_lengths(struct json *json, const struct window_table *table)
{
    json_key(json, "window_seconds");
    json_object(json);
    for (uint32_t i = 0; i < WINDOWS; i++)
        add_number(json, window_names[i], table->seconds[i]);
    json_object_end(json);
}

static void add_export(struct json *json, const struct self *self)
{
    struct self_events events = self_event_figures(self);
    json_key(json, "export");
    json_object(json);
    json_member_u64(json, "exported", events.read);
    json_member_u64(json, "dropped", events.missed);
    json_member_u64(json, "queue_depth", events.depth);
    json_object_end(json);
}

int api_snapshot(const struct api *api, const struct parameters *parameters, struct json *json,
                 const char **error)
{
    struct window_table table;
    int status = 503;
    *error = "nothing is collected yet";
    if (!api->history->started)
        return status;
    if (!window_table_make(&table, api->history, &parameters->match)) {
        *error = "there is no memory for the answer";
    } else if (table.count > SERIES_MOST) {
        status = 400;
        *error = "these are more than 20000 series; ask for less with match, label or process";
    } else {
        status = 0;
        json_member_string(json, "schema_version", SCHEMA_VERSION);
        json_member_u64(json, "time_ms", api->history->wall);
        add_lengths(json, &table);
        add_windows(json, &table);
        add_export(json, api->self);
        api_add_history(api->history, json);
    }
    window_table_free(&table);
    return status;
}
