/* SPDX-License-Identifier: MIT */
/* How one series of a region is shown; `row` is its value, summed over the region's copies. */
#ifndef ENGRAMCTL_DUMP_H
#define ENGRAMCTL_DUMP_H

#include <json-c/json_object.h>

#include "shmlib/reader.h"
#include "shmlib/sum.h"

void dump_text(const struct reader *reader, const struct record *record, const union word *row);

/* Appends an object to an array. */
void dump_json(struct json_object *to, const struct reader *reader, const struct record *record,
               const union word *row);

/* The count of a histogram, which is the sum of its cells but the last. */
uint64_t dump_count(const struct record *record, const union word *row);

#endif
