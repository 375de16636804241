/* SPDX-License-Identifier: MIT */
#include "daemon/totals/state_file.h"
#include "shmlib/record.h"

#include <string.h>

#define MAGIC UINT64_C(0x0a534c41544f4745) /* "EGOTALS\n" */

struct state_header {
    uint64_t magic;
    uint32_t version;
    uint32_t nodes;
    uint8_t boot_id[16];
    uint64_t size; /* of the file */
    uint32_t folded, known, totals;
    uint32_t reserved;
};

/* FNV-1a, 64 bit: against a file that was cut or scribbled on, not against malice. */
static uint64_t checksum(const char *bytes, size_t length)
{
    uint64_t sum = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < length; i++)
        sum = (sum ^ (uint8_t)bytes[i]) * UINT64_C(1099511628211);
    return sum;
}

/* Each total's name is known. */
static uint32_t index_of(const struct totals *totals, const char *process)
{
    return (uint32_t)(totals_known(totals, process) - totals->known);
}

/* What is known of a name, as it stands in the file before it. */
struct known_record {
    uint64_t time, since;
    uint32_t owner, length;
};

static void encode_known(struct buffer *out, const struct known *known)
{
    struct known_record record = {known->time, known->since, known->owner,
                                  (uint32_t)strlen(known->process)};
    buffer_append(out, &record, sizeof record);
    buffer_append(out, known->process, record.length);
}

static void encode_total(struct buffer *out, const struct totals *totals, const struct total *total)
{
    const struct engram_descriptor *d = total->record.descriptor;
    uint32_t rows = total_row_count(totals, d);
    uint32_t head[2] = {index_of(totals, total->process), rows};
    buffer_append(out, head, sizeof head);
    buffer_append(out, d, d->size);
    for (uint32_t row = 0; row < rows; row++)
        buffer_append(out, total->rows[row], sum_words(d) * sizeof(union word));
}

void state_encode(struct buffer *out, const struct totals *totals, const uint8_t boot_id[16])
{
    struct state_header header = {.magic = MAGIC,
                                  .version = STATE_VERSION,
                                  .nodes = totals->nodes,
                                  .folded = totals->folded_count,
                                  .known = totals->known_count,
                                  .totals = totals->count};
    size_t start = out->length;
    memcpy(header.boot_id, boot_id, sizeof header.boot_id);
    buffer_append(out, &header, sizeof header);
    buffer_append(out, totals->folded, totals->folded_count * sizeof *totals->folded);
    for (uint32_t i = 0; i < totals->known_count; i++)
        encode_known(out, &totals->known[i]);
    for (uint32_t i = 0; i < totals->count; i++)
        encode_total(out, totals, &totals->list[i]);
    if (out->failed)
        return;
    header.size = out->length - start + sizeof(uint64_t);
    memcpy(out->data + start, &header, sizeof header);
    uint64_t sum = checksum(out->data + start, out->length - start);
    buffer_append(out, &sum, sizeof sum);
}

/* What is left to read. */
struct rest {
    const char *at;
    size_t left;
};

static const void *take(struct rest *rest, size_t size)
{
    const char *taken = rest->at;
    if (size > rest->left)
        return NULL;
    rest->at += size;
    rest->left -= size;
    return taken;
}

static bool take_copy(struct rest *rest, void *to, size_t size)
{
    const void *from = take(rest, size);
    if (from)
        memcpy(to, from, size);
    return from != NULL;
}

uint32_t state_version(const char *bytes, size_t length)
{
    struct {
        uint64_t magic;
        uint32_t version;
    } head;
    uint64_t sum;
    if (length < sizeof head + sizeof sum)
        return 0;
    memcpy(&head, bytes, sizeof head);
    memcpy(&sum, bytes + length - sizeof sum, sizeof sum);
    return head.magic == MAGIC && sum == checksum(bytes, length - sizeof sum) ? head.version : 0;
}

static bool header_valid(const struct state_header *header, size_t length)
{
    /* No list can be longer than the file. */
    return header->size == length && header->nodes && header->nodes <= ENGRAM_NODES_MAX &&
           header->folded <= length / sizeof(struct nonce) &&
           header->known <= length / sizeof(struct known_record) &&
           header->totals <= length / sizeof(struct engram_descriptor);
}

/* A process name, or one with its owner's number after it. */
static bool shown_name_valid(const char *name, size_t length)
{
    size_t number = length;
    while (number && name[number - 1] >= '0' && name[number - 1] <= '9')
        number--;
    bool owned = number && number < length && name[number - 1] == '@' && length < IDENTITY_SIZE;
    return process_name_valid(name, owned ? number - 1 : length) ||
           process_name_valid(name, length);
}

