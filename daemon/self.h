/* SPDX-License-Identifier: MIT */
/*
 * What the daemon knows about itself: counted where it happens, by any thread,
 * and turned into families (self_families) at each snapshot by self_fill().
 */
#ifndef ENGRAMD_SELF_H
#define ENGRAMD_SELF_H

#include "daemon/snapshot/plan.h"
#include "shmlib/events.h"

struct self;

/* `version` and `revision` are literals; NULL when there is no memory. */
struct self *self_new(uint32_t sockets, const char *version, const char *revision);
void self_free(struct self *self);

/* The families, NULL-terminated, for plan_input.computed. */
const struct computed_family *const *self_families(const struct self *self);
uint32_t self_family_count(const struct self *self);

/* A collector ended a collection that took `ns`; `success`: it published values. */
void self_collected(struct self *self, uint32_t socket, uint64_t ns, bool success);
/* Its values are not shown, as it has ended none for too long; its thread was replaced. */
void self_collector_is_out(struct self *self, uint32_t socket);
void self_collector_replaced(struct self *self, uint32_t socket);

/* Discovery has gone round once. */
void self_discovered(struct self *self);
/* Whether every collector and discovery have got on since the last call; for one thread. */
bool self_has_moved(struct self *self);

/* How often everything is looked at now, and what the daemon uses of a core: NAN if unknown. */
void self_paced(struct self *self, double tick_seconds, double cpu_ratio);

/* What a ring of that socket held, before self_collected(); how long it waited counts only while
 * its process is alive. */
void self_saw_events(struct self *self, uint32_t socket, const struct drained *drained, bool alive);

/* What discovery found: regions by state, series that are too many, and what was refused since the
 * start. */
void self_regions(struct self *self, uint32_t alive, uint32_t dead, uint32_t quarantined,
                  uint64_t series_refused);
void self_rejected(struct self *self, enum rejection rejection);

/* The state directory can be written; how writes of the totals went, and what they took over. */
void self_state_opened(struct self *self);
void self_state_written(struct self *self, bool success, uint32_t regions);
void self_state_dropped(struct self *self, uint32_t series);
void self_state_bytes(struct self *self, uint64_t bytes);
void self_forgot(struct self *self, uint32_t processes);

/* An export of `bytes` on the wire took `ns` from snapshot to body. */
void self_exported(struct self *self, uint64_t ns, uint64_t bytes);
void self_requested(struct self *self, int status);

/* Clients of /stream and the memory that they take; one of them missed a message, or was cut off.
 */
void self_streams(struct self *self, uint32_t clients, uint64_t bytes);
void self_stream_skipped(struct self *self);
void self_stream_cut(struct self *self);

/* The history as it is now, for the families about it. */
struct self_history {
    uint64_t bytes, limit, series, left_out;
    double reach_seconds;
};
void self_kept_history(struct self *self, const struct self_history *history);

/* Events that were read and that were lost, and how many waited in the fullest ring. */
struct self_events {
    uint64_t read, missed;
    uint32_t depth;
};
struct self_events self_event_figures(const struct self *self);

/* Clients of the server, streams apart: connections, bytes that they are still to take, and how
 * many had to go because they were idle or slow, or were refused. */
#define SELF_CROWDED 3
void self_clients(struct self *self, uint32_t connections, uint64_t outstanding,
                  const uint64_t crowded_out[SELF_CROWDED]);

/* Whether the web configuration could be used when it was read last; nothing is shown before. */
void self_web_configured(struct self *self, bool good);

/* One that was run for an alert; shown once there may be any, which self_commands() says. */
#define SELF_COMMANDS 4
void self_commands(struct self *self);
void self_command_ended(struct self *self, unsigned result);

/* Writes the current values into the computed row. */
void self_fill(struct self *self, const struct plan *plan, union word *row);

#endif
