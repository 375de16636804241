/* SPDX-License-Identifier: MIT */
/* How the machine's parts are used right now: set by sensors, read by any thread. */
#ifndef ENGRAMD_LIVE_H
#define ENGRAMD_LIVE_H

#include <stdint.h>

/* What was set longer ago is not known any more, ns. */
#define LIVE_LIFETIME UINT64_C(10000000000)

enum live_kind {
    LIVE_CPU_BUSY,   /* share of the last second in which the CPU was not idle, 0 to 1 */
    LIVE_NODE_TAKEN, /* share of the node's memory that is not available, 0 to 1 */
    LIVE_LINKS_BUSY, /* number 0: share of what the busiest socket's links can carry, 0 to 1 */
    LIVE_KINDS
};

struct live;

/* For CPUs and nodes below these numbers; NULL when there is no memory. */
struct live *live_new(uint32_t cpus, uint32_t nodes);
void live_free(struct live *live);

/* NAN: it is not known.  Numbers beyond are passed over, and not known. */
void live_set(struct live *live, enum live_kind kind, uint32_t number, double value);
double live_get(const struct live *live, enum live_kind kind, uint32_t number);

#endif
