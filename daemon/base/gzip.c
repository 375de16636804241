/* SPDX-License-Identifier: MIT */
#include "daemon/base/gzip.h"

#include <isa-l/igzip_lib.h>
#include <stdlib.h>

/* A scrape becomes as small as by libdeflate's fastest level, in a third of the time; level 0 is
 * not faster, and better ones cost more than they save. */
#define LEVEL 1
#define ROOM ISAL_DEF_LVL1_DEFAULT

#define WORTH_IT 1024 /* bytes; below, a packet is a packet */
#define SHRINKS 16    /* times, as much as scrapes do; what does not takes a few more turns */

struct work {
    struct isal_zstream stream;
    uint8_t room[ROOM];
};

static void start(struct work *work, const struct buffer *from)
{
    isal_deflate_init(&work->stream);
    work->stream.level = LEVEL;
    work->stream.level_buf = work->room;
    work->stream.level_buf_size = ROOM;
    work->stream.gzip_flag = IGZIP_GZIP;
    work->stream.end_of_stream = 1;
    work->stream.next_in = (uint8_t *)from->data;
    work->stream.avail_in = (uint32_t)from->length;
}

/* Appends as much as there is room for. */
static bool pack(struct buffer *out, struct isal_zstream *stream)
{
    size_t room = out->capacity - out->length;
    stream->next_out = (uint8_t *)out->data + out->length;
    stream->avail_out = room < UINT32_MAX ? (uint32_t)room : UINT32_MAX;
    bool done = isal_deflate(stream) == COMP_OK;
    out->length = (size_t)((char *)stream->next_out - out->data);
    return done;
}

static bool pack_all(struct buffer *out, struct isal_zstream *stream, size_t step)
{
    while (stream->internal_state.state != ZSTATE_END)
        if (!buffer_reserve(out, step) || !pack(out, stream))
            return false;
    return true;
}

bool gzip_append(struct buffer *out, const struct buffer *from)
{
    struct work *work = from->length <= UINT32_MAX ? malloc(sizeof *work) : NULL;
    size_t before = out->length;
    if (!work)
        return false;
    start(work, from);
    bool packed = pack_all(out, &work->stream, from->length / SHRINKS + WORTH_IT);
    if (!packed)
        buffer_truncate(out, before);
    free(work);
    return packed;
}

struct frame *gzip_frame(const struct frame *plain, size_t *account)
{
    struct buffer out = {0}, from = {.data = plain->bytes, .length = plain->length};
    if (from.length < WORTH_IT)
        return NULL;
    if (!gzip_append(&out, &from)) {
        buffer_free(&out);
        return NULL;
    }
    struct frame *packed = frame_take(&out, account);
    if (packed)
        packed->whole = plain->whole;
    return packed;
}
