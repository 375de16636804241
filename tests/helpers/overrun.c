/* SPDX-License-Identifier: MIT */
/*
 * A process emits events flat out, far faster than another one can read them; that one holds each
 * record that it gets against what was written, and in the end counts:
 *
 *     overrun EVENTS THREADS [shared]
 *
 * With `shared`, into the node's ring, as without restartable sequences.  Succeeds when no record
 * is wrong, none came twice, and what was delivered and what was missed is what was written.
 */
#define _GNU_SOURCE
#include <engram/engram.h>

#include "shmlib/events.h"
#include "shmlib/guard.h"

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS_MOST 16
#define RINGS_MOST 512
#define THREAD_SHIFT 48 /* in what stands for the time: whose record it is, and its number */

static engram_event event;
static struct engram_region *region;
static uint64_t events;

/* Of a record's time, and no two have the same: words of two records do not fit together. */
static uint64_t first_of(uint64_t time)
{
    return time * UINT64_C(0x9e3779b97f4a7c15);
}

static uint64_t second_of(uint64_t time)
{
    return ~time ^ time << 13;
}

static void *emit(void *argument)
{
    uint64_t time = (uint64_t)(uintptr_t)argument << THREAD_SHIFT;
    for (uint64_t i = 0; i < events; i++, time++)
        engram_event_emit_at(event, time, first_of(time), second_of(time));
    return NULL;
}

/* Never to return. */
static void write_all(unsigned threads)
{
    pthread_t all[THREADS_MOST];
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (unsigned i = 0; i < threads; i++)
        pthread_create(&all[i], NULL, emit, (void *)(uintptr_t)i);
    for (unsigned i = 0; i < threads; i++)
        pthread_join(all[i], NULL);
    _exit(0);
}

struct ring {
    struct copy copy;
    uint64_t cursor;
    uint64_t next[THREADS_MOST]; /* of each thread, the least number that is not known yet */
};

static struct ring rings[RINGS_MOST];
static uint32_t ring_count;
static uint64_t delivered, missed, wrong, repeated;

static void judge(struct ring *ring, const struct engram_event_record *record)
{
    uint64_t time = record->time, thread = time >> THREAD_SHIFT;
    uint64_t number = time & ((UINT64_C(1) << THREAD_SHIFT) - 1);
    delivered++;
    if (thread >= THREADS_MOST || number >= events || record->kind != event.kind ||
        record->values[0] != first_of(time) || record->values[1] != second_of(time)) {
        wrong++;
        return;
    }
    repeated += number < ring->next[thread];
    ring->next[thread] = number + 1;
}

static void read_all(void *argument)
{
    static struct drained drained;
    const uint32_t slot = engram_slot_offset(region, event.at);
    for (uint32_t i = 0; i < ring_count; i++) {
        events_drain(argument, rings[i].copy, slot, &rings[i].cursor, &drained);
        missed += drained.missed;
        for (uint32_t j = 0; j < drained.count; j++)
            judge(&rings[i], &drained.records[j]);
    }
}

static struct reader *open_region(const char *directory)
{
    char path[512];
    enum rejection rejection;
    snprintf(path, sizeof path, "%s/overrun.", directory);
    engram_append_hex(path + strlen(path), region->nonce, sizeof region->nonce);
    struct reader *reader = reader_open(AT_FDCWD, path, &rejection);
    if (!reader) {
        printf("refused: %s\n", rejection_advice(rejection));
        exit(1);
    }
    for (uint32_t i = 0; i < region->cpus && ring_count < RINGS_MOST; i++)
        rings[ring_count++].copy = (struct copy){true, i};
    for (uint32_t i = 0; i < region->nodes && ring_count < RINGS_MOST; i++)
        rings[ring_count++].copy = (struct copy){false, i};
    return reader;
}

static void read_until_end_of(pid_t writer, struct reader *reader)
{
    int status = 0;
    bool ended = false;
    while (!ended) {
        ended = waitpid(writer, &status, WNOHANG) == writer; /* and then once more */
        if (!guard_run(read_all, reader)) {
            printf("the region is gone\n");
            exit(1);
        }
    }
    if (status) {
        printf("the writer ended by itself: %#x\n", (unsigned)status);
        exit(1);
    }
}

int main(int argc, char **argv)
{
    unsigned threads = argc > 2 ? (unsigned)atoi(argv[2]) : 0;
    struct engram_spec spec = {.name = engram_string("numbered")};
    if (threads < 1 || threads > THREADS_MOST || !getenv("ENGRAM_DIR")) {
        fprintf(stderr, "usage: ENGRAM_DIR=... overrun EVENTS THREADS [shared]\n");
        return 2;
    }
    engram_attach("overrun");
    event = engram_event_register(&spec);
    if (!event.at.slot) {
        fprintf(stderr, "overrun: %s\n", engram_reason());
        return 2;
    }
    region = engram_region_of(event.at);
    if (argc > 3)
        engram_set_limit(region, 0);
    events = strtoull(argv[1], NULL, 10) / threads;
    guard_install();
    struct reader *reader = open_region(getenv("ENGRAM_DIR"));
    pid_t writer = fork();
    if (writer == 0)
        write_all(threads);
    read_until_end_of(writer, reader);
    reader_close(reader);
    uint64_t written = events * threads;
    printf("written %" PRIu64 ", delivered %" PRIu64 ", missed %" PRIu64 "; wrong %" PRIu64
           ", twice %" PRIu64 "\n",
           written, delivered, missed, wrong, repeated);
    return wrong || repeated || !delivered || !missed || delivered + missed != written;
}
