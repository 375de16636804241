/* SPDX-License-Identifier: MIT */
/*
 * Who may ask: the Authorization header of a request against the users and tokens of
 * a web configuration.  For the event loop's thread, which never waits: a token is
 * compared at once, a password is verified elsewhere (auth_worker.h) and its verdict
 * comes later.  A password that was right once is known from then on by an HMAC under
 * a key of this start, so that whoever asks every second costs one verification.
 */
#ifndef ENGRAMD_AUTH_H
#define ENGRAMD_AUTH_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/http/web_config.h"

#define AUTH_CHECKS_MOST 16     /* passwords that wait to be verified, or are */
#define AUTH_CHECKS_OF_A_PEER 4 /* of those */

struct auth;
struct auth_check; /* a request whose password is being verified */

enum auth_verdict {
    AUTH_GRANTED,
    AUTH_DENIED,
    AUTH_BUSY,  /* too many wait already */
    AUTH_WAITS, /* the verdict comes later */
};

/* Called when there is a verdict for whoever waits for it. */
typedef void auth_ready(void *asker);

/* NULL when there is no memory or no randomness. */
struct auth *auth_new(struct event_base *base, auth_ready *ready);

/* After whoever waited was dropped. */
void auth_free(struct auth *auth);

/* From now on these users and tokens count, also for passwords that are being verified.  It borrows
 * the configuration until the next call or auth_free().  False with errno when a thread is needed
 * and cannot be started; then the ones before still count. */
bool auth_use(struct auth *auth, const struct web_config *config);

/* `authorization` is the header's value, or NULL; `peer` any number that stands for where the
 * client is.  With AUTH_WAITS, *check is set, and auth_ready() called once it is decided. */
enum auth_verdict auth_ask(struct auth *auth, const char *authorization, uint64_t peer, void *asker,
                           struct auth_check **check);

/* The verdict of a check that is decided, which this ends. */
enum auth_verdict auth_decided(struct auth_check *check);

/* Nobody waits for the verdict any more, and auth_ready() is not called. */
void auth_drop(struct auth_check *check);

#endif
