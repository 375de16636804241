/* SPDX-License-Identifier: MIT */
/* Clients of /stream that ask for the same, and what is encoded for all of them.  For stream.c. */
#ifndef ENGRAMD_STREAM_GROUP_H
#define ENGRAMD_STREAM_GROUP_H

#include "daemon/base/frame.h"
#include "daemon/snapshot/snapshot.h"
#include "daemon/stream/stream_encode.h"

struct stream_client;

/* Bytes of frames that are held, and how many may be: beyond, clients wait for others to take what
 * they are owed. */
struct stream_account {
    size_t bytes, budget;
};

struct stream_group {
    struct stream_filter filter;
    struct buffer key; /* stream_filter_key() */
    struct feed *feed; /* borrowed, as the store is */
    struct snapshot_store *store;
    uint64_t epoch;
    struct stream_account *account;
    struct selection selection; /* without a plan: nothing was collected yet */
    uint64_t cursor;            /* in the feed: what is before was encoded */
    uint64_t told;              /* when the last message of metrics was due, CLOCK_MONOTONIC, ns */
    uint64_t due;               /* when the next one is */
    struct frame *snapshot;     /* of what clients know now; NULL until one asks */

    /* The newest frame, on its way to each client in turn. */
    struct frame *frame;
    uint64_t number;  /* of frames so far */
    uint64_t from;    /* the cursor before it */
    bool has_metrics; /* in it */
    bool more;        /* of the feed is left for the next one */
    bool again;       /* there may be something new that is in no frame */
    uint64_t renewed; /* when that was looked for last, CLOCK_MONOTONIC, ns */
    uint64_t sent;    /* when it was made, CLOCK_MONOTONIC, ns */
    struct stream_client *clients, *next_client; /* the latter is to get it next */
    struct stream_group *next;
};

/* Takes the filter over, also when there is no memory, and NULL is returned. */
struct stream_group *group_new(struct stream_filter *filter, struct feed *feed,
                               struct snapshot_store *store, uint64_t epoch,
                               struct stream_account *account);
void group_free(struct stream_group *group);

/* Every client has been offered the newest frame. */
void group_sent(struct stream_group *group);

/* Makes the next frame of what is new, which is then to be sent; false when nothing is. */
bool group_encode(struct stream_group *group, uint64_t now);

/* The next frame says nothing, so that proxies and clients know that the stream lives. */
void group_beat(struct stream_group *group, uint64_t now);

/* A reference to the frame that takes a client to what the others know; NULL when there is no
 * memory for it now. */
struct frame *group_snapshot(struct stream_group *group);

struct stream_id group_id(const struct stream_group *group);

/* Memory that the group takes without its frames, in bytes. */
size_t group_bytes(const struct stream_group *group);

#endif
