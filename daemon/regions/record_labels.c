/* SPDX-License-Identifier: MIT */
#include "daemon/regions/record_labels.h"

static void append_label(struct buffer *out, size_t start, const char *name, size_t name_length,
                         const char *value, size_t value_length)
{
    if (out->length > start)
        buffer_append_char(out, ',');
    buffer_append(out, name, name_length);
    buffer_append(out, "=\"", 2);
    for (size_t i = 0; i < value_length; i++) {
        if (value[i] == '\n') {
            buffer_append(out, "\\n", 2);
            continue;
        }
        if (value[i] == '"' || value[i] == '\\')
            buffer_append_char(out, '\\');
        buffer_append_char(out, value[i]);
    }
    buffer_append_char(out, '"');
}

void append_record_labels(struct buffer *out, const struct record *record, const char *process)
{
    struct label_view label;
    size_t start = out->length;
    for (size_t at = 0; record && record_label(record, &at, &label);)
        append_label(out, start, label.name, label.name_length, label.value, label.value_length);
    append_label(out, start, "process", 7, process, strlen(process));
}
