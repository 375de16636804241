/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "daemon/machine/resctrl.h"
#include "daemon/machine/fields.h"
#include "daemon/machine/source.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROOT "/sys/fs/resctrl"
#define DOMAIN "mon_L3_"
#define TEXT_SIZE 64
#define LIST_READS 10 /* after so many, caches are looked for again */

struct counter {
    struct machine_source source;
    bool seen;
    uint64_t last;
};

struct cache {
    struct resctrl_domain domain;
    struct counter counters[RESCTRL_EVENTS];
    bool listed;
};

struct resctrl {
    const struct topology *topology;
    char *sysroot;
    uint32_t reads; /* since caches were looked for; 0: that is due */
    enum resctrl_reason listing;
    enum resctrl_reason reasons[RESCTRL_EVENTS];
    uint64_t bytes[RESCTRL_EVENTS];
    uint32_t count;
    struct cache caches[RESCTRL_DOMAINS_MOST];
};

static const char *const files[RESCTRL_EVENTS] = {"mbm_total_bytes", "mbm_local_bytes"};

struct resctrl *resctrl_new(const char *sysroot, const struct topology *topology)
{
    struct resctrl *resctrl = calloc(1, sizeof *resctrl);
    char *copy = resctrl ? strdup(strcmp(sysroot, "/") == 0 ? "" : sysroot) : NULL;
    if (!copy) {
        free(resctrl);
        return NULL;
    }
    resctrl->sysroot = copy;
    resctrl->topology = topology;
    return resctrl;
}

static void close_cache(struct cache *cache)
{
    for (int event = 0; event < RESCTRL_EVENTS; event++)
        source_close(&cache->counters[event].source);
}

void resctrl_free(struct resctrl *resctrl)
{
    for (uint32_t i = 0; i < resctrl->count; i++)
        close_cache(&resctrl->caches[i]);
    free(resctrl->sysroot);
    free(resctrl);
}

/* --- Which caches there are --- */

static struct cache *find_cache(struct resctrl *resctrl, uint64_t id)
{
    for (uint32_t i = 0; i < resctrl->count; i++)
        if (resctrl->caches[i].domain.id == id)
            return &resctrl->caches[i];
    return NULL;
}

/* False when there are more than there is room for, or no memory. */
static bool add_cache(struct resctrl *resctrl, const char *name, uint32_t id)
{
    if (resctrl->count == RESCTRL_DOMAINS_MOST)
        return false;
    struct cache *cache = &resctrl->caches[resctrl->count++];
    *cache = (struct cache){.domain = {.id = id, .node = RESCTRL_NODE_NONE}, .listed = true};
    bool good = true;
    for (int event = 0; event < RESCTRL_EVENTS; event++)
        good &= source_init(&cache->counters[event].source, resctrl->sysroot,
                            ROOT "/mon_data/%s/%s", name, files[event]);
    return good;
}

static bool list_cache(struct resctrl *resctrl, const char *name, bool *changed)
{
    const char *number = fields_behind(name, DOMAIN);
    uint64_t id;
    if (!number || fields_numbers(number, &id, 1) != 1 || id > UINT32_MAX)
        return true; /* of another resource */
    struct cache *cache = find_cache(resctrl, id);
    if (cache)
        cache->listed = true;
    *changed |= !cache;
    return cache || add_cache(resctrl, name, (uint32_t)id);
}

static void drop_unlisted(struct resctrl *resctrl)
{
    for (uint32_t i = resctrl->count; i-- > 0;) {
        if (resctrl->caches[i].listed)
            continue;
        close_cache(&resctrl->caches[i]);
        resctrl->caches[i] = resctrl->caches[--resctrl->count];
    }
}

static DIR *open_folder(const struct resctrl *resctrl, const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s" ROOT "%s", resctrl->sysroot, name);
    return opendir(path);
}

/* Groups for monitoring alone are part of the root's; control groups of others are not. */
static bool has_control_groups(const struct resctrl *resctrl)
{
    char path[NAME_MAX + sizeof "/mon_data"];
    bool found = false;
    const struct dirent *entry;
    DIR *folder = open_folder(resctrl, "");
    while (folder && !found && (entry = readdir(folder))) {
        snprintf(path, sizeof path, "%s/mon_data", entry->d_name);
        found = entry->d_name[0] != '.' && faccessat(dirfd(folder), path, F_OK, 0) == 0;
    }
    if (folder)
        closedir(folder);
    return found;
}

static bool id_of_cpu(const struct resctrl *resctrl, uint32_t cpu, uint64_t *id)
{
    struct machine_source source;
    char text[TEXT_SIZE];
    bool good = source_init(&source, resctrl->sysroot,
                            "/sys/devices/system/cpu/cpu%" PRIu32 "/cache/index3/id", cpu) &&
                source_read(&source, text, sizeof text) && fields_numbers(text, id, 1) == 1;
    source_close(&source);
    return good;
}

