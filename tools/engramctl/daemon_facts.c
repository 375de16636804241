/* SPDX-License-Identifier: MIT */
#include "daemon_facts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Lines are cut out of a body that comes in pieces; a longer one is none that is looked for. */
struct lines {
    struct daemon_facts *facts;
    char line[512];
    size_t length;
};

static void take_label(const char *line, const char *label, char *to, size_t size)
{
    const char *at = strstr(line, label);
    if (at)
        snprintf(to, size, "%.*s", (int)strcspn(at + strlen(label), "\""), at + strlen(label));
}

static void take_event(struct daemon_facts *facts, const char *line)
{
    if (strstr(line, ",reason=\"permission\""))
        facts->events_forbidden++;
    else if (strstr(line, ",reason=\""))
        facts->events_missing++;
    else
        facts->events_counted++;
}

static void take_line(struct daemon_facts *facts, const char *line)
{
    const struct {
        const char *series;
        double *to;
    } wanted[] = {{"engramd_regions{state=\"alive\"} ", &facts->alive},
                  {"engramd_regions{state=\"dead\"} ", &facts->dead},
                  {"engramd_regions{state=\"quarantined\"} ", &facts->quarantined},
                  {"engramd_series ", &facts->series},
                  {"engramd_state_writable ", &facts->state_writable},
                  {"process_open_fds ", &facts->open_files},
                  {"process_max_fds ", &facts->most_files},
                  {"process_start_time_seconds ", &facts->started}};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        if (strncmp(line, wanted[i].series, strlen(wanted[i].series)) == 0)
            *wanted[i].to = strtod(line + strlen(wanted[i].series), NULL);
    if (strncmp(line, "engram_hardware_event_available{", 32) == 0)
        take_event(facts, line);
    if (strncmp(line, "engramd_build_info{", 19) != 0)
        return;
    take_label(line, "{revision=\"", facts->revision, sizeof facts->revision);
    take_label(line, ",version=\"", facts->version, sizeof facts->version);
}

static bool on_bytes(void *argument, const char *bytes, size_t length)
{
    struct lines *lines = argument;
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] != '\n') {
            if (lines->length < sizeof lines->line - 1)
                lines->line[lines->length++] = bytes[i];
            continue;
        }
        lines->line[lines->length] = 0;
        take_line(lines->facts, lines->line);
        lines->length = 0;
    }
    return true;
}

bool daemon_facts_get(const struct http_daemon *daemon, struct daemon_facts *facts,
                      struct http_answer *answer)
{
    struct lines lines = {.facts = facts};
    *facts = (struct daemon_facts){"", "", NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, 0, 0, 0};
    if (!http_get(daemon, "/metrics", on_bytes, &lines, answer))
        return false;
    if (*facts->version)
        return true;
    snprintf(answer->problem, sizeof answer->problem, "what answers is no engramd");
    return false;
}
