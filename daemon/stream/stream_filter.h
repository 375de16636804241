/* SPDX-License-Identifier: MIT */
/*
 * What a client of /stream asks for, by the query's parameters:
 *
 *   match=, label=, process=, node=   as in match.h: which series, and whose events
 *   kinds=metrics,event,process,health  which messages; all of them by default
 *   fields=delta,value,rate,buckets   what is said of a series; delta and value by default
 *   interval=500ms                    between two messages of metrics: a tick to 1m
 *   last-event-id=ID                  as the header of that name
 */
#ifndef ENGRAMD_STREAM_FILTER_H
#define ENGRAMD_STREAM_FILTER_H

#include "daemon/base/buffer.h"
#include "daemon/snapshot/match.h"

enum stream_kind {
    STREAM_METRICS = 1,
    STREAM_EVENT = 2,
    STREAM_PROCESS = 4,
    STREAM_HEALTH = 8,
    STREAM_ALERT = 16
};
#define STREAM_ITEMS                                                                               \
    (STREAM_EVENT | STREAM_PROCESS | STREAM_HEALTH | STREAM_ALERT) /* what the feed has */
enum stream_field { FIELD_DELTA = 1, FIELD_VALUE = 2, FIELD_RATE = 4, FIELD_BUCKETS = 8 };

#define LAST_ID_SIZE 48

struct stream_filter {
    struct match match;
    unsigned kinds;          /* of enum stream_kind */
    unsigned fields;         /* of enum stream_field */
    uint64_t interval;       /* ns; 0: each tick */
    char last[LAST_ID_SIZE]; /* "" if none was given */
};

/* False with a sentence that says which parameter is wrong and why.  The filter is to be freed in
 * either case. */
bool stream_filter_parse(struct stream_filter *filter, const char *query, char *error, size_t size);
void stream_filter_free(struct stream_filter *filter);

/* Appends what tells this filter from others, apart from `last`: equal texts, equal streams. */
void stream_filter_key(const struct stream_filter *filter, struct buffer *out);

#endif
