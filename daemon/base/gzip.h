/* SPDX-License-Identifier: MIT */
/* Compression of a whole body at once.  The only user of ISA-L. */
#ifndef ENGRAMD_GZIP_H
#define ENGRAMD_GZIP_H

#include "daemon/base/frame.h"

/* Appends `from` compressed; false when there is no memory, or `from` has 4 GiB or more: then `out`
 * is as it was, or has failed. */
bool gzip_append(struct buffer *out, const struct buffer *from);

/* A frame compressed, with a reference for the caller, and counted in *account; NULL when it is too
 * small to be worth it, or there is no memory: uncompressed is right, too. */
struct frame *gzip_frame(const struct frame *plain, size_t *account);

#endif
