/* SPDX-License-Identifier: MIT */
/* The messages of a daemon's /stream, over lost connections. */
#ifndef ENGRAMCTL_STREAM_H
#define ENGRAMCTL_STREAM_H

#include "engramctl.h"
#include "sse.h"

/* Passes messages to the sink, those of `kinds` ("event,process", or NULL for all) that the
 * options' filters let pass, until SIGINT or SIGTERM comes, stream_stop() is called, or the daemon
 * refuses.  Connects again when the connection is lost, and goes on behind the last message.
 * Returns an exit status. */
int stream_follow(const struct options *options, const char *kinds, const struct sse_sink *sink);

/* For a sink that has had enough. */
void stream_stop(void);

/* Whether to stop, for who waits between messages; stream_catch() makes the signals say so. */
bool stream_stopped(void);
void stream_catch(void);

#define STREAM_MESSAGE_MOST ((size_t)64 << 20) /* bytes */

#endif
