/* SPDX-License-Identifier: MIT */
#include "daemon/snapshot/labels.h"

#include <stdio.h>

bool labels_next(const char **labels, struct label *label)
{
    const char *at = *labels + (**labels == ',');
    if (!*at)
        return false;
    label->name = at;
    label->name_length = strcspn(at, "=");
    at += label->name_length + sizeof "=\"" - 1;
    label->value = at;
    while (*at != '"')
        at += *at == '\\' ? 2 : 1;
    label->value_length = (size_t)(at - label->value);
    *labels = at + 1;
    return true;
}

const char *labels_find(const char *labels, const char *name, size_t *length)
{
    size_t name_length = strlen(name);
    for (struct label label; labels_next(&labels, &label);) {
        if (label.name_length != name_length || memcmp(label.name, name, name_length) != 0)
            continue;
        *length = label.value_length;
        return label.value;
    }
    return NULL;
}

void label_append_escaped(struct buffer *out, const char *value)
{
    for (; *value; value++) {
        if (*value == '"' || *value == '\\' || *value == '\n')
            buffer_append_char(out, '\\');
        buffer_append_char(out, *value == '\n' ? 'n' : *value);
    }
}

void label_append_plain(struct buffer *out, const struct label *label)
{
    const char *at = label->value, *end = at + label->value_length;
    while (at < end) {
        const char *escape = memchr(at, '\\', (size_t)(end - at));
        buffer_append(out, at, (size_t)((escape ? escape : end) - at));
        if (!escape)
            return;
        buffer_append_char(out, escape[1] == 'n' ? '\n' : escape[1]);
        at = escape + 2;
    }
}

/* A value that has escapes, without them, as a string. */
static void add_unescaped(struct json *json, const struct label *label)
{
    struct buffer plain = {0};
    label_append_plain(&plain, label);
    json_text(json, plain.failed ? "" : plain.data, plain.length);
    buffer_free(&plain);
}

void labels_add(struct json *json, const char *labels)
{
    for (struct label label; labels_next(&labels, &label);) {
        json_name(json, label.name, label.name_length);
        if (memchr(label.value, '\\', label.value_length))
            add_unescaped(json, &label);
        else
            json_text(json, label.value, label.value_length);
    }
}

void labels_add_of_node(struct json *json, const char *labels, uint32_t node)
{
    char number[12];
    snprintf(number, sizeof number, "%u", node);
    labels_add(json, labels);
    json_key(json, "numa_node");
    json_string(json, number);
}
