/* SPDX-License-Identifier: MIT */
/*
 * A series' labels as text, a="x",b="y": the form of the exposition, in which
 * series.labels are kept.  Values are escaped there: \\, \" and \n.
 */
#ifndef ENGRAMD_LABELS_H
#define ENGRAMD_LABELS_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/base/json.h"

struct label {
    const char *name;
    size_t name_length;
    const char *value; /* escaped, without its quotation marks */
    size_t value_length;
};

/* Takes the first label off *labels, which must be well formed; false when there is none. */
bool labels_next(const char **labels, struct label *label);

/* The value, escaped; NULL when there is no label of that name. */
const char *labels_find(const char *labels, const char *name, size_t *length);

/* Appends a value as it stands between quotation marks. */
void label_append_escaped(struct buffer *out, const char *value);

/* Appends its value without the escapes. */
void label_append_plain(struct buffer *out, const struct label *label);

/* Adds the labels as members of an object that is open, names to plain values. */
void labels_add(struct json *json, const char *labels);

/* The same of values of one memory node: with numa_node, which comes last. */
void labels_add_of_node(struct json *json, const char *labels, uint32_t node);

#endif
