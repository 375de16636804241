/* SPDX-License-Identifier: MIT */
#include "daemon/snapshot/match.h"
#include "daemon/base/glob.h"
#include "daemon/snapshot/labels.h"

#include <engram/valid.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum match_result wrong(const char **error, const char *phrase)
{
    *error = phrase;
    return MATCH_WRONG;
}

/* Takes the text over. */
static enum match_result add(char **list, uint32_t *count, char *text, const char **error)
{
    if (!text)
        return wrong(error, "there is no memory");
    if (*count == MATCH_MOST) {
        free(text);
        return wrong(error, "there are more than 16 globs or labels");
    }
    list[(*count)++] = text;
    return MATCH_TAKEN;
}

static enum match_result take_family(struct match *match, const char *glob, const char **error)
{
    if (!*glob || !glob_valid(glob))
        return wrong(error, "match is a glob of families' names, such as engram_*");
    return add(match->families, &match->family_count, strdup(glob), error);
}

static enum match_result take_node(struct match *match, const char *value, const char **error)
{
    char *end;
    errno = 0;
    unsigned long node = strtoul(value, &end, 10);
    if (errno || *end || *value < '0' || *value > '9' || node >= MATCH_ANY_NODE)
        return wrong(error, "node is the number of a memory node");
    if (match->node != MATCH_ANY_NODE && match->node != node)
        return wrong(error, "there are two nodes, and no value is of both");
    match->node = (uint32_t)node;
    return MATCH_TAKEN;
}

static enum match_result take_label(struct match *match, struct engram_text name, const char *value,
                                    const char **error)
{
    struct buffer text = {0};
    if (!engram_name_valid(name, 0))
        return wrong(error, "label is NAME:VALUE, such as operation:recall");
    if (name.length == 9 && memcmp(name.at, "numa_node", 9) == 0)
        return take_node(match, value, error);
    buffer_append(&text, name.at, name.length);
    buffer_append_string(&text, "=\"");
    label_append_escaped(&text, value);
    buffer_append(&text, "\"", sizeof "\"");
    return add(match->labels, &match->label_count, text.data, error);
}

enum match_result match_take(struct match *match, const char *name, const char *value,
                             const char **error)
{
    if (strlen(value) > MATCH_TEXT_MAX)
        return wrong(error, "a value is too long");
    if (strcmp(name, "match") == 0)
        return take_family(match, value, error);
    if (strcmp(name, "node") == 0)
        return take_node(match, value, error);
    if (strcmp(name, "process") == 0)
        return *value ? take_label(match, (struct engram_text){name, strlen(name)}, value, error)
                      : wrong(error, "process is the name of one");
    if (strcmp(name, "label") != 0)
        return MATCH_UNKNOWN;
    const char *colon = strchr(value, ':');
    if (!colon)
        return wrong(error, "label is NAME:VALUE, such as operation:recall");
    return take_label(match, (struct engram_text){value, (size_t)(colon - value)}, colon + 1,
                      error);
}

void match_free(struct match *match)
{
    while (match->family_count)
        free(match->families[--match->family_count]);
    while (match->label_count)
        free(match->labels[--match->label_count]);
}

bool match_family(const struct match *match, const char *name)
{
    for (uint32_t i = 0; i < match->family_count; i++)
        if (glob_matches(match->families[i], name))
            return true;
    return match->family_count == 0;
}

/* Whether a series has the label; one that does not apply is the empty string. */
static bool has_label(const char *labels, const char *wanted)
{
    size_t name_length = strcspn(wanted, "=");
    const char *value = wanted + name_length + 2;
    size_t length = strlen(value) - 1;
    for (struct label label; labels_next(&labels, &label);)
        if (label.name_length == name_length && memcmp(label.name, wanted, name_length) == 0)
            return label.value_length == length && memcmp(label.value, value, length) == 0;
    return length == 0;
}

static bool has_node(const char *labels, uint32_t node)
{
    char wanted[sizeof "numa_node=\"4294967295\""];
    snprintf(wanted, sizeof wanted, "numa_node=\"%u\"", node);
    return has_label(labels, wanted);
}

bool match_series(const struct match *match, const struct series *series)
{
    for (uint32_t i = 0; i < match->label_count; i++)
        if (!has_label(series->labels, match->labels[i]))
            return false;
    return match->node == MATCH_ANY_NODE || series->rows == ROWS_NODES ||
           has_node(series->labels, match->node);
}
