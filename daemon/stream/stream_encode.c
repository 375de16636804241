/* SPDX-License-Identifier: MIT */
#include "daemon/stream/stream_encode.h"
#include "daemon/base/clock.h"
#include "daemon/base/json.h"
#include "daemon/base/wall.h"
#include "daemon/snapshot/labels.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEALTH_FAMILY (engram_catalogue[ENGRAM_HEALTH_STATUS].name)
#define ALERT_FAMILY (engram_catalogue[ENGRAM_ALERT_STATE].name)
#define LINE "\ndata: "

bool stream_id_parse(struct stream_id *id, const char *text)
{
    int length = 0;
    return sscanf(text, "%16" SCNx64 "-%20" SCNu64 "%n", &id->epoch, &id->sequence, &length) == 2 &&
           text[length] == '\0';
}

static void append_time(struct json *json, uint64_t monotonic)
{
    char text[32];
    int length = snprintf(text, sizeof text, "%.3f", wall_ms(monotonic));
    json_key(json, "time_ms");
    json_encoded(json, text, (size_t)length);
}

/* From the name up to the object that is open then. */
static struct json begin(struct buffer *out, const char *name, struct stream_id id)
{
    char head[96];
    int length = snprintf(head, sizeof head, "event: %s\nid: %" PRIx64 "-%" PRIu64 LINE, name,
                          id.epoch, id.sequence);
    struct json json = {.out = out};
    buffer_append(out, head, (size_t)length);
    json_object(&json);
    return json;
}

static void end(struct json *json)
{
    json_object_end(json);
    buffer_append_string(json->out, "\n\n");
}

/* Each series has a line of its own, for who reads them by eye. */
static void begin_series(struct json *json, const struct selection *selection,
                         const struct pick *pick)
{
    json_separate(json);
    buffer_append_string(json->out, LINE);
    json->more = false;
    json_object(json);
    json_encoded(json, selection->heads.data + pick->head, pick->head_length);
}

static void append_number(struct json *json, enum pick_type type, const union word *word)
{
    if (type == PICK_U64)
        json_u64(json, word->count);
    else if (type == PICK_I64)
        json_i64(json, (int64_t)word->count);
    else
        json_double(json, word->number);
}

static uint64_t observations(const struct pick *pick, const union word *words)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i + 1 < pick->series->shape->cells; i++)
        count += words[i].count;
    return count;
}

static void append_count_and_sum(struct json *json, const char *key, uint64_t count, double sum)
{
    json_key(json, key);
    json_object(json);
    json_key(json, "count");
    json_u64(json, count);
    json_key(json, "sum");
    json_double(json, sum);
    json_object_end(json);
}

static double sum_of(const struct pick *pick, const union word *words)
{
    return words[pick->series->shape->cells].number;
}

/* What each line of the text exposition counts more than the one before it, against `before` or,
 * if that is NULL, in all; lines that count nothing are left out. */
static void append_buckets(struct json *json, const struct pick *pick, const union word *now,
                           const union word *before)
{
    const struct histogram_shape *shape = pick->series->shape;
    json_key(json, "buckets");
    json_array(json);
    for (uint32_t line = 0, cell = 0; line <= shape->lines; line++) {
        uint32_t last = line == shape->lines ? shape->cells - 1 : shape->cut[line];
        uint64_t count = 0;
        for (; cell < last; cell++)
            count += now[cell].count - (before ? before[cell].count : 0);
        if (count == 0)
            continue;
        json_array(json);
        json_string(json, line == shape->lines ? "+Inf" : shape->text[line]);
        json_u64(json, count);
        json_array_end(json);
    }
    json_array_end(json);
}

