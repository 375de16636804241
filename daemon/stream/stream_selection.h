/* SPDX-License-Identifier: MIT */
/*
 * The series that a filter selects from a plan, each with the value that its
 * readers know: what is told next is the difference.  Follows the snapshots from
 * plan to plan.  For the event loop's thread.
 */
#ifndef ENGRAMD_STREAM_SELECTION_H
#define ENGRAMD_STREAM_SELECTION_H

#include "daemon/base/buffer.h"
#include "daemon/snapshot/match.h"
#include "daemon/snapshot/snapshot.h"

#define PICK_NO_NODE UINT32_MAX

enum pick_type { PICK_U64, PICK_I64, PICK_DOUBLE, PICK_HISTOGRAM };

/* One series of one node, or of all. */
struct pick {
    const struct family *family;
    const struct series *series;
    uint32_t node;   /* or PICK_NO_NODE */
    uint32_t before; /* first of its words in selection.before */
    uint32_t head;   /* where its name and labels start in selection.heads */
    uint32_t head_length;
    bool known; /* readers have been told the value in `before` */
};

struct selection {
    struct plan *plan;  /* a reference */
    struct pick *picks; /* by name, labels and node */
    uint32_t count;
    union word *before;
    struct buffer heads; /* "name":"...","labels":{...} of each pick */
    size_t bytes;        /* of all this */
};

/* Of the snapshot's plan; nothing is known yet.  False when there is no memory, and then there is
 * nothing to free. */
bool selection_new(struct selection *selection, const struct match *match,
                   const struct snapshot *snapshot);
void selection_free(struct selection *selection);

/* Is told of a pick of the selection before that is in the new one no more. */
typedef void selection_gone(void *argument, const struct selection *before,
                            const struct pick *pick);

/* What was known in the selection before is known in this one. */
void selection_inherit(struct selection *selection, const struct selection *before,
                       selection_gone *gone, void *argument);

enum pick_type pick_type(const struct pick *pick);
uint32_t pick_words(const struct pick *pick);

/* The words of its value, in the snapshot or, if they are to be summed, in *room; NULL when it has
 * none now.  *lacking is set if that is because rows are missing, and says nothing about it. */
const union word *pick_value(const struct pick *pick, const struct snapshot *snapshot,
                             union word *room, bool *lacking);

#endif
