/* SPDX-License-Identifier: MIT */
/*
 * Is there memory to take?  A full file system fails a reservation, but a full
 * memory cgroup kills: the limit of every ancestor is asked first.
 */
#ifndef ENGRAM_HEADROOM_H
#define ENGRAM_HEADROOM_H

#include <engram/libc.h>
#include <string.h>

#define ENGRAM_HEADROOM_MARGIN (UINT64_C(1) << 20)
#define ENGRAM_PATH_MAX 1024

static inline uint64_t engram_parse_number(const char *text)
{
    uint64_t number = 0;
    if (*text < '0' || *text > '9')
        return UINT64_MAX; /* "max" */
    for (; *text >= '0' && *text <= '9'; text++)
        number = number * 10 + (uint64_t)(*text - '0');
    return number;
}

/* Appends to a path of ENGRAM_PATH_MAX bytes; returns 0 when it does not fit. */
static inline int engram_path_add(char *path, const char *tail, size_t length)
{
    size_t used = strlen(path);
    if (used + length >= ENGRAM_PATH_MAX)
        return 0;
    memcpy(path + used, tail, length);
    path[used + length] = 0;
    return 1;
}

static inline long engram_cgroup_file(const char *group, const char *name, char *to, size_t size)
{
    char path[ENGRAM_PATH_MAX] = "";
    if (!engram_path_add(path, group, strlen(group)) || !engram_path_add(path, name, strlen(name)))
        return -1;
    return engram_read_file(path, to, size);
}

/* What one cgroup can still take; page cache that nobody uses counts as free. */
static inline uint64_t engram_group_headroom(const char *group, int v2)
{
    char text[2048]; /* small: this may run on a signal handler's stack */
    if (engram_cgroup_file(group, v2 ? "/memory.max" : "/memory.limit_in_bytes", text,
                           sizeof text) < 0)
        return UINT64_MAX;
    uint64_t limit = engram_parse_number(text);
    if (limit >= UINT64_MAX / 4 ||
        engram_cgroup_file(group, v2 ? "/memory.current" : "/memory.usage_in_bytes", text,
                           sizeof text) < 0)
        return UINT64_MAX;
    uint64_t used = engram_parse_number(text);
    uint64_t cache = 0;
    if (engram_cgroup_file(group, "/memory.stat", text, sizeof text) > 0) {
        const char *line = strstr(text, v2 ? "\ninactive_file " : "\ntotal_inactive_file ");
        if (line)
            cache = engram_parse_number(strchr(line, ' ') + 1);
    }
    used -= cache < used ? cache : used;
    return used < limit ? limit - used : 0;
}

/* Finds the memory cgroup that a file like /proc/self/cgroup names; returns 2 or 1 for the version,
 * 0 for none. */
static inline int engram_memory_group(const char *file, char *group)
{
    char text[2048];
    if (engram_read_file(file, text, sizeof text) <= 0)
        return 0;
    const char *v1 = strstr(text, ":memory:");
    const char *v2 = strstr(text, "0::");
    const char *path = v1 ? v1 + 8 : v2 ? v2 + 3 : NULL;
    if (!path)
        return 0;
    const char *root = v1 ? "/sys/fs/cgroup/memory" : "/sys/fs/cgroup";
    group[0] = 0;
    if (!engram_path_add(group, root, strlen(root)) ||
        !engram_path_add(group, path, strcspn(path, "\n")))
        return 0;
    return v1 ? 1 : 2;
}

/* How many bytes the memory cgroup of such a file and all its ancestors can still take, or `enough`
 * if it is that many. */
static inline uint64_t engram_headroom(const char *file, uint64_t enough)
{
    char group[ENGRAM_PATH_MAX];
    int version = engram_memory_group(file, group);
    if (!version)
        return enough;
    size_t root = version == 1 ? strlen("/sys/fs/cgroup/memory") : strlen("/sys/fs/cgroup");
    for (size_t length = strlen(group); length >= root; length--) {
        if (group[length] != '/' && group[length] != 0)
            continue;
        group[length] = 0;
        uint64_t left = engram_group_headroom(group, version == 2);
        enough = left < enough ? left : enough;
    }
    return enough;
}

/* Whether `size` more bytes can be taken without an ancestor cgroup killing for it. */
static inline int engram_has_headroom(uint64_t size)
{
    size += ENGRAM_HEADROOM_MARGIN;
    return engram_headroom("/proc/self/cgroup", size) == size;
}

#endif
