/* SPDX-License-Identifier: MIT */
/* The machine as JSON: each kind of object in a list, with the numbers of the CPUs in it. */
#include "daemon/base/json.h"
#include "daemon/machine/live.h"
#include "daemon/machine/topology_hwloc.h"

#include <hwloc/distances.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define LIST_MAX 4096 /* bytes of a list of CPUs in /sys */
#define MATRICES_MAX 8

struct machine {
    const struct topology *topology;
    const struct live *live;
};

static void add_set(struct json *json, const char *name, hwloc_const_bitmap_t set)
{
    json_key(json, name);
    json_array(json);
    if (set && hwloc_bitmap_weight(set) >= 0)
        for (int i = hwloc_bitmap_first(set); i >= 0; i = hwloc_bitmap_next(set, i))
            json_u64(json, (uint64_t)i);
    json_array_end(json);
}

/* The number of the object of that type which holds this one, if any does. */
static void add_parent(struct json *json, const char *name, const struct topology *topology,
                       hwloc_obj_t object, hwloc_obj_type_t type)
{
    hwloc_obj_t parent = hwloc_get_ancestor_obj_by_type(topology->hwloc, type, object);
    if (parent)
        json_member_u64(json, name, parent->logical_index);
}

/* To a thousandth: nobody measures more. */
static void add_share(struct json *json, const char *name, double share)
{
    if (isnan(share))
        return;
    json_key(json, name);
    json_double(json, round(share * 1000) / 1000);
}

static void add_package(struct json *json, const struct machine *machine, hwloc_obj_t object)
{
    const char *model = hwloc_obj_get_info_by_name(object, "CPUModel");
    (void)machine;
    json_member_u64(json, "package", object->logical_index);
    if (model) {
        json_member_string(json, "model", model);
    }
    add_set(json, "numa_nodes", object->nodeset);
}

/* Nodes are known by the kernel's number, as in the label numa_node. */
static void add_node(struct json *json, const struct machine *machine, hwloc_obj_t object)
{
    json_member_u64(json, "numa_node", object->os_index);
    add_parent(json, "package", machine->topology, object, HWLOC_OBJ_PACKAGE);
    json_member_u64(json, "memory_bytes", object->attr->numanode.local_memory);
    add_share(json, "memory_taken_ratio",
              live_get(machine->live, LIVE_NODE_TAKEN, object->os_index));
}

static const char *cache_type(hwloc_obj_cache_type_t type)
{
    return type == HWLOC_OBJ_CACHE_UNIFIED ? "unified"
           : type == HWLOC_OBJ_CACHE_DATA  ? "data"
                                           : "instruction";
}

static void add_cache(struct json *json, const struct machine *machine, hwloc_obj_t object)
{
    json_member_u64(json, "level", object->attr->cache.depth);
    json_member_string(json, "type", cache_type(object->attr->cache.type));
    json_member_u64(json, "size_bytes", object->attr->cache.size);
    json_member_u64(json, "line_bytes", object->attr->cache.linesize);
    add_parent(json, "package", machine->topology, object, HWLOC_OBJ_PACKAGE);
}

static void add_core(struct json *json, const struct machine *machine, hwloc_obj_t object)
{
    json_member_u64(json, "core", object->logical_index);
    add_parent(json, "package", machine->topology, object, HWLOC_OBJ_PACKAGE);
}

static void add_cpu(struct json *json, const struct machine *machine, hwloc_obj_t object)
{
    json_member_u64(json, "cpu", object->os_index);
    add_parent(json, "core", machine->topology, object, HWLOC_OBJ_CORE);
    add_parent(json, "package", machine->topology, object, HWLOC_OBJ_PACKAGE);
    json_member_u64(json, "numa_node", topology_node_of_cpu(machine->topology, object->os_index));
    add_share(json, "busy_ratio", live_get(machine->live, LIVE_CPU_BUSY, object->os_index));
}

typedef void object_add(struct json *json, const struct machine *machine, hwloc_obj_t object);

static void add_objects(struct json *json, const struct machine *machine, hwloc_obj_type_t type,
                        object_add *add)
{
    for (hwloc_obj_t object = NULL;
         (object = hwloc_get_next_obj_by_type(machine->topology->hwloc, type, object));) {
        json_object(json);
        add(json, machine, object);
        if (type != HWLOC_OBJ_PU)
            add_set(json, "cpus", object->cpuset);
        json_object_end(json);
    }
}

