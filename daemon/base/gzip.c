/* SPDX-License-Identifier: MIT */
#include "daemon/base/gzip.h"

#include <libdeflate.h>

/* Scrapes shrink twenty times at the fastest level already; a better one costs more than it saves.
 */
#define LEVEL 1

#define WORTH_IT 1024 /* bytes; below, a packet is a packet */

bool gzip_append(struct buffer *out, const struct buffer *from)
{
    struct libdeflate_compressor *compressor = libdeflate_alloc_compressor(LEVEL);
    if (!compressor)
        return false;
    size_t most = libdeflate_gzip_compress_bound(compressor, from->length), made = 0;
    if (buffer_reserve(out, most))
        made = libdeflate_gzip_compress(compressor, from->data, from->length,
                                        out->data + out->length, most);
    libdeflate_free_compressor(compressor);
    out->length += made;
    return made > 0;
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
