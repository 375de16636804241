/* SPDX-License-Identifier: MIT */
/* engramctl dump: every series, from a running daemon, else straight from the regions. */
#include "dump.h"
#include "engramctl.h"
#include "fetch.h"
#include "http.h"
#include "json_out.h"
#include "terminal.h"
#include "shmlib/guard.h"

#include <stdlib.h>

/* One series, summed under guard over every copy of its region. */
struct summing {
    const struct reader *reader;
    struct source source;
    union word *row;
};

static void sum_all(void *argument)
{
    const struct summing *s = argument;
    const struct engram_region *h = &s->reader->header;
    uint8_t placement = h->placement[s->source.slot >> ENGRAM_CHUNK_SHIFT];
    if (placement == ENGRAM_SINGLE) {
        s->row[0].count = s->source.kind == ENGRAM_GAUGE ? ENGRAM_GAUGE_UNSET : 0;
        sum_single(s->reader, &s->source, 1, s->row);
        return;
    }
    for (uint32_t node = 0; node < h->nodes; node++)
        sum_node(s->reader, node, &s->source, 1, s->row);
    for (uint32_t cpu = 0; placement == ENGRAM_PER_CPU && cpu < h->cpus; cpu++)
        sum_cpu(s->reader, cpu, &s->source, 1, s->row);
}

uint64_t dump_count(const struct record *record, const union word *row)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i + 1 < record->descriptor->cells; i++)
        count += row[i].count;
    return count;
}

/* Where the series of all regions go. */
struct dump {
    struct json_object *json; /* NULL: lines are printed */
    int failures;
};

/* False when there is no memory, or the region was truncated meanwhile. */
static bool dump_record(const struct dump *dump, const struct reader *reader,
                        const struct record *record)
{
    struct summing summing = {reader, source_of(record->descriptor, 0), NULL};
    summing.row = calloc(sum_words(record->descriptor), sizeof *summing.row);
    bool whole = summing.row && guard_run(sum_all, &summing);
    if (whole && dump->json)
        dump_json(dump->json, reader, record, summing.row);
    else if (whole)
        dump_text(reader, record, summing.row);
    free(summing.row);
    return whole;
}

static void dump_region(void *argument, const char *path, struct reader *reader,
                        enum rejection rejection)
{
    struct dump *dump = argument;
    for (uint32_t i = 0; reader && i < reader->count; i++) {
        if (reader->records[i].descriptor->kind == ENGRAM_EVENT ||
            dump_record(dump, reader, &reader->records[i]))
            continue;
        rejection = REJECTION_TRUNCATED;
        break;
    }
    if (rejection) {
        fprintf(stderr, "engramctl: %s is not shown: %s\n", visible(path),
                rejection_advice(rejection));
        dump->failures++;
    }
}

static int dump_regions(const struct options *options)
{
    struct dump dump = {.json = options->json ? json_object_new_array() : NULL};
    guard_install();
    int unreadable = regions_each(options, dump_region, &dump);
    if (dump.json) {
        struct json_object *all = json_object_new_object();
        json_object_object_add(all, "series", dump.json);
        print_json(all);
    }
    return unreadable || dump.failures ? EXIT_WRONG : EXIT_FINE;
}

static bool copy(void *argument, const char *bytes, size_t length)
{
    return fwrite(bytes, 1, length, argument) == length;
}

int command_dump(const struct options *options)
{
    struct http_answer answer;
    if (options->directories_given && !options->address_given)
        return dump_regions(options);
    if (http_get(&options->daemon, options->json ? "/api/v1/snapshot" : "/metrics", copy, stdout,
                 &answer))
        return EXIT_FINE;
    if (options->address_given || answer.reached) {
        fetch_reason(&answer);
        fprintf(stderr, "engramctl: no metrics from engramd at %s: %s; is it running there?\n",
                options->daemon.address, answer.problem);
        return EXIT_WRONG;
    }
    fprintf(stderr, "engramctl: no engramd at %s; reading the regions themselves\n",
            options->daemon.address);
    return dump_regions(options);
}