static void add_list(struct json *json, const char *name, const struct machine *machine,
                     hwloc_obj_type_t first, hwloc_obj_type_t last, object_add *add)
{
    json_key(json, name);
    json_array(json);
    for (hwloc_obj_type_t type = first; type <= last; type++)
        add_objects(json, machine, type, add);
    json_array_end(json);
}

static void add_matrix(struct json *json, const struct hwloc_distances_s *matrix)
{
    bool latency = (matrix->kind & HWLOC_DISTANCES_KIND_MEANS_LATENCY) != 0;
    json_object(json);
    json_member_string(json, "kind", latency ? "latency" : "bandwidth");
    json_key(json, "numa_nodes");
    json_array(json);
    for (unsigned i = 0; i < matrix->nbobjs; i++)
        json_u64(json, matrix->objs[i]->os_index);
    json_array_end(json);
    json_key(json, "values");
    json_array(json);
    for (unsigned i = 0; i < matrix->nbobjs * matrix->nbobjs; i++) {
        if (i % matrix->nbobjs == 0)
            json_array(json);
        json_u64(json, matrix->values[i]);
        if ((i + 1) % matrix->nbobjs == 0)
            json_array_end(json);
    }
    json_array_end(json);
    json_object_end(json);
}

static void add_distances(struct json *json, const struct topology *topology)
{
    struct hwloc_distances_s *matrices[MATRICES_MAX];
    unsigned count = MATRICES_MAX;
    json_key(json, "distances");
    json_array(json);
    if (hwloc_distances_get_by_type(topology->hwloc, HWLOC_OBJ_NUMANODE, &count, matrices, 0, 0))
        count = 0;
    for (unsigned i = 0; i < count && i < MATRICES_MAX; i++) {
        add_matrix(json, matrices[i]);
        hwloc_distances_release(topology->hwloc, matrices[i]);
    }
    json_array_end(json);
}

/* A list such as "0-3,8-15" in a file of /sys/devices/system/cpu; NULL when it cannot be read. */
static hwloc_bitmap_t read_cpus(const char *sysroot, const char *file)
{
    char path[512], text[LIST_MAX];
    snprintf(path, sizeof path, "%s/sys/devices/system/cpu/%s", sysroot, file);
    FILE *list = fopen(path, "re");
    bool read = list && fgets(text, sizeof text, list);
    if (list)
        fclose(list);
    if (read)
        text[strcspn(text, "\n")] = 0; /* or hwloc would leave the last number out */
    hwloc_bitmap_t set = read ? hwloc_bitmap_alloc() : NULL;
    if (set && hwloc_bitmap_list_sscanf(set, text) == 0 && hwloc_bitmap_weight(set) >= 0)
        return set;
    hwloc_bitmap_free(set);
    return NULL;
}

/* Of those that are there: a machine may be made for more than it has. */
static void add_offline(struct json *json, const struct topology *topology)
{
    hwloc_bitmap_t present = read_cpus(topology->sysroot, "present");
    hwloc_bitmap_t online = read_cpus(topology->sysroot, "online");
    if (present && online) {
        hwloc_bitmap_andnot(present, present, online);
        add_set(json, "offline_cpus", present);
    }
    hwloc_bitmap_free(present);
    hwloc_bitmap_free(online);
}

void topology_describe(const struct topology *topology, const struct live *live, struct json *json)
{
    const struct machine machine = {topology, live};
    json_member_u64(json, "possible_cpus", topology->possible_cpus);
    add_offline(json, topology);
    add_list(json, "packages", &machine, HWLOC_OBJ_PACKAGE, HWLOC_OBJ_PACKAGE, add_package);
    add_list(json, "numa_nodes", &machine, HWLOC_OBJ_NUMANODE, HWLOC_OBJ_NUMANODE, add_node);
    add_list(json, "caches", &machine, HWLOC_OBJ_L1CACHE, HWLOC_OBJ_L5CACHE, add_cache);
    add_list(json, "cores", &machine, HWLOC_OBJ_CORE, HWLOC_OBJ_CORE, add_core);
    add_list(json, "cpus", &machine, HWLOC_OBJ_PU, HWLOC_OBJ_PU, add_cpu);
    add_distances(json, topology);
}