static void place_caches(struct resctrl *resctrl)
{
    bool placed[RESCTRL_DOMAINS_MOST] = {false};
    for (uint32_t cpu = 0; cpu < topology_possible_cpus(resctrl->topology); cpu++) {
        uint64_t id;
        struct cache *cache = id_of_cpu(resctrl, cpu, &id) ? find_cache(resctrl, id) : NULL;
        if (!cache)
            continue;
        uint32_t node = topology_node_of_cpu(resctrl->topology, cpu);
        bool *known = &placed[cache - resctrl->caches];
        cache->domain.node = *known && cache->domain.node != node ? RESCTRL_NODE_NONE : node;
        *known = true;
    }
}

static enum resctrl_reason reason_of(enum source_reason reason)
{
    switch (reason) {
    case SOURCE_GOOD:
        return RESCTRL_COUNTS;
    case SOURCE_NOT_FOUND:
        return RESCTRL_NOT_FOUND;
    case SOURCE_PERMISSION:
        return RESCTRL_PERMISSION;
    default:
        return RESCTRL_UNREADABLE;
    }
}

static enum resctrl_reason list_caches(struct resctrl *resctrl)
{
    bool good = true, changed = false;
    const struct dirent *entry;
    DIR *folder = open_folder(resctrl, "/mon_data");
    enum resctrl_reason reason = folder ? RESCTRL_COUNTS : reason_of(source_reason_of(errno));
    for (uint32_t i = 0; i < resctrl->count; i++)
        resctrl->caches[i].listed = false;
    while (folder && good && (entry = readdir(folder)))
        good = list_cache(resctrl, entry->d_name, &changed);
    if (folder)
        closedir(folder);
    drop_unlisted(resctrl);
    if (changed)
        place_caches(resctrl);
    if (folder && !good)
        return RESCTRL_UNREADABLE;
    if (folder && resctrl->count == 0)
        return RESCTRL_NOT_FOUND;
    return folder && has_control_groups(resctrl) ? RESCTRL_PARTIAL : reason;
}

/* --- What they have moved --- */

static enum resctrl_reason read_number(struct counter *counter, uint64_t *value)
{
    char text[TEXT_SIZE];
    if (!source_read(&counter->source, text, sizeof text))
        return reason_of(counter->source.reason);
    if (fields_numbers(text, value, 1) == 1)
        return RESCTRL_COUNTS;
    return fields_behind(text, "Unavailable") ? RESCTRL_UNAVAILABLE : RESCTRL_UNREADABLE;
}

/* What a counter has counted before it was reset, or while it could not be read, is not known. */
static enum resctrl_reason read_counter(struct resctrl *resctrl, struct cache *cache, int event)
{
    struct counter *counter = &cache->counters[event];
    uint64_t value = 0;
    enum resctrl_reason reason = read_number(counter, &value);
    if (reason == RESCTRL_COUNTS && counter->seen && value > counter->last) {
        cache->domain.bytes[event] += value - counter->last;
        resctrl->bytes[event] += value - counter->last;
    }
    counter->seen = reason == RESCTRL_COUNTS;
    counter->last = value;
    return reason;
}

static enum resctrl_reason read_event(struct resctrl *resctrl, int event)
{
    enum resctrl_reason first = RESCTRL_COUNTS;
    for (uint32_t i = 0; i < resctrl->count; i++) {
        enum resctrl_reason reason = read_counter(resctrl, &resctrl->caches[i], event);
        first = first == RESCTRL_COUNTS ? reason : first;
    }
    return first;
}

static void forget_counters(struct resctrl *resctrl)
{
    for (uint32_t i = 0; i < resctrl->count; i++)
        for (int event = 0; event < RESCTRL_EVENTS; event++)
            resctrl->caches[i].counters[event].seen = false;
}

void resctrl_read(struct resctrl *resctrl)
{
    if (resctrl->reads == 0)
        resctrl->listing = list_caches(resctrl);
    resctrl->reads = (resctrl->reads + 1) % LIST_READS;
    if (resctrl->listing != RESCTRL_COUNTS)
        forget_counters(resctrl);
    for (int event = 0; event < RESCTRL_EVENTS; event++) {
        resctrl->reasons[event] =
            resctrl->listing == RESCTRL_COUNTS ? read_event(resctrl, event) : resctrl->listing;
        if (resctrl->reasons[event] == RESCTRL_NOT_FOUND)
            resctrl->reads = 0; /* a cache has gone, or comes */
    }
}

enum resctrl_reason resctrl_reason(const struct resctrl *resctrl, enum resctrl_event event)
{
    return resctrl->reasons[event];
}

const char *resctrl_word(enum resctrl_reason reason)
{
    static const char *const words[RESCTRL_REASONS] = {
        "", "not_found", "permission", "unavailable", "unreadable", "partial"};
    return words[reason];
}

uint32_t resctrl_domains(const struct resctrl *resctrl)
{
    return resctrl->count;
}

const struct resctrl_domain *resctrl_domain(const struct resctrl *resctrl, uint32_t which)
{
    return &resctrl->caches[which].domain;
}

uint64_t resctrl_bytes(const struct resctrl *resctrl, enum resctrl_event event)
{
    return resctrl->bytes[event];
}
