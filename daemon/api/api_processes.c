/* SPDX-License-Identifier: MIT */
/*
 * /api/v1/processes: whose regions are served now, and of whom totals are kept.
 * One entry for each name; a name may have several regions, as while a new
 * version of a program takes over from an old one.
 */
#include "daemon/api/api.h"
#include "daemon/base/boot.h"

#include <stdlib.h>

struct name {
    const char *process;
    uint32_t owner;
    uint64_t since;                   /* CLOCK_BOOTTIME, ns */
    const struct known *known;        /* NULL: it is a region's */
    const struct plan_region *region; /* NULL: none runs */
};

static int name_compare(const void *left, const void *right)
{
    const struct name *a = left, *b = right;
    return strcmp(a->process, b->process);
}

/* One for each region and each name that is known, sorted; NULL when there is no memory. */
static struct name *list_names(const struct plan *plan, uint32_t *count)
{
    struct name *list = calloc(plan->region_count + plan->totals->known_count + 1, sizeof *list);
    *count = 0;
    for (uint32_t i = 0; list && i < plan->totals->known_count; i++) {
        const struct known *known = &plan->totals->known[i];
        list[(*count)++] = (struct name){known->process, known->owner, known->since, known, NULL};
    }
    for (uint32_t i = 0; list && i < plan->region_count; i++) {
        const struct region *region = plan->regions[i].region;
        list[(*count)++] = (struct name){region->process, region->reader->owner, region->since,
                                         NULL, &plan->regions[i]};
    }
    if (list)
        qsort(list, *count, sizeof *list, name_compare);
    return list;
}

/* A time of CLOCK_BOOTTIME as the wall clock has it now. */
static void add_time(struct json *json, const char *key, uint64_t boot_ns)
{
    json_key(json, key);
    json_u64(json, (boot_ns + boot_epoch()) / 1000000);
}

static const char *main_process_name(const struct plan_region *region)
{
    switch ((enum main_process)atomic_load(&region->region->main_process)) {
    case MAIN_PROCESS_RUNS:
        return region->alive ? "running" : "ended";
    case MAIN_PROCESS_GONE:
        return "ended";
    case MAIN_PROCESS_UNKNOWN:
        break;
    }
    return region->alive ? "unknown" : "ended";
}

static void add_version(struct json *json, const struct engram_region *header)
{
    json_key(json, "layout");
    json_separate(json);
    buffer_append_char(json->out, '"');
    number_append_u64(json->out, header->major);
    buffer_append_char(json->out, '.');
    number_append_u64(json->out, header->minor);
    buffer_append_char(json->out, '"');
}

static void add_region(struct json *json, const struct plan_region *region)
{
    struct region *of = region->region;
    const struct engram_region *header = &of->reader->header;
    uint64_t seen = atomic_load(&of->seen);
    json_object(json);
    json_member_u64(json, "pid", header->pid);
    json_member_u64(json, "pid_namespace", header->pid_namespace);
    json_key(json, "alive");
    json_bool(json, region->alive);
    json_member_string(json, "main_process", main_process_name(region));
    json_member_u64(json, "made_ms", header->born / 1000000);
    if (seen)
        add_time(json, "last_seen_ms", seen);
    add_version(json, header);
    json_member_u64(json, "series", atomic_load(&of->series));
    json_member_u64(json, "series_refused", atomic_load(&of->refused));
    json_member_u64(json, "memory_bytes", atomic_load(&of->memory));
    json_object_end(json);
}

/* The process's series in the totals, which are sorted by process. */
static uint32_t count_kept(const struct totals *totals, const char *process)
{
    uint32_t low = 0, high = totals->count, count = 0;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (strcmp(totals->list[middle].process, process) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    while (low + count < totals->count && strcmp(totals->list[low + count].process, process) == 0)
        count++;
    return count;
}

/* A name is known as soon as a process has it, before any of its series is kept. */
static void add_kept(struct json *json, const struct totals *totals, const struct known *known)
{
    uint32_t series = count_kept(totals, known->process);
    if (!series)
        return;
    json_key(json, "kept");
    json_object(json);
    json_member_u64(json, "series", series);
    add_time(json, "ended_ms", known->time * UINT64_C(1000000000));
    json_object_end(json);
}

/* How many of them run, as engram_process_up has it: nothing where one cannot be asked. */
static void add_up(struct json *json, const struct name *names, uint32_t count)
{
    uint32_t up = 0;
    json_key(json, "up");
    for (uint32_t i = 0; i < count; i++) {
        const char *is = names[i].region ? main_process_name(names[i].region) : "ended";
        if (*is == 'u') {
            json_null(json);
            return;
        }
        up += *is == 'r';
    }
    json_u64(json, up);
}

/* All that is known by one name. */
static void add_name(struct json *json, const struct totals *totals, const struct name *names,
                     uint32_t count)
{
    const struct known *known = NULL;
    uint64_t since = names[0].since;
    json_object(json);
    json_member_string(json, "process", names[0].process);
    json_member_u64(json, "owner", names[0].owner);
    add_up(json, names, count);
    json_key(json, "regions");
    json_array(json);
    for (uint32_t i = 0; i < count; i++) {
        if (names[i].region)
            add_region(json, names[i].region);
        else
            known = names[i].known;
        since = names[i].since < since ? names[i].since : since;
    }
    json_array_end(json);
    add_time(json, "since_ms", since);
    if (known)
        add_kept(json, totals, known);
    json_object_end(json);
}

static bool is_asked_for(const struct match *match, const struct name *name)
{
    char labels[PROCESS_LABELS_SIZE];
    process_labels(labels, name->process, name->owner, "");
    return match_series(match, &(struct series){.labels = labels, .rows = ROWS_HOST});
}

static void add_names(struct json *json, const struct totals *totals, const struct name *names,
                      uint32_t count, const struct match *match)
{
    uint32_t next;
    for (uint32_t i = 0; i < count; i = next) {
        for (next = i + 1; next < count && name_compare(&names[i], &names[next]) == 0;)
            next++;
        if (is_asked_for(match, &names[i]))
            add_name(json, totals, &names[i], next - i);
    }
}

int api_processes(const struct api *api, const struct parameters *parameters, struct json *json,
                  const char **error)
{
    const struct snapshot *snapshot = snapshot_begin(api->store);
    const struct plan *plan = snapshot ? snapshot_plan(snapshot) : NULL;
    uint32_t count;
    struct name *names = plan ? list_names(plan, &count) : NULL;
    if (names) {
        json_key(json, "processes");
        json_array(json);
        add_names(json, plan->totals, names, count, &parameters->match);
        json_array_end(json);
    }
    free(names);
    snapshot_end();
    *error = plan ? "there is no memory for the answer" : "nothing is collected yet";
    return names ? 0 : 503;
}
