/* SPDX-License-Identifier: MIT */
/*
 * Which series a request asks for, by the query's parameters
 *
 *   match=GLOB         families of such a name; * ? [...]
 *   label=NAME:VALUE   series with that label; nothing after the colon: without it
 *   process=NAME       short for label=process:NAME
 *   node=N             values of that memory node
 *
 * match and label may be repeated: any of the globs, all of the labels.  Nothing
 * given is everything.
 */
#ifndef ENGRAMD_MATCH_H
#define ENGRAMD_MATCH_H

#include "daemon/snapshot/series.h"

#define MATCH_MOST 16
#define MATCH_TEXT_MAX 256 /* of a glob, or of a label's value */
#define MATCH_ANY_NODE UINT32_MAX

struct match {
    char *families[MATCH_MOST];
    char *labels[MATCH_MOST]; /* NAME="VALUE", escaped as series.labels are */
    uint32_t family_count, label_count;
    uint32_t node; /* MATCH_ANY_NODE: all */
};

#define MATCH_EVERYTHING ((struct match){.node = MATCH_ANY_NODE})

enum match_result {
    MATCH_TAKEN,
    MATCH_UNKNOWN, /* the parameter is none of these */
    MATCH_WRONG,   /* *error is a literal phrase that says what is */
};

/* Takes in one parameter of a query. */
enum match_result match_take(struct match *match, const char *name, const char *value,
                             const char **error);
void match_free(struct match *match);

bool match_family(const struct match *match, const char *name);

/* By labels; of a series that has a value for each node (ROWS_NODES), match_node() then says which
 * of them. */
bool match_series(const struct match *match, const struct series *series);
static inline bool match_node(const struct match *match, uint32_t node)
{
    return match->node == MATCH_ANY_NODE || match->node == node;
}

#endif
