/* SPDX-License-Identifier: MIT */
/* A region's series as JSON. */
#include "dump.h"
#include "json_out.h"

#include <stdio.h>

static struct json_object *labels_of(const struct reader *reader, const struct record *record)
{
    struct json_object *labels = json_object_new_object();
    struct label_view label;
    for (size_t at = 0; record_label(record, &at, &label);) {
        char name[ENGRAM_NAME_MAX + 1];
        snprintf(name, sizeof name, "%.*s", (int)label.name_length, label.name);
        put_text_of(labels, name, label.value, label.value_length);
    }
    put_text(labels, "process", reader->header.process);
    return labels;
}

static void add_value(struct json_object *to, const struct record *record, const union word *row)
{
    switch (record->descriptor->kind) {
    case ENGRAM_HISTOGRAM:
        put_text(to, "type", "histogram");
        put_whole(to, "count", dump_count(record, row));
        put_number(to, "sum", row[record->descriptor->cells].number);
        return;
    case ENGRAM_GAUGE:
        put_text(to, "type", "gauge");
        put_number(to, "value", row[0].number);
        return;
    case ENGRAM_UPDOWN:
        put_text(to, "type", "gauge");
        put_signed(to, "value", (int64_t)row[0].count);
        return;
    default:
        put_text(to, "type", "counter");
        put_whole(to, "value", row[0].count);
    }
}

void dump_json(struct json_object *to, const struct reader *reader, const struct record *record,
               const union word *row)
{
    struct json_object *series;
    if (record->descriptor->kind == ENGRAM_GAUGE && row[0].count == ENGRAM_GAUGE_UNSET)
        return;
    series = json_object_new_object();
    put_text_of(series, "name", record_name(record), record->descriptor->name_length);
    json_object_object_add(series, "labels", labels_of(reader, record));
    add_value(series, record, row);
    json_object_array_add(to, series);
}
