/* SPDX-License-Identifier: MIT */
#include "daemon/api/api.h"
#include "daemon/base/wall.h"
#include "daemon/snapshot/labels.h"

#include <stdlib.h>

static void add_alert(struct json *json, const struct alert_entry *entry)
{
    json_object(json);
    json_member_string(json, "name", entry->alert->name);
    json_member_string(json, "state", alert_state_name(entry->state));
    json_member_string(json, "severity", alert_severity_name(entry->alert->severity));
    json_member_string(json, "subsystem", entry->alert->subsystem);
    json_key(json, "labels");
    json_object(json);
    labels_add(json, entry->labels);
    json_object_end(json);
    json_key(json, "value");
    json_double(json, entry->value);
    json_key(json, "threshold");
    json_double(json, entry->alert->threshold);
    json_key(json, "since_ms");
    json_u64(json, (uint64_t)wall_ms(entry->since));
    json_member_string(json, "summary", entry->alert->summary);
    json_object_end(json);
}

static void add_alerts(struct json *json, const struct alert_entry *entries, uint32_t count)
{
    json_key(json, "alerts");
    json_array(json);
    for (uint32_t i = 0; i < count; i++)
        add_alert(json, &entries[i]);
    json_array_end(json);
}

int api_alerts(const struct api *api, const struct parameters *parameters, struct json *json,
               const char **error)
{
    uint32_t count;
    (void)parameters;
    struct alert_entry *entries = calloc(ALERTING_MOST, sizeof *entries);
    *error = "there is no memory";
    if (!entries)
        return 503;
    *error = "alerts are not looked at: engramd has just begun, or a sensor hangs";
    bool known = alerting_report(api->alerting, entries, &count);
    if (known)
        add_alerts(json, entries, count);
    free(entries);
    return known ? 0 : 503;
}
