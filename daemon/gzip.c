/* SPDX-License-Identifier: MIT */
#include "daemon/gzip.h"

#include <libdeflate.h>

/* Scrapes shrink twenty times at the fastest level already; a better one costs more than it saves.
 */
#define LEVEL 1

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
