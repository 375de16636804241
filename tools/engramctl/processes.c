/* SPDX-License-Identifier: MIT */
/* engramctl processes: of whom the daemon serves metrics, and of whom it keeps totals. */
#include "fetch.h"

#include <inttypes.h>
#include <time.h>

#define PATH "/api/v1/processes"

static long age_of(struct json_object *of, const char *key)
{
    long age = (long)(time(NULL) - (time_t)(member_whole(of, key) / 1000));
    return age > 0 ? age : 0;
}

static void print_region(const char *process, uint64_t owner, struct json_object *region)
{
    printf("%-24s %-8s %6" PRIu64 " %8" PRIu64 " %-6s %8" PRIu64 " %9" PRIu64 " %8lds\n", process,
           member_text(region, "main_process", "?"), owner, member_whole(region, "pid"),
           member_text(region, "layout", "?"), member_whole(region, "series"),
           member_whole(region, "memory_bytes") >> 10, age_of(region, "made_ms"));
}

/* Totals of processes that have ended; their age is the time since the last of them did. */
static void print_kept(const char *process, uint64_t owner, struct json_object *kept)
{
    printf("%-24s %-8s %6" PRIu64 " %8s %-6s %8" PRIu64 " %9s %8lds\n", process, "kept", owner, "-",
           "-", member_whole(kept, "series"), "-", age_of(kept, "ended_ms"));
}

static void print_name(struct json_object *name)
{
    const char *process = member_text(name, "process", "?");
    uint64_t owner = member_whole(name, "owner");
    for (size_t i = 0; i < member_count(name, "regions"); i++)
        print_region(process, owner, member_at(name, "regions", i));
    if (member(name, "kept"))
        print_kept(process, owner, member(name, "kept"));
}

static void print_names(struct json_object *all)
{
    printf("%-24s %-8s %6s %8s %-6s %8s %9s %9s\n", "PROCESS", "STATE", "UID", "PID", "LAYOUT",
           "SERIES", "KIB", "AGE");
    for (size_t i = 0; i < member_count(all, "processes"); i++)
        print_name(member_at(all, "processes", i));
}

int command_processes(const struct options *options)
{
    return fetch_and_print(options, PATH, print_names);
}
