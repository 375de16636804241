/* SPDX-License-Identifier: MIT */
#include "daemon/machine/numa.h"
#include "daemon/machine/fields.h"
#include "daemon/machine/source.h"

#include <stdlib.h>

#define NODE "/sys/devices/system/node/node%u/"
#define TEXT_SIZE 8192

struct numa {
    uint32_t nodes;
    char text[TEXT_SIZE];
    struct {
        struct machine_source meminfo, numastat;
    } sources[NUMA_NODES_MOST];
};

struct numa *numa_new(const char *sysroot, uint32_t nodes)
{
    struct numa *numa = calloc(1, sizeof *numa);
    bool good = numa;
    if (numa)
        numa->nodes = nodes < NUMA_NODES_MOST ? nodes : NUMA_NODES_MOST;
    for (uint32_t i = 0; numa && i < numa->nodes; i++) {
        good &= source_init(&numa->sources[i].meminfo, sysroot, NODE "meminfo", i);
        good &= source_init(&numa->sources[i].numastat, sysroot, NODE "numastat", i);
    }
    if (good)
        return numa;
    if (numa)
        numa_free(numa);
    return NULL;
}

void numa_free(struct numa *numa)
{
    for (uint32_t i = 0; i < numa->nodes; i++) {
        source_close(&numa->sources[i].meminfo);
        source_close(&numa->sources[i].numastat);
    }
    free(numa);
}

uint32_t numa_nodes(const struct numa *numa)
{
    return numa->nodes;
}

static void take(struct numa_node *node, enum numa_field which, const struct field *field)
{
    node->known[which] = field->found;
    node->values[which] = field->value;
}

/* What MemAvailable is for the whole machine, the kernel does not say of a node: here, what is
 * free, and files and slabs that can be given back. */
static void take_available(struct numa_node *node, const struct field *fields, uint32_t count)
{
    node->known[NUMA_AVAILABLE] = true;
    node->values[NUMA_AVAILABLE] = 0;
    for (uint32_t i = 0; i < count; i++) {
        node->known[NUMA_AVAILABLE] &= fields[i].found;
        node->values[NUMA_AVAILABLE] += fields[i].value;
    }
}

static void read_memory(struct numa_node *node, const char *text)
{
    struct field fields[] = {
        {.name = "MemTotal"},     {.name = "MemUsed"},        {.name = "FilePages"},
        {.name = "AnonPages"},    {.name = "Slab"},           {.name = "MemFree"},
        {.name = "Active(file)"}, {.name = "Inactive(file)"}, {.name = "SReclaimable"}};
    static const enum numa_field places[] = {NUMA_TOTAL,     NUMA_USED, NUMA_FILE,
                                             NUMA_ANONYMOUS, NUMA_SLAB, NUMA_FREE};
    fields_read(text, fields, sizeof fields / sizeof fields[0]);
    if (!fields[0].found || fields[0].value == 0)
        return;
    for (uint32_t i = 0; i < sizeof places / sizeof places[0]; i++)
        take(node, places[i], &fields[i]);
    take_available(node, &fields[5], 4);
}

static void read_allocations(struct numa_node *node, const char *text)
{
    struct field fields[] = {{.name = "local_node"}, {.name = "other_node"}};
    fields_read(text, fields, 2);
    take(node, NUMA_LOCAL, &fields[0]);
    take(node, NUMA_OTHER, &fields[1]);
}

void numa_read(struct numa *numa, uint32_t which, struct numa_node *now)
{
    *now = (struct numa_node){0};
    source_read(&numa->sources[which].meminfo, numa->text, sizeof numa->text);
    read_memory(now, numa->text);
    if (!now->known[NUMA_TOTAL])
        return;
    source_read(&numa->sources[which].numastat, numa->text, sizeof numa->text);
    read_allocations(now, numa->text);
}

const char *numa_reason(const struct numa *numa, uint32_t node)
{
    return source_word(numa->sources[node].meminfo.reason);
}
