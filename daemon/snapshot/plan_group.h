/* SPDX-License-Identifier: MIT */
/*
 * Entries of one name are one family: who says of which type it is, and which
 * families cannot be served side by side, since samples of both would have one
 * name.
 */
#ifndef ENGRAMD_PLAN_GROUP_H
#define ENGRAMD_PLAN_GROUP_H

#include "daemon/snapshot/plan_entry.h"

struct group {
    uint32_t from, to;                       /* of the entries' list */
    const struct entry *definer;             /* NULL: the family is not served */
    const struct engram_family_entry *about; /* in the catalogue; NULL if it is no family of ours */
};

struct groups {
    struct group *list;
    uint32_t count; /* sorted by name */
};

/* False when there is no memory; the list is the caller's to free. */
bool groups_make(struct groups *groups, const struct entries *entries);

/* How an entry is served, if it is. */
enum series_type entry_type(const struct entry *entry);

#endif
