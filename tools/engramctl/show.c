/* SPDX-License-Identifier: MIT */
#include "show.h"
#include "fetch.h"
#include "json_out.h"

#include <json-c/json.h>
#include <math.h>
#include <string.h>
#include <time.h>

/* Texts are a process's: none may write to a terminal more than characters. */
static void print_text(const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '\n')
            fputs("\\n", stdout);
        else if (c < 0x20 || c == 0x7f)
            printf("\\x%02x", c);
        else if (c == '"' || c == '\\')
            printf("\\%c", c);
        else
            putchar(c);
    }
}

/* Local time of day, to the millisecond. */
static void print_time(struct json_object *data)
{
    double ms = json_object_get_double(member(data, "time_ms"));
    time_t seconds = (time_t)(ms / 1000);
    struct tm local;
    char text[32] = "";
    if (localtime_r(&seconds, &local))
        strftime(text, sizeof text, "%H:%M:%S", &local);
    printf("%s.%03d ", text, (int)fmod(ms, 1000));
}

static void print_head(struct json_object *series)
{
    struct json_object *labels = member(series, "labels");
    const char *separator = "{";
    print_text(member_text(series, "name", "?"));
    if (!json_object_is_type(labels, json_type_object))
        return;
    json_object_object_foreach(labels, name, value)
    {
        fputs(separator, stdout);
        print_text(name);
        fputs("=\"", stdout);
        print_text(json_object_get_string(value));
        putchar('"');
        separator = ",";
    }
    if (*separator == ',')
        putchar('}');
}

static const char *number(struct json_object *value)
{
    return value ? json_object_to_json_string(value) : "-";
}

/* A counter's growth, or what a histogram has seen meanwhile and its mean. */
static void print_delta(struct json_object *delta)
{
    if (!json_object_is_type(delta, json_type_object)) {
        printf(" +%s", number(delta));
        return;
    }
    double count = json_object_get_double(member(delta, "count"));
    printf(" +%.0f", count);
    if (count > 0)
        printf(" mean %g", json_object_get_double(member(delta, "sum")) / count);
}

static void print_value(struct json_object *value)
{
    if (json_object_is_type(value, json_type_object))
        printf(" count %s sum %s", number(member(value, "count")), number(member(value, "sum")));
    else
        printf(" %s", number(value));
}

/* A counter or a histogram that is new to us and has counted nothing yet.  A gauge of 0 is a value;
 * and one of the others that goes back to 0 has moved, and is no new one. */
static bool is_untouched(struct json_object *series)
{
    const char *type = member_text(series, "type", NULL);
    struct json_object *value = member(series, "value");
    if (!type || strcmp(type, "gauge") == 0)
        return false;
    if (json_object_is_type(value, json_type_object))
        value = member(value, "count");
    return value && json_object_get_double(value) == 0;
}

static void print_series(struct json_object *data, struct json_object *series)
{
    if (is_untouched(series))
        return;
    print_time(data);
    print_head(series);
    if (json_object_get_boolean(member(series, "gone")))
        fputs(" gone", stdout);
    else if (!member(series, "value"))
        fputs(" absent", stdout);
    else
        print_value(member(series, "value"));
    if (json_object_get_boolean(member(series, "reset")))
        fputs(" reset", stdout);
    if (member(series, "delta"))
        print_delta(member(series, "delta"));
    putchar('\n');
}

static void print_metrics(struct json_object *data)
{
    for (size_t i = 0; i < member_count(data, "series"); i++)
        print_series(data, member_at(data, "series", i));
}

static void print_event(struct json_object *data)
{
    print_time(data);
    fputs("event ", stdout);
    print_head(data);
    for (size_t i = 0; i < member_count(data, "values"); i++)
        printf(" %s", number(member_at(data, "values", i)));
    putchar('\n');
}

static void print_process(struct json_object *data)
{
    print_time(data);
    fputs("process ", stdout);
    print_text(member_text(data, "process", "?"));
    putchar(' ');
    print_text(member_text(data, "state", "?"));
    printf(" pid %s uid %s\n", number(member(data, "pid")), number(member(data, "owner")));
}

static void print_health(struct json_object *data)
{
    print_time(data);
    fputs("health ", stdout);
    print_text(member_text(data, "component", "?"));
    putchar(' ');
    print_text(member_text(data, "status", "?"));
    fputs(", was ", stdout);
    print_text(member_text(data, "before", "?"));
    putchar('\n');
}

static void print_alert(struct json_object *data)
{
    print_time(data);
    fputs("alert ", stdout);
    print_text(member_text(data, "name", "?"));
    putchar(' ');
    print_text(member_text(data, "state", "?"));
    fputs(", was ", stdout);
    print_text(member_text(data, "before", "?"));
    printf(": ");
    print_text(member_text(data, "summary", ""));
    putchar('\n');
}

static void print_gap(struct json_object *data)
{
    printf("-- gap: %s messages of metrics left out, %s events missed\n",
           number(member(data, "skipped")), number(member(data, "missed")));
}

static void print_reset(struct json_object *data)
{
    fputs("-- starts anew: ", stdout);
    print_text(member_text(data, "reason", "?"));
    putchar('\n');
}

static void print_lines(const char *event, struct json_object *data)
{
    static const struct {
        const char *event;
        void (*print)(struct json_object *data);
    } known[] = {{"snapshot", print_metrics}, {"metrics", print_metrics}, {"event", print_event},
                 {"process", print_process},  {"health", print_health},   {"alert", print_alert},
                 {"gap", print_gap},          {"reset", print_reset}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(event, known[i].event) == 0)
            known[i].print(data);
}

static void print_object(const struct sse_message *message, struct json_object *data)
{
    struct json_object *all = json_object_new_object();
    put_text(all, "event", message->event);
    put_text(all, "id", message->id);
    json_object_object_add(all, "data", json_object_get(data));
    print_json(all);
}

void show_message(const struct sse_message *message, bool json)
{
    struct json_object *data = json_tokener_parse(message->data);
    if (!json_object_is_type(data, json_type_object)) {
        json_object_put(data);
        return;
    }
    if (json)
        print_object(message, data);
    else
        print_lines(message->event, data);
    fflush(stdout);
    json_object_put(data);
}
