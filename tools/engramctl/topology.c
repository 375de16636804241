/* SPDX-License-Identifier: MIT */
/* engramctl topology: the machine as the daemon sees it. */
#include "fetch.h"
#include "topology_picture.h"

#include <inttypes.h>
#include <string.h>

#define PATH "/api/v1/topology"

/* An array of ascending numbers, as "0-3,8". */
static void print_list(struct json_object *object, const char *key)
{
    size_t count = member_count(object, key);
    if (count == 0)
        fputs("none", stdout);
    for (size_t i = 0, last; i < count; i = last + 1) {
        uint64_t first = json_object_get_uint64(member_at(object, key, i));
        for (last = i; last + 1 < count && json_object_get_uint64(member_at(
                                               object, key, last + 1)) == first + (last + 1 - i);)
            last++;
        printf("%s%" PRIu64, i ? "," : "", first);
        if (last > i)
            printf("-%" PRIu64, first + (last - i));
    }
}

static void print_package(struct json_object *package)
{
    printf("package %" PRIu64 ": %s, CPUs ", member_whole(package, "package"),
           member_text(package, "model", "model unknown"));
    print_list(package, "cpus");
    fputs(", memory nodes ", stdout);
    print_list(package, "numa_nodes");
    putchar('\n');
}

static void print_node(struct json_object *node)
{
    printf("memory node %" PRIu64 ": %" PRIu64 " MiB, CPUs ", member_whole(node, "numa_node"),
           member_whole(node, "memory_bytes") >> 20);
    print_list(node, "cpus");
    putchar('\n');
}

static bool same_cache(struct json_object *a, struct json_object *b)
{
    return member_whole(a, "level") == member_whole(b, "level") &&
           member_whole(a, "size_bytes") == member_whole(b, "size_bytes") &&
           strcmp(member_text(a, "type", ""), member_text(b, "type", "")) == 0;
}

/* One line for all that are alike, which stand side by side. */
static void print_caches(struct json_object *all)
{
    size_t count = member_count(all, "caches");
    for (size_t i = 0, alike; i < count; i += alike) {
        struct json_object *cache = member_at(all, "caches", i);
        for (alike = 1;
             i + alike < count && same_cache(cache, member_at(all, "caches", i + alike));)
            alike++;
        printf("cache L%" PRIu64 " %s: %zu of %" PRIu64 " KiB\n", member_whole(cache, "level"),
               member_text(cache, "type", ""), alike, member_whole(cache, "size_bytes") >> 10);
    }
}

static void print_distances(struct json_object *distances)
{
    size_t count = member_count(distances, "numa_nodes");
    printf("%s between memory nodes:\n", member_text(distances, "kind", "distance"));
    for (size_t i = 0; i < count; i++) {
        struct json_object *row = member_at(distances, "values", i);
        printf("%6s", json_object_get_string(member_at(distances, "numa_nodes", i)));
        for (size_t k = 0; k < elements(row); k++)
            printf(" %5s", json_object_get_string(json_object_array_get_idx(row, k)));
        putchar('\n');
    }
}

static void print_machine(struct json_object *all)
{
    printf("%" PRIu64 " CPUs possible, %zu cores, %zu there; offline: ",
           member_whole(all, "possible_cpus"), member_count(all, "cores"),
           member_count(all, "cpus"));
    print_list(all, "offline_cpus");
    putchar('\n');
    for (size_t i = 0; i < member_count(all, "packages"); i++)
        print_package(member_at(all, "packages", i));
    for (size_t i = 0; i < member_count(all, "numa_nodes"); i++)
        print_node(member_at(all, "numa_nodes", i));
    print_caches(all);
    for (size_t i = 0; i < member_count(all, "distances"); i++)
        print_distances(member_at(all, "distances", i));
    topology_picture(all);
}

int command_topology(const struct options *options)
{
    return fetch_and_print(options, PATH, options->svg ? topology_svg : print_machine);
}
