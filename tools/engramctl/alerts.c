/* SPDX-License-Identifier: MIT */
/* engramctl alerts: which are on, and of what. */
#include "fetch.h"
#include "json_out.h"
#include "terminal.h"

#include <json-c/linkhash.h>
#include <string.h>
#include <time.h>

#define PATH "/api/v1/alerts"

static void print_since(struct json_object *alert)
{
    struct json_object *value = member(alert, "since_ms");
    time_t since = (time_t)(json_object_get_int64(value) / 1000);
    char text[32] = "?";
    struct tm when;
    if (value && gmtime_r(&since, &when))
        strftime(text, sizeof text, "%FT%TZ", &when);
    printf(" %-20s", text);
}

static void print_labels(struct json_object *labels)
{
    if (!json_object_is_type(labels, json_type_object))
        return;
    json_object_object_foreach(labels, name, value)
    {
        printf(" %s=", visible(name));
        printf("%s", visible(json_object_get_string(value)));
    }
}

static void print_alert(struct json_object *alert)
{
    printf("%-30s %-8s %-8s", visible(member_text(alert, "name", "?")),
           member_text(alert, "state", "?"), member_text(alert, "severity", "?"));
    print_since(alert);
    printf(" %s:", visible(member_text(alert, "summary", "")));
    print_labels(member(alert, "labels"));
    printf(" (%.4g)\n", json_object_get_double(member(alert, "value")));
}

static bool fires(struct json_object *alert)
{
    return strcmp(member_text(alert, "state", ""), "firing") == 0;
}

int command_alerts(const struct options *options)
{
    struct json_object *all = fetch(options, PATH);
    bool firing = false;
    if (!all)
        return EXIT_WRONG;
    for (size_t i = 0; i < member_count(all, "alerts"); i++)
        firing |= fires(member_at(all, "alerts", i));
    if (options->json) {
        print_json(all);
        return firing ? EXIT_WRONG : EXIT_FINE;
    }
    for (size_t i = 0; i < member_count(all, "alerts"); i++)
        print_alert(member_at(all, "alerts", i));
    if (member_count(all, "alerts") == 0)
        puts("no alert is on");
    json_object_put(all);
    return firing ? EXIT_WRONG : EXIT_FINE;
}
