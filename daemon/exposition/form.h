/* SPDX-License-Identifier: MIT */
/* How a format writes what exposition.c finds in a snapshot: private to this folder. */
#ifndef ENGRAMD_FORM_H
#define ENGRAMD_FORM_H

#include <stdint.h>

#include "daemon/base/buffer.h"
#include "daemon/snapshot/series.h"

#define NO_NODE (-1)

/* What all samples of a family share. */
struct block {
    struct buffer *out;
    const struct family *family;
    size_t name_length;
    size_t start; /* where in `out` the family begins */
};

enum reading { READ_COUNT, READ_SIGNED, READ_NUMBER }; /* of a word's 64 bits */

struct form {
    /* What stands before a family's samples and behind them.  A family without any is taken back
     * and has no end. */
    void (*begin)(const struct block *block);
    void (*end)(const struct block *block);
    void (*value)(const struct block *block, const struct series *series, int node,
                  enum reading reading, union word value);
    void (*histogram)(const struct block *block, const struct series *series, int node,
                      const union word *cell);
    const char *last; /* behind all families */
};

extern const struct form text_form, openmetrics_form, protobuf_form;

/* Only a broken process counts beyond what can be told; even then buckets do not fall. */
static inline uint64_t sum_of(uint64_t a, uint64_t b, uint64_t most)
{
    return b > most || a > most - b ? most : a + b;
}

#endif
