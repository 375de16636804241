/* SPDX-License-Identifier: MIT */
/*
 * What has happened, in order: events that processes emitted, processes that came
 * and went.  A ring of fixed size that any thread appends to and the newest
 * overwrites; a reader keeps its own cursor and is told what it missed.  It also
 * carries the bell: a descriptor that becomes readable when there is something
 * new to look at, values included.
 */
#ifndef ENGRAMD_FEED_H
#define ENGRAMD_FEED_H

#include "daemon/alerts/alerting.h"
#include "daemon/health/finding.h"
#include "daemon/regions/event_source.h"
#include "shmlib/events.h"

enum feed_what { FEED_EVENT, FEED_ATTACHED, FEED_ENDED, FEED_HEALTH, FEED_ALERT };

struct feed_item {
    uint64_t time;               /* CLOCK_MONOTONIC, ns; of an event its process says when */
    struct event_source *source; /* NULL: this daemon */
    uint64_t values[2];          /* of an event; of health and alerts, the states before and now */
    uint32_t kind; /* of an event, its number in the source; of health, a component; an alert's */
    uint16_t node; /* of the CPU that it was emitted on */
    uint8_t what;  /* enum feed_what */
};

struct feed;

/* Room for so many items; NULL, with errno, when there is no memory or descriptor. */
struct feed *feed_new(uint32_t items);
void feed_free(struct feed *feed);

/* Cuts what was drained to what its owner may still add in this tick, an eighth of the room: who
 * floods pushes nobody else's events out.  What is cut off counts as missed.  Ticks have numbers;
 * any thread. */
void feed_limit(struct feed *feed, const struct event_source *source, uint64_t tick,
                struct drained *drained);

/* What was drained from a ring, of kinds that the source knows. */
void feed_events(struct feed *feed, struct event_source *source, uint32_t node,
                 const struct drained *drained);
void feed_process(struct feed *feed, struct event_source *source, enum feed_what what);
void feed_health(struct feed *feed, enum health_component component, enum health_state before,
                 enum health_state now);
void feed_alert(struct feed *feed, uint32_t number, enum alert_state before, enum alert_state now);

/* Rings the bell, if somebody listens; feed_silence() makes the descriptor unreadable until it
 * rings again. */
void feed_listen(struct feed *feed, bool somebody);
void feed_ring(struct feed *feed);
int feed_bell(const struct feed *feed);
void feed_silence(struct feed *feed);

/* Cursors count items since the start: before the oldest that is there, and behind the newest. */
uint64_t feed_tail(struct feed *feed);
uint64_t feed_head(struct feed *feed);

/* Copies up to `most` items from the cursor on and before `end` and moves the cursor behind them;
 * each has a reference to its source, which the caller releases.  *missed is increased by those
 * that were overwritten before. */
uint32_t feed_read(struct feed *feed, uint64_t *cursor, uint64_t end, struct feed_item *items,
                   uint32_t most, uint64_t *missed);

#endif
