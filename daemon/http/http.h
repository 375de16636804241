/* SPDX-License-Identifier: MIT */
/*
 * A small HTTP/1.1 server on bufferevents: GET, HEAD and OPTIONS, one thread.
 *
 * Every client has a deadline: 10 s from the first byte of a request to its last,
 * 60 s between requests, and for its answer 30 s and a second for each 64 KiB, of
 * which at most 10 s without any progress; less if a scrape says that it has less.
 * Connections have limits, in total and of one address: over them, idle ones are
 * closed, then slow ones, and if there is none, the new one is answered 503.  Streams
 * (http_stream.h) are counted apart, and are no concern of these deadlines.
 */
#ifndef ENGRAMD_HTTP_H
#define ENGRAMD_HTTP_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/frame.h"
#include "daemon/http/http_request.h"

struct http_server;
struct http_response;

/* How many may be connected; streams count apart.  "of_one": of one address, see peers.h; streams
 * from this host have no such limit, but those from all of its addresses and users have one. */
struct http_limits {
    int connections, connections_of_one;
    int streams, streams_of_one, streams_local;
    size_t owed; /* bytes of bodies that are not shared, and a quarter of it for those that are; or
                    four of the longest, uncompressed */
    uint32_t patience_ms; /* with one that is slow, before it goes for somebody new */
};

/* Answers a request by exactly one http_respond() or http_stream_begin(), before it returns. */
typedef void http_handler(const struct http_request *request, struct http_response *response,
                          void *argument);

/* Told of each response's status, those included that no handler was asked for; may be NULL. */
typedef void http_observer(int status, void *argument);

/* Bodies of which all who ask at a time get the same one, and those that are made for one. */
enum http_body { HTTP_SHARED, HTTP_OWN, HTTP_BODIES };

/* Whoever reads more slowly, in bytes a second, is slow. */
#define HTTP_LEAST_RATE (64 << 10)

enum { HTTP_WAS_IDLE, HTTP_WAS_SLOW, HTTP_REFUSED, HTTP_CROWDED };
/* Clients, streams apart. */
struct http_counts {
    uint32_t connections;
    uint64_t owed;                  /* bytes of bodies that they are still to take */
    uint64_t crowded[HTTP_CROWDED]; /* since the start: had to go, or was refused */
};

/* NULL when there is no memory. */
struct http_server *http_server_new(struct event_base *base, http_handler *handler,
                                    http_observer *observer, void *argument);

/* In place of what the limit on open files leaves room for, at most 1024 connections and 16384
 * streams, of which one address has a quarter and a sixteenth, and this host all streams but a
 * sixteenth, 32 MiB of bodies, and a second of patience. */
void http_server_limit(struct http_server *server, const struct http_limits *limits);

/* What those who come over TCP have to pass, see http_gate.h; it must last as long as the server.
 * Before the first connection. */
struct http_gate;
void http_server_set_gate(struct http_server *server, const struct http_gate *gate);

/* Lets pages of these origins read answers, see cors.h; the NULL-terminated list must last as long
 * as the server. */
void http_server_allow_origins(struct http_server *server, char *const *origins);

/* Listens on HOST:PORT, where HOST is an address and PORT 0 any free one, or on unix:PATH, made
 * with mode 0660 or what ",mode=0600" behind it says.  False with a sentence that says what, where
 * and what to do. */
bool http_server_listen(struct http_server *server, const char *address, char *error, size_t size);

/* Listens on a socket that somebody else has bound, and does not remove its file at the end.  The
 * descriptor is the server's from then on; false with a sentence, and it is the caller's still. */
bool http_server_adopt(struct http_server *server, int fd, char *error, size_t size);

/* The address that listener `i`, in order of listening, is bound to. */
const char *http_server_address(const struct http_server *server, int i);

/* Whether only this host can reach that listener. */
bool http_server_is_local(const struct http_server *server, int i);

struct http_counts http_server_counts(const struct http_server *server);

/* Accepts nobody new and closes each connection once it owes no response; one that is new has a
 * request on its way.  Whoever waits to be accepted is the next daemon's, if the socket was
 * adopted.
 */
void http_server_drain(struct http_server *server);

void http_server_free(struct http_server *server);

/* Adds a header, "Name: value" without a line end.  Before http_respond(). */
void http_header(struct http_response *response, const char *header);

/* Sends status and body, which is copied. */
void http_respond(struct http_response *response, int status, const char *content_type,
                  const void *body, size_t length);

/* Sends a frame as the body, and holds it for as long; frames are for what is big, or is sent to
 * many.  503 when it is NULL, for want of memory, or when clients that read slowly have so many
 * bytes outstanding that there is no room for more. */
void http_respond_frame(struct http_response *response, int status, const char *content_type,
                        struct frame *frame);

/* Where what is outstanding is counted: the account of a frame that is sent as a body.  One that
 * all who ask between two ticks share is never refused for the sake of those who read: the oldest
 * of them go.  Of others, those who are slow go, and if there are none, it is refused. */
size_t *http_account(struct http_response *response, enum http_body body);

#endif
