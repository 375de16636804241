/* SPDX-License-Identifier: MIT */
/*
 * The numbers that alerts are about, out of snapshots: what alerts/alert.h calls a signal, for each
 * series or group of series that it has.  One thread at a time.
 */
#ifndef ENGRAMD_SIGNAL_H
#define ENGRAMD_SIGNAL_H

#include "alerts/alert.h"
#include "daemon/snapshot/snapshot.h"

#define SIGNAL_LABELS_SIZE 256

struct signals; /* what sums were in the past */

struct signals *signals_new(uint32_t count); /* of signals; NULL when there is no memory */
void signals_free(struct signals *signals);

/* Called for each number; `labels` in exposition form are those of the series or group, without
 * numa_node. */
typedef void signal_told(void *argument, const char *labels, double value);

/* Of an alert's signal or gate, which `number`, below their count, tells from all others, at `now`,
 * CLOCK_MONOTONIC, ns. What is absent is not told of; of an incomplete snapshot only what the
 * daemon computes is. `told` may be NULL for a sum. */
void signal_tell(struct signals *signals, uint32_t number, const struct alert_signal *signal,
                 const struct snapshot *snapshot, uint64_t now, signal_told *told, void *argument);

/* What was made, in a call with the same `number` and `now`, of a sum by process alone, of the
 * process that `labels` name; NAN: it is absent. */
double signal_of_process(struct signals *signals, uint32_t number, const char *labels,
                         uint64_t now);

#endif
