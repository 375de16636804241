/* SPDX-License-Identifier: MIT */
#include "daemon/health/health_json.h"
#include "daemon/base/json.h"
#include "daemon/base/wall.h"

static void member_double(struct json *json, const char *name, double value)
{
    json_key(json, name);
    json_double(json, value);
}

static void append_check(struct json *json, enum health_component which,
                         const struct health_entry *entry)
{
    json_object(json);
    json_member_string(json, "component", health_component_name(which));
    json_member_string(json, "status", health_state_name(entry->state));
    json_member_string(json, "found", health_state_name(entry->finding.state));
    member_double(json, "value", entry->finding.value);
    member_double(json, "threshold", entry->finding.threshold);
    json_member_string(json, "unit", entry->finding.unit);
    json_member_string(json, "reason", entry->finding.reason);
    json_member_string(json, "source", entry->finding.source);
    json_object_end(json);
}

void health_json(const struct health_report *report, struct buffer *out)
{
    struct json json = {.out = out};
    json_object(&json);
    json_member_string(&json, "status", health_state_name(health_overall(report)));
    json_key(&json, "time_ms");
    if (report->time)
        json_u64(&json, (uint64_t)wall_ms(report->time));
    else
        json_null(&json);
    json_key(&json, "checks");
    json_array(&json);
    for (int i = 0; i < HEALTH_COMPONENT_COUNT; i++)
        append_check(&json, i, &report->entries[i]);
    json_array_end(&json);
    json_object_end(&json);
    buffer_append_char(out, '\n');
}