static void append_value(struct json *json, const struct stream_filter *filter,
                         const struct pick *pick, const union word *words)
{
    if (pick_type(pick) != PICK_HISTOGRAM) {
        json_key(json, "value");
        append_number(json, pick_type(pick), words);
        return;
    }
    append_count_and_sum(json, "value", observations(pick, words), sum_of(pick, words));
    if (filter->fields & FIELD_BUCKETS)
        append_buckets(json, pick, words, NULL);
}

static const char *type_name(const struct family *family)
{
    switch (family->type) {
    case SERIES_COUNTER:
        return "counter";
    case SERIES_HISTOGRAM:
        return "histogram";
    case SERIES_GAUGE:
    case SERIES_INFO:
        break;
    }
    return "gauge";
}

/* What a client has to know of a series once. */
static void introduce(struct json *json, const struct pick *pick)
{
    json_member_string(json, "type", type_name(pick->family));
    if (*pick->family->unit)
        json_member_string(json, "unit", pick->family->unit);
}

static void append_known(struct json *json, const struct stream_filter *filter,
                         const struct selection *selection, const struct pick *pick)
{
    begin_series(json, selection, pick);
    introduce(json, pick);
    append_value(json, filter, pick, &selection->before[pick->before]);
    json_object_end(json);
}

void encode_snapshot(struct buffer *out, struct stream_id id, const struct stream_filter *filter,
                     const struct selection *selection)
{
    struct json json = begin(out, "snapshot", id);
    append_time(&json, clock_monotonic());
    json_key(&json, "series");
    json_array(&json);
    for (uint32_t i = 0; i < selection->count; i++)
        if (selection->picks[i].known)
            append_known(&json, filter, selection, &selection->picks[i]);
    json_array_end(&json);
    end(&json);
}

/* --- What has changed --- */

/* One series between two instants. */
struct change {
    const struct pick *pick;
    const union word *now, *before; /* the latter all 0 if nothing was known */
    double seconds;
};

/* Counters that fall have lost what they counted: their totals were dropped. */
static bool has_fallen(const struct change *c)
{
    switch (pick_type(c->pick)) {
    case PICK_U64:
        return c->now->count < c->before->count;
    case PICK_DOUBLE:
        return c->now->number < c->before->number;
    case PICK_HISTOGRAM:
        for (uint32_t i = 0; i < c->pick->series->shape->cells; i++)
            if (c->now[i].count < c->before[i].count)
                return true;
        return false;
    case PICK_I64:
        break;
    }
    return false;
}

static void append_rate(struct json *json, const struct change *c, double delta)
{
    json_key(json, "rate");
    json_double(json, c->seconds > 0 ? delta / c->seconds : NAN);
}

static void append_counter_delta(struct json *json, unsigned fields, const struct change *c)
{
    union word delta = {.count = c->now->count - c->before->count};
    bool whole = pick_type(c->pick) == PICK_U64;
    if (!whole)
        delta.number = c->now->number - c->before->number;
    if (fields & FIELD_DELTA) {
        json_key(json, "delta");
        append_number(json, pick_type(c->pick), &delta);
    }
    if (fields & FIELD_RATE)
        append_rate(json, c, whole ? (double)delta.count : delta.number);
}

static void append_histogram_delta(struct json *json, unsigned fields, const struct change *c)
{
    uint64_t count = observations(c->pick, c->now) - observations(c->pick, c->before);
    if (fields & FIELD_DELTA)
        append_count_and_sum(json, "delta", count,
                             sum_of(c->pick, c->now) - sum_of(c->pick, c->before));
    if (fields & FIELD_RATE)
        append_rate(json, c, (double)count);
    if (fields & FIELD_BUCKETS)
        append_buckets(json, c->pick, c->now, c->before);
}

