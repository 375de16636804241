/* SPDX-License-Identifier: MIT */
/*
 * Numbers as text.  A double becomes the shortest decimal that reads back as the
 * same double, and of those the nearest to it.  No locale has a say.
 */
#ifndef ENGRAMD_NUMBER_H
#define ENGRAMD_NUMBER_H

#include <stdint.h>

#include "daemon/base/buffer.h"

void number_append_u64(struct buffer *out, uint64_t value);
void number_append_i64(struct buffer *out, int64_t value);
void number_append_double(struct buffer *out, double value);

/* As OpenMetrics and Prometheus spell a bucket's bound: 1.0, 1e+06. */
void number_append_bound(struct buffer *out, double value);

#endif
