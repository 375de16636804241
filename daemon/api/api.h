/* SPDX-License-Identifier: MIT */
/*
 * The JSON documents below /api/v1/, as engramd-api(7) has them.  For the event
 * loop's thread; what other threads own comes through the snapshot.
 */
#ifndef ENGRAMD_API_H
#define ENGRAMD_API_H

#include "daemon/alerts/alerting.h"
#include "daemon/api/parameters.h"
#include "daemon/base/json.h"
#include "daemon/history/history.h"
#include "daemon/self.h"
#include "daemon/snapshot/snapshot.h"

#define API_TYPE "application/json"
#define API_ROOT "/api/"
#define API_SNAPSHOT API_ROOT "v1/snapshot"

struct api {
    struct snapshot_store *store;
    const struct topology *topology;
    const struct live *live;
    const struct self *self;
    const struct history *history;
    struct alerting *alerting;
};

/* Answers a request for a path below API_ROOT: the document in `body`, which must be empty, and its
 * status.  With a status of 400 and more the document is an error. */
int api_answer(const struct api *api, const char *path, const char *query, struct buffer *body);

/* Writes an error instead of whatever the body has; returns the status. */
int api_fail(struct buffer *body, int status, const char *reason);

/* The documents, each in a file of its own: members of an object that is open.  0, or the status
 * with *error a literal phrase. */
typedef int api_document(const struct api *api, const struct parameters *parameters,
                         struct json *json, const char **error);
api_document api_alerts, api_processes, api_query, api_snapshot, api_topology;

/* Adds how far the history reaches, as a member. */
void api_add_history(const struct history *history, struct json *json);

#endif