/* What a counter or histogram has grown by; a gauge has its value only. */
static void append_change(struct json *json, const struct stream_filter *filter,
                          const struct change *c)
{
    struct stream_filter plain = *filter;
    plain.fields &= ~(unsigned)FIELD_BUCKETS;
    if (c->pick->family->type != SERIES_COUNTER && c->pick->family->type != SERIES_HISTOGRAM) {
        append_value(json, &plain, c->pick, c->now);
        return;
    }
    if (has_fallen(c)) {
        json_key(json, "reset");
        json_bool(json, true);
        append_value(json, filter, c->pick, c->now);
        return;
    }
    if (pick_type(c->pick) == PICK_HISTOGRAM)
        append_histogram_delta(json, filter->fields, c);
    else
        append_counter_delta(json, filter->fields, c);
    if (filter->fields & FIELD_VALUE)
        append_value(json, &plain, c->pick, c->now);
}

/* A series that has no value any more, though it is served: absent, and not zero. */
static void forget(struct json *json, struct selection *selection, struct pick *pick)
{
    if (!pick->known)
        return;
    begin_series(json, selection, pick);
    json_key(json, "value");
    json_null(json);
    json_object_end(json);
    pick->known = false;
    memset(&selection->before[pick->before], 0, pick_words(pick) * sizeof *selection->before);
}

static void update(struct json *json, const struct stream_filter *filter,
                   struct selection *selection, struct pick *pick, const struct snapshot *snapshot,
                   double seconds)
{
    union word room, *before = &selection->before[pick->before];
    size_t size = pick_words(pick) * sizeof *before;
    bool lacking;
    const union word *now = pick_value(pick, snapshot, &room, &lacking);
    if (lacking || (now && pick->known && memcmp(now, before, size) == 0))
        return;
    if (!now) {
        forget(json, selection, pick);
        return;
    }
    begin_series(json, selection, pick);
    if (!pick->known)
        introduce(json, pick);
    append_change(json, filter, &(struct change){pick, now, before, seconds});
    json_object_end(json);
    memcpy(before, now, size);
    pick->known = true;
}

void encode_metrics(struct buffer *out, struct stream_id id, const struct stream_filter *filter,
                    struct selection *selection, const struct snapshot *snapshot, double seconds)
{
    size_t start = out->length;
    struct json json = begin(out, "metrics", id);
    append_time(&json, clock_monotonic());
    json_key(&json, "seconds");
    json_double(&json, seconds);
    json_key(&json, "series");
    json_array(&json);
    for (uint32_t i = 0; i < selection->count; i++)
        update(&json, filter, selection, &selection->picks[i], snapshot, seconds);
    bool any = json.more;
    json_array_end(&json);
    end(&json);
    if (!any)
        buffer_truncate(out, start);
}

void encode_gone(void *argument, const struct selection *before, const struct pick *pick)
{
    struct gone *gone = argument;
    if (!gone->json.more) {
        gone->json = begin(gone->json.out, "metrics", gone->id);
        append_time(&gone->json, clock_monotonic());
        json_key(&gone->json, "series");
        json_array(&gone->json);
    }
    begin_series(&gone->json, before, pick);
    json_key(&gone->json, "gone");
    json_bool(&gone->json, true);
    json_object_end(&gone->json);
}

void encode_gone_end(struct gone *gone)
{
    if (!gone->json.more)
        return;
    json_array_end(&gone->json);
    end(&gone->json);
}

/* --- What has happened --- */

static bool passes(const struct stream_filter *filter, const char *labels)
{
    const struct series series = {.labels = (char *)(uintptr_t)labels, .rows = ROWS_NODES};
    return match_series(&filter->match, &series);
}

static void encode_event(struct buffer *out, struct stream_id id,
                         const struct stream_filter *filter, const struct feed_item *item)
{
    const struct event_kind *kind = event_source_kind(item->source, item->kind);
    if (!(filter->kinds & STREAM_EVENT) || !match_family(&filter->match, kind->name) ||
        !match_node(&filter->match, item->node) || !passes(filter, kind->labels))
        return;
    struct json json = begin(out, "event", id);
    append_time(&json, item->time);
    json_key(&json, "name");
    json_string(&json, kind->name);
    json_key(&json, "labels");
    json_object(&json);
    labels_add_of_node(&json, kind->labels, item->node);
    json_object_end(&json);
    json_key(&json, "values");
    json_array(&json);
    json_u64(&json, item->values[0]);
    json_u64(&json, item->values[1]);
    json_array_end(&json);
    end(&json);
}

