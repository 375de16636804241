/* SPDX-License-Identifier: MIT */
#include "daemon/history/stretch.h"

#include <stdlib.h>

#define VARINT_MAX 10    /* bytes of 64 bits, 7 in each */
#define RARE UINT64_C(1) /* in place of a count: two numbers follow */
#define COMMON_BITS 62   /* of a count that is written as one number */

static void put_varint(struct buffer *out, uint64_t value)
{
    if (!buffer_reserve(out, VARINT_MAX))
        return;
    while (value >= 0x80) {
        out->data[out->length++] = (char)(value | 0x80);
        value >>= 7;
    }
    out->data[out->length++] = (char)value;
}

static uint64_t take_varint(const uint8_t **at)
{
    uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        uint8_t byte = *(*at)++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return value;
    }
}

static void put_change(struct buffer *out, struct count_change change)
{
    if (change.fall == 0 && (uint64_t)change.net >> COMMON_BITS == 0) {
        put_varint(out, (uint64_t)change.net << 1);
        return;
    }
    put_varint(out, RARE);
    put_varint(out, (uint64_t)change.net);
    put_varint(out, change.fall);
}

static struct count_change take_change(const uint8_t **at)
{
    uint64_t first = take_varint(at);
    if (first != RARE)
        return (struct count_change){(int64_t)(first >> 1), 0};
    struct count_change change;
    change.net = (int64_t)take_varint(at);
    change.fall = take_varint(at);
    return change;
}

/* The bytes that are not zero, behind one that says which. */
static void put_bits(struct buffer *out, uint64_t bits)
{
    unsigned lowest = bits ? (unsigned)__builtin_ctzll(bits) / 8 : 0;
    unsigned length = bits ? 8 - (unsigned)__builtin_clzll(bits) / 8 - lowest : 0;
    bits >>= 8 * lowest;
    buffer_append_char(out, (char)(lowest << 4 | length));
    for (unsigned i = 0; i < length; i++, bits >>= 8)
        buffer_append_char(out, (char)bits);
}

static uint64_t take_bits(const uint8_t **at)
{
    unsigned lowest = **at >> 4, length = *(*at)++ & 15;
    uint64_t bits = 0;
    for (unsigned i = 0; i < length; i++)
        bits |= (uint64_t) * (*at)++ << 8 * (lowest + i);
    return bits;
}

static double take_double(const uint8_t **at)
{
    double value;
    memcpy(&value, *at, sizeof value);
    *at += sizeof value;
    return value;
}

static void mark_group(struct stretch_writer *writer)
{
    uint32_t start = (uint32_t)writer->bytes.length;
    buffer_append(&writer->starts, &start, sizeof start);
}

void stretch_begin(struct stretch_writer *writer, bool merged)
{
    buffer_reset(&writer->bytes);
    buffer_reset(&writer->starts);
    writer->merged = merged;
    mark_group(writer);
}

void stretch_group_begin(struct stretch_writer *writer)
{
    writer->group_at = writer->bytes.length;
    writer->changed = 0;
    buffer_append(&writer->bytes, &writer->changed, sizeof writer->changed);
}

void stretch_group_end(struct stretch_writer *writer)
{
    if (!writer->changed)
        buffer_truncate(&writer->bytes, writer->group_at);
    else if (!writer->bytes.failed)
        memcpy(writer->bytes.data + writer->group_at, &writer->changed, sizeof writer->changed);
    mark_group(writer);
}

struct stretch *stretch_end(struct stretch_writer *writer)
{
    size_t starts = writer->starts.length, bytes = writer->bytes.length;
    bool failed = writer->starts.failed || writer->bytes.failed || bytes > UINT32_MAX;
    struct stretch *stretch = failed ? NULL : malloc(sizeof *stretch + starts + bytes);
    if (!stretch)
        return NULL;
    char *tail = (char *)(stretch + 1);
    memcpy(tail, writer->starts.data, starts);
    memcpy(tail + starts, writer->bytes.data ? writer->bytes.data : tail, bytes);
    *stretch = (struct stretch){.samples = 1,
                                .merged = writer->merged,
                                .groups = (uint32_t)(starts / sizeof(uint32_t)) - 1,
                                .size = sizeof *stretch + starts + bytes,
                                .starts = (const void *)tail,
                                .bytes = (const uint8_t *)tail + starts};
    return stretch;
}

void stretch_writer_free(struct stretch_writer *writer)
{
    buffer_free(&writer->bytes);
    buffer_free(&writer->starts);
}

void stretch_put_count(struct stretch_writer *writer, uint32_t index, struct count_change change)
{
    writer->changed |= UINT64_C(1) << index;
    put_change(&writer->bytes, change);
}

void stretch_put_number(struct stretch_writer *writer, uint32_t index,
                        const struct number_change *change)
{
    writer->changed |= UINT64_C(1) << index;
    put_bits(&writer->bytes, change->bits);
    if (!writer->merged)
        return;
    buffer_append(&writer->bytes, &change->least, sizeof change->least);
    buffer_append(&writer->bytes, &change->most, sizeof change->most);
    buffer_append(&writer->bytes, &change->sum, sizeof change->sum);
    put_varint(&writer->bytes, change->count);
}

void stretch_put_cells(struct stretch_writer *writer, uint32_t index, uint32_t count, double sum)
{
    writer->changed |= UINT64_C(1) << index;
    put_varint(&writer->bytes, count);
    buffer_append(&writer->bytes, &sum, sizeof sum);
}

void stretch_put_cell(struct stretch_writer *writer, uint32_t gap, struct count_change change)
{
    put_varint(&writer->bytes, gap);
    put_change(&writer->bytes, change);
}

struct stretch_reader stretch_read(const struct stretch *stretch, uint32_t group)
{
    struct stretch_reader reader = {.merged = stretch->merged};
    if (group >= stretch->groups || stretch->starts[group] == stretch->starts[group + 1])
        return reader;
    reader.at = stretch->bytes + stretch->starts[group];
    memcpy(&reader.changed, reader.at, sizeof reader.changed);
    reader.at += sizeof reader.changed;
    return reader;
}

struct count_change stretch_take_count(struct stretch_reader *reader)
{
    return take_change(&reader->at);
}

struct number_change stretch_take_number(struct stretch_reader *reader)
{
    struct number_change change = {.bits = take_bits(&reader->at)};
    if (!reader->merged)
        return change;
    change.least = take_double(&reader->at);
    change.most = take_double(&reader->at);
    change.sum = take_double(&reader->at);
    change.count = take_varint(&reader->at);
    return change;
}

uint32_t stretch_take_cells(struct stretch_reader *reader, double *sum)
{
    uint32_t count = (uint32_t)take_varint(&reader->at);
    *sum = take_double(&reader->at);
    return count;
}

struct count_change stretch_take_cell(struct stretch_reader *reader, uint32_t *gap)
{
    *gap = (uint32_t)take_varint(&reader->at);
    return take_change(&reader->at);
}

void stretch_skip(struct stretch_reader *reader, enum change_kind kind)
{
    double sum;
    uint32_t gap;
    switch (kind) {
    case CHANGE_COUNT:
        stretch_take_count(reader);
        break;
    case CHANGE_NUMBER:
        stretch_take_number(reader);
        break;
    case CHANGE_CELLS:
        for (uint32_t i = stretch_take_cells(reader, &sum); i > 0; i--)
            stretch_take_cell(reader, &gap);
        break;
    }
}
