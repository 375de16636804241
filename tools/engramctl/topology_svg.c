/* SPDX-License-Identifier: MIT */
#include "fetch.h"
#include "topology_picture.h"

#include <inttypes.h>

#define SIDE 22 /* of a CPU, and what lies around it */
#define GAP 6
#define IN_ROW 32
#define BAR 160

static const char head[] = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
                           "font-family=\"sans-serif\" font-size=\"12\">\n"
                           "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n";

/* From green over yellow to red; grey for what is not known. */
static void print_fill(struct json_object *share)
{
    if (share)
        printf("fill=\"hsl(%.0f,70%%,55%%)\"", 120 * (1 - json_object_get_double(share)));
    else
        fputs("fill=\"#ccc\"", stdout);
}

static void print_percent(struct json_object *share)
{
    if (share)
        printf("%.0f %%", json_object_get_double(share) * 100);
    else
        fputs("not known", stdout);
}

static void draw_cpu(struct json_object *cpu, int x, int y)
{
    struct json_object *busy = member(cpu, "busy_ratio");
    printf("<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" stroke=\"#333\" ", x, y, SIDE, SIDE);
    print_fill(busy);
    printf("><title>CPU %" PRIu64 ", core %" PRIu64 ", package %" PRIu64 ": ",
           member_whole(cpu, "cpu"), member_whole(cpu, "core"), member_whole(cpu, "package"));
    print_percent(busy);
    fputs("</title></rect>\n", stdout);
}

static void draw_memory(struct json_object *node, int y)
{
    struct json_object *taken = member(node, "memory_taken_ratio");
    double width = taken ? BAR * json_object_get_double(taken) : BAR;
    printf("<text x=\"%d\" y=\"%d\">node %" PRIu64 ": %" PRIu64 " MiB, taken ", GAP, y + 12,
           member_whole(node, "numa_node"), member_whole(node, "memory_bytes") >> 20);
    print_percent(taken);
    printf("</text>\n<rect x=\"%d\" y=\"%d\" width=\"%.0f\" height=\"10\" ", GAP, y + 18, width);
    print_fill(taken);
    printf(
        "/>\n<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"10\" fill=\"none\" stroke=\"#333\"/>\n",
        GAP, y + 18, BAR);
}

/* The node from `y` on; where it ends. */
static int draw_node(struct json_object *all, struct json_object *node, int y)
{
    uint64_t number = member_whole(node, "numa_node");
    int drawn = 0;
    draw_memory(node, y);
    y += 36;
    for (size_t i = 0; i < member_count(all, "cpus"); i++) {
        struct json_object *cpu = member_at(all, "cpus", i);
        if (member_whole(cpu, "numa_node") != number)
            continue;
        draw_cpu(cpu, GAP + drawn % IN_ROW * (SIDE + 2), y + drawn / IN_ROW * (SIDE + 2));
        drawn++;
    }
    return y + (drawn + IN_ROW - 1) / IN_ROW * (SIDE + 2) + 2 * GAP;
}

void topology_svg(struct json_object *all)
{
    size_t nodes = member_count(all, "numa_nodes"), cpus = member_count(all, "cpus");
    size_t rows = cpus / IN_ROW + nodes;
    int y = GAP;
    printf(head, GAP * 2 + IN_ROW * (SIDE + 2),
           (int)(rows * (SIDE + 2) + nodes * (36 + 2 * GAP) + 2 * GAP));
    for (size_t i = 0; i < nodes; i++)
        y = draw_node(all, member_at(all, "numa_nodes", i), y);
    puts("</svg>");
}
