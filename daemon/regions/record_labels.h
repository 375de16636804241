/* SPDX-License-Identifier: MIT */
/* The labels of what is recorded, in the form of series.labels. */
#ifndef ENGRAMD_RECORD_LABELS_H
#define ENGRAMD_RECORD_LABELS_H

#include "daemon/base/buffer.h"
#include "shmlib/reader.h"

/* Appends a record's labels and, last, the process; without a record that alone.  Not terminated.
 */
void append_record_labels(struct buffer *out, const struct record *record, const char *process);

#endif
