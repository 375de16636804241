/* SPDX-License-Identifier: MIT */
/*
 * Numbers as text.  A double becomes the shortest decimal that reads back as the
 * same double, and of those the nearest to it.  No locale has a say.
 */
#ifndef ENGRAMD_NUMBER_H
#define ENGRAMD_NUMBER_H

#include <stdint.h>

#include "daemon/base/buffer.h"

/* At most so many bytes are written of any number. */
#define NUMBER_MOST 32

/* Each returns the end of what it wrote at `to`, where there is room for NUMBER_MOST bytes. */
char *number_put_u64(char *to, uint64_t value);
char *number_put_i64(char *to, int64_t value);
char *number_put_double(char *to, double value);

void number_append_u64(struct buffer *out, uint64_t value);
void number_append_i64(struct buffer *out, int64_t value);
void number_append_double(struct buffer *out, double value);

/* As OpenMetrics and Prometheus spell a bucket's bound: 1.0, 1e+06. */
void number_append_bound(struct buffer *out, double value);

#endif
