/* SPDX-License-Identifier: MIT */
/*
 * Finds regions: by inotify at once, by a scan every second in case a
 * notification was lost or the directory came later.  Watches them for new
 * series and for the death of their process, and publishes a plan whenever what
 * is served has changed.  What cannot be served is quarantined with a reason.
 */
#ifndef ENGRAMD_DISCOVERY_H
#define ENGRAMD_DISCOVERY_H

#include "daemon/base/pace.h"
#include "daemon/snapshot/snapshot.h"
#include "daemon/stream/feed.h"
#include "daemon/totals/continuity.h"

struct discovery;

struct discovery_options {
    struct snapshot_store *store;
    const struct topology *topology;
    struct self *self;
    struct continuity *continuity;
    const char *const *directories; /* NULL-terminated */
    bool flat;                      /* also look for flat names in /dev/shm */
    struct pace *pace;
    uint32_t series_limit; /* of one region */
    struct feed *feed;     /* is told which processes come and go; may be NULL */
    /* What the daemon computes, NULL-terminated; to live as long as what is published. */
    const struct computed_family *const *computed;
};

/* NULL when there is no memory or no descriptor left, with errno.  The options are copied. */
struct discovery *discovery_new(const struct discovery_options *options);
void discovery_free(struct discovery *discovery);

/* Scans now and publishes a plan: for --once, and so that a plan stands before the first scrape.
 * False when there was no time to open everything that is there. */
bool discovery_scan(struct discovery *discovery);

/* Goes on in a thread of its own; false when it cannot be started. */
bool discovery_start(struct discovery *discovery);
void discovery_stop(struct discovery *discovery);

#endif