static enum state_result decode_known(struct totals *totals, struct rest *rest, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct known_record record;
        if (!take_copy(rest, &record, sizeof record))
            return STATE_CORRUPT;
        const char *name = take(rest, record.length);
        if (!name || !shown_name_valid(name, record.length))
            return STATE_CORRUPT;
        const char *process = arena_string(&totals->arena, name, record.length);
        if (!process)
            return STATE_NO_MEMORY;
        if (i && strcmp(totals->known[i - 1].process, process) >= 0)
            return STATE_CORRUPT; /* out of order, or one name twice */
        totals->known[i] = (struct known){process, record.time, record.since, record.owner};
        totals->known_count++;
    }
    return STATE_GOOD;
}

/* A state may be of a daemon whose regions had layout 1: then eight buckets an octave went without
 * saying, and so did where explicit ones start. */
static void complete(struct engram_descriptor *d)
{
    if (d->kind != ENGRAM_HISTOGRAM || d->per_octave)
        return;
    if (d->bounds)
        d->first = 0;
    else
        d->per_octave = ENGRAM_PER_OCTAVE;
}

/* A private, aligned and validated copy of the descriptor that comes next. */
static enum state_result decode_descriptor(struct totals *totals, struct rest *rest,
                                           struct engram_descriptor **descriptor)
{
    struct engram_descriptor head;
    struct rest ahead = *rest;
    if (!take_copy(&ahead, &head, sizeof head) || head.size > rest->left ||
        head.size < sizeof head || head.size > ENGRAM_DESCRIPTOR_MAX)
        return STATE_CORRUPT;
    *descriptor = arena_take(&totals->arena, head.size, 1);
    if (!*descriptor)
        return STATE_NO_MEMORY;
    take_copy(rest, *descriptor, head.size);
    complete(*descriptor);
    return descriptor_valid(*descriptor, head.size) && total_is_kept(*descriptor) ? STATE_GOOD
                                                                                  : STATE_CORRUPT;
}

static enum state_result decode_rows(struct totals *totals, struct rest *rest, struct total *total,
                                     uint32_t count)
{
    const struct engram_descriptor *d = total->record.descriptor;
    union word room[ENGRAM_CHUNK_SIZE / sizeof(struct engram_cell) + SUM_WORDS];
    uint32_t rows = total_row_count(totals, d);
    if (!total_rows(totals, total))
        return STATE_NO_MEMORY;
    for (uint32_t row = 0; row < count; row++) {
        if (!take_copy(rest, room, sum_words(d) * sizeof *room))
            return STATE_CORRUPT;
        sum_add(d, total->rows[row < rows ? row : 0], room);
    }
    return STATE_GOOD;
}

static enum state_result decode_total(struct totals *totals, struct rest *rest, uint32_t nodes)
{
    struct total *total = &totals->list[totals->count];
    struct engram_descriptor *descriptor;
    uint32_t head[2];
    if (!take_copy(rest, head, sizeof head) || head[0] >= totals->known_count)
        return STATE_CORRUPT;
    enum state_result result = decode_descriptor(totals, rest, &descriptor);
    if (result != STATE_GOOD)
        return result;
    *total = (struct total){.process = totals->known[head[0]].process,
                            .record = {totals->count, descriptor}};
    if (head[1] != (descriptor->placement == ENGRAM_SINGLE ? 1 : nodes))
        return STATE_CORRUPT;
    result = decode_rows(totals, rest, total, head[1]);
    if (result == STATE_GOOD && totals->count && total_compare(total - 1, total) >= 0)
        return STATE_CORRUPT; /* out of order, or one series twice */
    totals->count++;
    return result;
}

static enum state_result decode_all(struct totals *totals, struct rest *rest,
                                    const struct state_header *header)
{
    if (!take_copy(rest, totals->folded, header->folded * sizeof *totals->folded))
        return STATE_CORRUPT;
    totals->folded_count = header->folded;
    enum state_result result = decode_known(totals, rest, header->known);
    for (uint32_t i = 0; result == STATE_GOOD && i < header->totals; i++)
        result = decode_total(totals, rest, header->nodes);
    return result == STATE_GOOD && rest->left ? STATE_CORRUPT : result;
}

enum state_result state_decode(const char *bytes, size_t length, const uint8_t boot_id[16],
                               uint32_t nodes, struct totals **totals)
{
    struct state_header header;
    struct rest rest = {bytes, length < sizeof(uint64_t) ? 0 : length - sizeof(uint64_t)};
    uint32_t version = state_version(bytes, length);
    if (version && version != STATE_VERSION)
        return STATE_OTHER_VERSION;
    if (!version || !take_copy(&rest, &header, sizeof header) || !header_valid(&header, length))
        return STATE_CORRUPT;
    if (memcmp(header.boot_id, boot_id, sizeof header.boot_id) != 0)
        return STATE_OTHER_BOOT;
    *totals = totals_new(nodes, header.totals, header.folded, header.known);
    if (!*totals)
        return STATE_NO_MEMORY;
    enum state_result result = decode_all(*totals, &rest, &header);
    if (result != STATE_GOOD)
        totals_release(*totals);
    return result;
}
