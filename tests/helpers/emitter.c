/* SPDX-License-Identifier: MIT */
/*
 * Emits events that are numbered from 0 by their first value, on one CPU:
 *
 *     emitter EVENTS PER_BURST MS_BETWEEN
 *
 * Prints "emitted EVENTS" at the end, and stays until it is killed or its input ends.
 */
#define _GNU_SOURCE
#include <engram/engram.h>

#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static void stay_here(void)
{
    cpu_set_t here;
    CPU_ZERO(&here);
    CPU_SET((size_t)sched_getcpu(), &here);
    sched_setaffinity(0, sizeof here, &here);
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: emitter EVENTS PER_BURST MS_BETWEEN\n");
        return 2;
    }
    uint64_t events = strtoull(argv[1], NULL, 10), burst = strtoull(argv[2], NULL, 10);
    struct timespec pause = {.tv_nsec = strtol(argv[3], NULL, 10) * 1000000};
    struct engram_spec spec = {.name = engram_string("numbered"),
                               .help = engram_string("Numbers.")};
    engram_event event = engram_event_register(&spec);
    stay_here();
    for (uint64_t i = 0; i < events; i++) {
        engram_event_emit(event, i, 7);
        if ((i + 1) % burst == 0)
            nanosleep(&pause, NULL);
    }
    printf("emitted %" PRIu64 "\n", events);
    fflush(stdout);
    return read(0, &pause, 1) < 0;
}
