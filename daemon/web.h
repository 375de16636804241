/* SPDX-License-Identifier: MIT */
/* What each path answers. */
#ifndef ENGRAMD_WEB_H
#define ENGRAMD_WEB_H

#include "daemon/api/documents.h"
#include "daemon/exposition/bodies.h"
#include "daemon/health/health.h"
#include "daemon/http/http.h"
#include "daemon/self.h"
#include "daemon/snapshot/snapshot.h"
#include "daemon/stream/stream.h"

struct web {
    struct snapshot_store *store;
    struct self *self;
    struct bodies *bodies;
    struct documents *documents;
    struct streams *streams;
    struct health *health;
};

/* An http_handler and an http_observer; their argument is a struct web. */
void web_handle(const struct http_request *request, struct http_response *response, void *argument);
void web_observe(int status, void *argument);

#endif
