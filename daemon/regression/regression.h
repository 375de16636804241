/* SPDX-License-Identifier: MIT */
/*
 * Whether operations take longer than they used to.  Of each kind of operation, over all processes,
 * the mean duration of each five seconds is compared (comparison.h); what is usual is learned in
 * the first five minutes in which there is any, and anew when that is asked for.
 */
#ifndef ENGRAMD_REGRESSION_H
#define ENGRAMD_REGRESSION_H

#include "daemon/snapshot/figures.h"
#include "daemon/snapshot/snapshot.h"

struct regression;

/* Adds its figures; NULL when there is no memory. */
struct regression *regression_new(struct figures *figures, struct snapshot_store *store);
void regression_free(struct regression *regression);

/* A sensor's `read`; its argument is a regression.  Says in the log what has become slower. */
void regression_read(void *regression);

/* What is usual is learned anew; for any thread. */
void regression_learn(struct regression *regression);

#endif