static void encode_process(struct buffer *out, struct stream_id id,
                           const struct stream_filter *filter, const struct feed_item *item)
{
    if (!(filter->kinds & STREAM_PROCESS) || !passes(filter, item->source->labels))
        return;
    struct json json = begin(out, "process", id);
    append_time(&json, item->time);
    json_key(&json, "state");
    json_string(&json, item->what == FEED_ATTACHED ? "attached" : "ended");
    json_key(&json, "process");
    json_string(&json, item->source->process);
    json_key(&json, "owner");
    json_u64(&json, item->source->owner);
    json_key(&json, "pid");
    json_u64(&json, item->source->pid);
    end(&json);
}

static void encode_health(struct buffer *out, struct stream_id id,
                          const struct stream_filter *filter, const struct feed_item *item)
{
    const char *component = health_component_name(item->kind);
    char labels[64];
    snprintf(labels, sizeof labels, "component=\"%s\"", component);
    if (!(filter->kinds & STREAM_HEALTH) || !match_family(&filter->match, HEALTH_FAMILY) ||
        filter->match.node != MATCH_ANY_NODE || !passes(filter, labels))
        return;
    struct json json = begin(out, "health", id);
    append_time(&json, item->time);
    json_member_string(&json, "component", component);
    json_member_string(&json, "before", health_state_name((enum health_state)item->values[0]));
    json_member_string(&json, "status", health_state_name((enum health_state)item->values[1]));
    end(&json);
}

static void encode_alert(struct buffer *out, struct stream_id id,
                         const struct stream_filter *filter, const struct feed_item *item)
{
    const struct alert *alert = alert_numbered(item->kind);
    char labels[128];
    snprintf(labels, sizeof labels, "alertname=\"%s\",severity=\"%s\"", alert->name,
             alert_severity_name(alert->severity));
    if (!(filter->kinds & STREAM_ALERT) || !match_family(&filter->match, ALERT_FAMILY) ||
        filter->match.node != MATCH_ANY_NODE || !passes(filter, labels))
        return;
    struct json json = begin(out, "alert", id);
    append_time(&json, item->time);
    json_member_string(&json, "name", alert->name);
    json_member_string(&json, "severity", alert_severity_name(alert->severity));
    json_member_string(&json, "before", alert_state_name((enum alert_state)item->values[0]));
    json_member_string(&json, "state", alert_state_name((enum alert_state)item->values[1]));
    json_member_string(&json, "summary", alert->summary);
    end(&json);
}

void encode_item(struct buffer *out, struct stream_id id, const struct stream_filter *filter,
                 const struct feed_item *item)
{
    switch ((enum feed_what)item->what) {
    case FEED_EVENT:
        encode_event(out, id, filter, item);
        break;
    case FEED_ATTACHED:
    case FEED_ENDED:
        encode_process(out, id, filter, item);
        break;
    case FEED_HEALTH:
        encode_health(out, id, filter, item);
        break;
    case FEED_ALERT:
        encode_alert(out, id, filter, item);
        break;
    }
}

void encode_gap(struct buffer *out, struct stream_id id, uint64_t skipped, uint64_t missed)
{
    struct json json = begin(out, "gap", id);
    json_key(&json, "skipped");
    json_u64(&json, skipped);
    json_key(&json, "missed");
    json_u64(&json, missed);
    end(&json);
}

void encode_reset(struct buffer *out, struct stream_id id, const char *reason)
{
    struct json json = begin(out, "reset", id);
    json_key(&json, "reason");
    json_string(&json, reason);
    end(&json);
}
