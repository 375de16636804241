/* SPDX-License-Identifier: MIT */
/* engramctl status: who writes, alive or dead, how many series, how much memory; and the daemon. */
#include "daemon_facts.h"
#include "engramctl.h"

#include <inttypes.h>
#include <sys/stat.h>
#include <time.h>

struct tally {
    unsigned alive, dead, refused;
    uint64_t series, bytes;
};

static uint64_t region_bytes(const struct reader *reader)
{
    struct stat status;
    return fstat(reader->fd, &status) ? 0 : (uint64_t)status.st_blocks * 512;
}

static void print_region(void *argument, const char *path, struct reader *reader,
                         enum rejection rejection)
{
    struct tally *tally = argument;
    if (!reader) {
        tally->refused++;
        printf("%-24s %-8s %s: %s\n", "-", "refused", path, rejection_advice(rejection));
        return;
    }
    const struct engram_region *h = &reader->header;
    bool alive = reader_alive(reader);
    uint64_t bytes = region_bytes(reader);
    time_t age = time(NULL) - (time_t)(h->born / 1000000000u);
    printf("%-24s %-8s %8" PRIu32 " %6u %8" PRIu32 " %9" PRIu64 " %8lds %s\n", h->process,
           alive ? "alive" : "dead", h->pid, (unsigned)reader->owner, reader->count, bytes >> 10,
           (long)(age > 0 ? age : 0), path);
    *(alive ? &tally->alive : &tally->dead) += 1;
    tally->series += reader->count;
    tally->bytes += bytes;
}

static int print_regions(const struct options *options)
{
    struct tally tally = {0};
    printf("%-24s %-8s %8s %6s %8s %9s %9s %s\n", "PROCESS", "STATE", "PID", "UID", "SERIES", "KIB",
           "AGE", "FILE");
    int unreadable = regions_each(options, print_region, &tally);
    printf("%u alive, %u dead, %u refused; %" PRIu64 " series, %" PRIu64 " KiB\n", tally.alive,
           tally.dead, tally.refused, tally.series, tally.bytes >> 10);
    return unreadable || tally.refused ? EXIT_WRONG : EXIT_FINE;
}

/* That no daemon runs is wrong only where one was said to be. */
static int print_daemon(const struct options *options)
{
    struct daemon_facts facts;
    struct http_answer answer;
    if (!daemon_facts_get(options->address, &facts, &answer)) {
        printf("engramd at %s: %s\n", options->address, answer.problem);
        return options->address_given || answer.reached ? EXIT_WRONG : EXIT_FINE;
    }
    printf("engramd at %s: version %s, up for %.0f s; serves %.0f live regions, %.0f dead, "
           "refuses %.0f; %.0f series\n",
           options->address, facts.version, (double)time(NULL) - facts.started, facts.alive,
           facts.dead, facts.quarantined, facts.series);
    return EXIT_FINE;
}

int command_status(const struct options *options)
{
    int regions = print_regions(options);
    int daemon = print_daemon(options);
    return regions == EXIT_FINE ? daemon : regions;
}
