/* SPDX-License-Identifier: MIT */
#include "daemon/machine/numa_maps.h"
#include "daemon/base/clock.h"
#include "daemon/machine/fields.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_SIZE 512
#define LINE_SIZE 24576 /* a path has 4095 bytes, each of which may be escaped by four */
#define TIME_MOST UINT64_C(250000000)

const char *numa_maps_word(enum numa_maps_reason reason)
{
    static const char *const words[NUMA_MAPS_REASONS] = {"", "not_found", "permission", "slow",
                                                         "failed"};
    return words[reason];
}

/* A number behind `prefix`, with which a word begins. */
static bool take(const char *word, const char *prefix, uint64_t *value)
{
    const char *at = fields_behind(word, prefix);
    return at && *at >= '0' && *at <= '9' && fields_numbers(at, value, 1) == 1;
}

static const char *next_word(const char *word)
{
    word += strcspn(word, " \n");
    return word + strspn(word, " \n");
}

static uint64_t page_bytes(const char *line)
{
    uint64_t kilobytes = 0;
    for (const char *word = line; *word; word = next_word(word))
        if (take(word, "kernelpagesize_kB=", &kilobytes))
            return kilobytes << 10;
    return 0;
}

/* "N1=20": pages on a node. */
static bool take_node(const char *word, uint32_t nodes, uint32_t *node, uint64_t *pages)
{
    char *end;
    if (word[0] != 'N' || word[1] < '0' || word[1] > '9')
        return false;
    unsigned long number = strtoul(word + 1, &end, 10);
    *node = (uint32_t)number;
    return number < nodes && take(end, "=", pages);
}

void numa_maps_parse(const char *line, uint64_t *bytes, uint32_t nodes)
{
    uint64_t page = page_bytes(line), pages;
    uint32_t node;
    for (const char *word = line; *word; word = next_word(word))
        if (take_node(word, nodes, &node, &pages))
            bytes[node] += pages * page;
}

static enum numa_maps_reason reason_of(int error)
{
    switch (error) {
    case ENOENT:
    case ESRCH:
        return NUMA_MAPS_GONE;
    case EACCES:
    case EPERM:
        return NUMA_MAPS_PERMISSION;
    default:
        return NUMA_MAPS_FAILED;
    }
}

/* Takes the whole lines of a text of so many bytes; what is left moves to its start, how long it is
 * is returned.  A line that is too long is left out. */
static size_t take_lines(char *text, size_t length, uint64_t *bytes, uint32_t nodes)
{
    char *line = text, *end;
    while ((end = memchr(line, '\n', length - (size_t)(line - text)))) {
        *end = 0;
        numa_maps_parse(line, bytes, nodes);
        line = end + 1;
    }
    size_t left = length - (size_t)(line - text);
    if (left == LINE_SIZE)
        return 0;
    memmove(text, line, left);
    return left;
}

/* Whatever runs has memory: an empty file is of one that has ended. */
static enum numa_maps_reason read_lines(int file, uint64_t *bytes, uint32_t nodes)
{
    char text[LINE_SIZE + 1];
    uint64_t began = clock_monotonic();
    size_t length = 0;
    bool any = false;
    ssize_t got;
    while ((got = read(file, text + length, LINE_SIZE - length)) > 0) {
        any = true;
        length = take_lines(text, length + (size_t)got, bytes, nodes);
        if (clock_monotonic() - began > TIME_MOST)
            return NUMA_MAPS_SLOW;
    }
    if (got < 0)
        return reason_of(errno);
    text[length] = 0; /* what ends without a line's end */
    numa_maps_parse(text, bytes, nodes);
    return any ? NUMA_MAPS_READ : NUMA_MAPS_GONE;
}

enum numa_maps_reason numa_maps_read(const char *sysroot, uint32_t pid, uint64_t *bytes,
                                     uint32_t nodes)
{
    char path[PATH_SIZE];
    memset(bytes, 0, nodes * sizeof *bytes);
    snprintf(path, sizeof path, "%s/proc/%" PRIu32 "/numa_maps",
             strcmp(sysroot, "/") == 0 ? "" : sysroot, pid);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return reason_of(errno);
    enum numa_maps_reason reason = read_lines(file, bytes, nodes);
    close(file);
    return reason;
}
