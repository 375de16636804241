/* SPDX-License-Identifier: MIT */
/* The parts of the running daemon, and the files that put them together; for those alone. */
#ifndef ENGRAMD_DAEMON_H
#define ENGRAMD_DAEMON_H

#include "daemon/admin.h"
#include "daemon/collect/collector.h"
#include "daemon/collect/discovery.h"
#include "daemon/config.h"
#include "daemon/http/web_access.h"
#include "daemon/regions/claim.h"
#include "daemon/sensing.h"
#include "daemon/snapshot/derived.h"
#include "daemon/web.h"

#include <event2/event.h>

#define EVENTS_MOST 9 /* seven while it serves, two more while it stops */

/* Everything that lives as long as the daemon, in the order in which it is made. */
struct daemon {
    struct config config;
    struct topology *topology;
    struct self *self;
    struct pace *pace;
    struct derived *derived;
    struct sensing sensing;
    const struct computed_family **computed;
    struct snapshot_store *store;
    struct feed *feed;
    struct state *state;
    enum claim claim; /* as the log has told it */
    struct forget_order *order;
    struct continuity *continuity;
    struct discovery *discovery;
    struct collectors *collectors;
    struct event_base *base;
    struct web_access *access; /* NULL: whoever reaches an address may ask */
    struct admin *admin;       /* NULL: there is no place for its socket */
    struct http_server *server;
    struct streams *streams;
    struct history history;
    struct web web;
    bool stopping;
    bool hangs; /* a thread: what it uses cannot be freed */
    struct event *events[EVENTS_MOST];
    int event_count;
};

/* Says in the log what failed, by errno, and what to do: false. */
bool daemon_fail(const char *what, const char *advice);

/* pipeline.c: from regions to snapshots. */
bool pipeline_make(struct daemon *daemon);
/* Takes the state, and finds what is to be served; false after it has said why. */
bool pipeline_find(struct daemon *daemon);
/* The same without taking anything or folding: a look is no service. */
bool pipeline_look(struct daemon *daemon);
/* Tries to have the state and the directories that could not be had. */
void pipeline_retry(struct daemon *daemon);
void pipeline_unmake(struct daemon *daemon);

/* service.c: from snapshots to clients. */
bool service_make(struct daemon *daemon);
/* Serves until the daemon is told to stop; the exit status. */
int service_run(struct daemon *daemon);
void service_unmake(struct daemon *daemon);

#endif
