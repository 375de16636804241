/* SPDX-License-Identifier: MIT */
/*
 * Events by the names that makers of CPUs gave them.  The only user of libpfm, which holds its
 * tables for the whole process: between encode_begin() and encode_end(), one thread at a time.
 */
#ifndef ENGRAMD_ENCODE_H
#define ENGRAMD_ENCODE_H

#include "daemon/pmu/event.h"

#include <stdbool.h>

/* False when libpfm is not there, or knows neither this CPU nor this kernel. */
bool encode_begin(void);
void encode_end(void);

/* Whether this machine's CPUs are of a kind, by libpfm's name for it: "skx".  Says nothing about
 * whether they may be asked: a hypervisor may keep the counters to itself. */
bool encode_is_here(const char *kind);

/* Sets type and configs of an event of a kind that is here, which counts user and kernel alike.
 * False when libpfm does not know it: the event is left as it is. */
bool encode_event(const char *kind, const char *name, struct pmu_event *event);

#endif
