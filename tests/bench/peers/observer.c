/* SPDX-License-Identifier: MIT */
/*
 * Reads the one region in ENGRAM_DIR as engramd does, while its process records.  It is asked by
 * lines, and answers each by one:
 *
 *     count NAME    how many of the series' records are in the region; of an event: how many
 *                   were seen here, and how many were overwritten before they could be
 *     drain MICROS  answers 0 and reads the event rings until the next line comes, over and over
 *                   or with a rest after each look
 */
#define _GNU_SOURCE
#include "shmlib/events.h"
#include "shmlib/sum.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct reader *reader;
static uint64_t *cursors; /* of the CPUs' rings, then of the nodes' */
static uint64_t events;

static struct reader *open_only_region(void)
{
    const char *path = getenv("ENGRAM_DIR");
    DIR *directory = path ? opendir(path) : NULL;
    enum rejection rejection;
    struct reader *opened = NULL;
    for (struct dirent *entry; directory && !opened && (entry = readdir(directory));)
        if (*entry->d_name != '.')
            opened = reader_open(dirfd(directory), entry->d_name, &rejection);
    if (directory)
        closedir(directory);
    return opened;
}

static const struct engram_descriptor *find(const char *name)
{
    reader_refresh(reader);
    for (uint32_t i = 0; i < reader->count; i++) {
        const struct engram_descriptor *descriptor = reader->records[i].descriptor;
        if (descriptor->name_length == strlen(name) &&
            memcmp(record_name(&reader->records[i]), name, strlen(name)) == 0)
            return descriptor;
    }
    fprintf(stderr, "observer: no %s\n", name);
    exit(1);
}

static void look(uint32_t slot)
{
    static struct drained drained;
    const struct engram_region *h = &reader->header;
    for (uint32_t i = 0; i < h->cpus + h->nodes; i++) {
        struct copy copy = {i < h->cpus, i < h->cpus ? i : i - h->cpus};
        events_drain(reader, copy, slot, &cursors[i], &drained);
        events += drained.count + drained.missed;
    }
}

static uint64_t count(const struct engram_descriptor *descriptor)
{
    const struct engram_region *h = &reader->header;
    struct source source = source_of(descriptor, 0);
    uint64_t total = 0;
    if (descriptor->kind == ENGRAM_EVENT) {
        look(descriptor->slot);
        return events;
    }
    union word *row = calloc(sum_words(descriptor), sizeof *row);
    for (uint32_t cpu = 0; cpu < h->cpus; cpu++)
        sum_cpu(reader, cpu, &source, 1, row);
    for (uint32_t node = 0; node < h->nodes; node++)
        sum_node(reader, node, &source, 1, row);
    for (uint32_t i = 0; i < (descriptor->kind == ENGRAM_HISTOGRAM ? descriptor->cells : 1); i++)
        total += row[i].count;
    free(row);
    return total;
}

static void drain(uint32_t slot, long rest)
{
    struct pollfd input = {.fd = 0, .events = POLLIN};
    struct timespec pause = {.tv_nsec = rest * 1000};
    do {
        look(slot);
        if (rest)
            nanosleep(&pause, NULL);
    } while (poll(&input, 1, 0) == 0);
}

static void answer(uint64_t number)
{
    printf("%" PRIu64 "\n", number);
    fflush(stdout);
}

int main(void)
{
    char line[128], name[64];
    long rest;
    setvbuf(stdin, NULL, _IONBF, 0); /* or poll() would not see what stdio has read already */
    while (fgets(line, sizeof line, stdin)) {
        if (!reader && (!(reader = open_only_region()) ||
                        !(cursors = calloc(reader->header.cpus + reader->header.nodes, 8)))) {
            fprintf(stderr, "observer: no region\n");
            return 1;
        }
        if (sscanf(line, "count %63s", name) == 1)
            answer(count(find(name)));
        else if (sscanf(line, "drain %ld", &rest) == 1) {
            answer(0);
            drain(find("e")->slot, rest);
        }
    }
    return 0;
}
