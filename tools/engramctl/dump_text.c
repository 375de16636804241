/* SPDX-License-Identifier: MIT */
/* A region's series as lines of a text exposition. */
#include "dump.h"
#include "number.h"

#include <inttypes.h>
#include <stdio.h>

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

static void print_number(double value)
{
    char digits[NUMBER_TEXT_SIZE];
    number_text(value, digits);
    puts(digits);
}

static void print_histogram(const struct reader *reader, const struct record *record,
                            const union word *row)
{
    print_series(reader, record, "_count");
    printf("%" PRIu64 "\n", dump_count(record, row));
    print_series(reader, record, "_sum");
    print_number(row[record->descriptor->cells].number);
}

void dump_text(const struct reader *reader, const struct record *record, const union word *row)
{
    switch (record->descriptor->kind) {
    case ENGRAM_HISTOGRAM:
        print_histogram(reader, record, row);
        return;
    case ENGRAM_GAUGE:
        if (row[0].count == ENGRAM_GAUGE_UNSET)
            return;
        print_series(reader, record, "");
        print_number(row[0].number);
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
