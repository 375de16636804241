/* SPDX-License-Identifier: MIT */
/* engramctl dump: every series, from a running daemon, else straight from the regions. */
#include "engramctl.h"
#include "http.h"
#include "shmlib/guard.h"
#include "shmlib/sum.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

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

static void print_escaped(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\n')
            fputs("\\n", stdout);
        else
            printf(text[i] == '"' || text[i] == '\\' ? "\\%c" : "%c", text[i]);
    }
}

static void print_series(const struct reader *reader, const struct record *record,
                         const char *suffix)
{
    struct label_view label;
    printf("%.*s%s{", (int)record->descriptor->name_length, record_name(record), suffix);
    for (size_t at = 0; record_label(record, &at, &label);) {
        printf("%.*s=\"", (int)label.name_length, label.name);
        print_escaped(label.value, label.value_length);
        fputs("\",", stdout);
    }
    printf("process=\"%s\"} ", reader->header.process);
}

static void print_histogram(const struct reader *reader, const struct record *record,
                            const union word *row)
{
    uint32_t cells = record->descriptor->cells;
    uint64_t count = 0;
    for (uint32_t i = 0; i + 1 < cells; i++)
        count += row[i].count;
    print_series(reader, record, "_count");
    printf("%" PRIu64 "\n", count);
    print_series(reader, record, "_sum");
    printf("%.17g\n", row[cells].number);
}

static void print_record(const struct reader *reader, const struct record *record,
                         const union word *row)
{
    switch (record->descriptor->kind) {
    case ENGRAM_HISTOGRAM:
        print_histogram(reader, record, row);
        return;
    case ENGRAM_GAUGE:
        if (row[0].count == ENGRAM_GAUGE_UNSET)
            return;
        print_series(reader, record, "");
        printf("%.17g\n", row[0].number);
        return;
    case ENGRAM_UPDOWN:
        print_series(reader, record, "");
        printf("%" PRId64 "\n", (int64_t)row[0].count);
        return;
    default:
        print_series(reader, record, "");
        printf("%" PRIu64 "\n", row[0].count);
    }
}

/* False when there is no memory, or the region was truncated meanwhile. */
static bool dump_record(const struct reader *reader, const struct record *record)
{
    struct summing summing = {reader, source_of(record->descriptor, 0), NULL};
    summing.row = calloc(sum_words(record->descriptor), sizeof *summing.row);
    bool whole = summing.row && guard_run(sum_all, &summing);
    if (whole)
        print_record(reader, record, summing.row);
    free(summing.row);
    return whole;
}

static void dump_region(void *argument, const char *path, struct reader *reader,
                        enum rejection rejection)
{
    int *failures = argument;
    for (uint32_t i = 0; reader && i < reader->count; i++) {
        if (reader->records[i].descriptor->kind == ENGRAM_EVENT ||
            dump_record(reader, &reader->records[i]))
            continue;
        rejection = REJECTION_TRUNCATED;
        break;
    }
    if (rejection) {
        fprintf(stderr, "engramctl: %s is not shown: %s\n", path, rejection_advice(rejection));
        ++*failures;
    }
}

static int dump_regions(const struct options *options)
{
    int failures = 0;
    guard_install();
    return regions_each(options, dump_region, &failures) || failures ? EXIT_WRONG : EXIT_FINE;
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
    if (http_get(options->address, "/metrics", copy, stdout, &answer))
        return EXIT_FINE;
    if (options->address_given || answer.reached) {
        fprintf(stderr, "engramctl: no metrics from engramd at %s: %s; is it running there?\n",
                options->address, answer.problem);
        return EXIT_WRONG;
    }
    fprintf(stderr, "engramctl: no engramd at %s; reading the regions themselves\n",
            options->address);
    return dump_regions(options);
}
