/* SPDX-License-Identifier: MIT */
/* Compression of a whole body at once.  The only user of libdeflate. */
#ifndef ENGRAMD_GZIP_H
#define ENGRAMD_GZIP_H

#include "daemon/buffer.h"

/* Appends `from` compressed; false, with `out` as it was, when there is no memory. */
bool gzip_append(struct buffer *out, const struct buffer *from);

#endif
