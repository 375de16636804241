/* SPDX-License-Identifier: MIT */
#include "topology_picture.h"
#include "fetch.h"

#include <inttypes.h>
#include <langinfo.h>
#include <locale.h>
#include <string.h>

#define STEPS 9
#define LINE_MOST 96 /* signs and blanks */

static const char *const blocks[STEPS] = {"\u00b7", "\u2581", "\u2582", "\u2583", "\u2584",
                                          "\u2585", "\u2586", "\u2587", "\u2588"};
static const char *const letters[STEPS] = {".", ":", "-", "=", "+", "*", "o", "O", "#"};
static const char *const *signs;

/* Of 0 to 1; "?" for what is not known. */
static const char *sign_of(struct json_object *share)
{
    if (!share)
        return "?";
    double value = json_object_get_double(share);
    int step = value <= 0 ? 0 : (int)(value * (STEPS - 1) + 0.999);
    return signs[step < STEPS ? step : STEPS - 1];
}

/* A node's CPUs, a core's side by side, as the list has them. */
static void draw_cpus(struct json_object *all, uint64_t node)
{
    struct json_object *cpu, *before = NULL;
    size_t drawn = 0;
    for (size_t i = 0; (cpu = member_at(all, "cpus", i)); i++) {
        if (member_whole(cpu, "numa_node") != node)
            continue;
        bool next = before && member_whole(cpu, "core") != member_whole(before, "core");
        bool full = next && drawn >= LINE_MOST;
        drawn = full ? 1 : drawn + next + 1;
        printf("%s%s", full ? "\n    " : next ? " " : "", sign_of(member(cpu, "busy_ratio")));
        before = cpu;
    }
}

static void draw_node(struct json_object *all, struct json_object *node)
{
    struct json_object *taken = member(node, "memory_taken_ratio");
    uint64_t number = member_whole(node, "numa_node");
    printf("  node %-3" PRIu64 " memory %s", number, sign_of(taken));
    if (taken)
        printf(" %3.0f %% of %" PRIu64 " MiB", json_object_get_double(taken) * 100,
               member_whole(node, "memory_bytes") >> 20);
    fputs("\n    ", stdout);
    draw_cpus(all, number);
    putchar('\n');
}

void topology_picture(struct json_object *all)
{
    setlocale(LC_CTYPE, "");
    signs = strcmp(nl_langinfo(CODESET), "UTF-8") == 0 ? blocks : letters;
    for (size_t i = 0; i < member_count(all, "numa_nodes"); i++)
        draw_node(all, member_at(all, "numa_nodes", i));
    fputs("  idle ", stdout);
    for (int step = 0; step < STEPS; step++)
        fputs(signs[step], stdout);
    puts(" busy or full; ? is not known");
}
