/* SPDX-License-Identifier: MIT */
/*
 * An operator's order to drop the totals of one process name, on its way from the
 * thread that takes commands to the one that owns the totals, and the answer back.
 * There is one at a time.
 */
#ifndef ENGRAMD_FORGET_ORDER_H
#define ENGRAMD_FORGET_ORDER_H

#include <stdbool.h>

enum forget_answer {
    FORGET_DONE,     /* and it is on disk */
    FORGET_UNKNOWN,  /* nothing is kept under that name */
    FORGET_IN_USE,   /* a process of that name records, or its last values are not folded yet */
    FORGET_NO_STATE, /* no totals can be written */
    FORGET_FAILED,   /* they could not be; nothing has changed */
};

struct forget_order;

/* NULL when there is no memory or no descriptor. */
struct forget_order *forget_order_new(void);
void forget_order_free(struct forget_order *order);

/* For the thread that takes commands.  False while there is another. */
bool forget_order_place(struct forget_order *order, const char *process);
/* A descriptor that is readable once there is an answer, and the answer, which ends the order;
 * false when there is none. */
int forget_order_fd(const struct forget_order *order);
bool forget_order_answered(struct forget_order *order, enum forget_answer *answer);

/* For the thread that owns the totals: the name, or NULL; valid until it answers. */
const char *forget_order_name(const struct forget_order *order);
void forget_order_answer(struct forget_order *order, enum forget_answer answer);

#endif
