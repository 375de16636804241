/* SPDX-License-Identifier: MIT */
/*
 * What stands between the HTTP server and those who come over TCP: how their
 * connections are sealed, and whether a request of theirs may be answered.  Sockets
 * in the file system have a mode for that, and no gate.
 *
 * For the event loop's thread.
 */
#ifndef ENGRAMD_HTTP_GATE_H
#define ENGRAMD_HTTP_GATE_H

#include <event2/bufferevent.h>
#include <stdbool.h>
#include <stdint.h>

struct http_request;
struct http_response;

/* A client whose request is judged. */
struct http_asker {
    void *note;    /* the gate's; NULL when it is asked for the first time */
    uint64_t peer; /* the same number for the same address */
};

enum http_verdict {
    HTTP_GRANTED,
    HTTP_ANSWERED, /* the gate has responded itself */
    HTTP_WAITS,    /* http_ask_again() follows, unless the client leaves */
};

struct http_gate {
    /* Whether a new connection is sealed: nobody but its stream may write to its socket. */
    bool (*seals)(void *argument);
    /* That stream, which owns `fd`; NULL when there is no memory. */
    struct bufferevent *(*open)(void *argument, struct event_base *base, evutil_socket_t fd);
    /* Says the end to the client, once nothing more is to be sent over a sealed stream. */
    void (*end)(struct bufferevent *stream);
    /* May add headers. */
    enum http_verdict (*ask)(void *argument, const struct http_request *request,
                             struct http_response *response, struct http_asker *asker);
    /* A client whose request waits has left; or has to be answered without a verdict. */
    void (*leave)(struct http_asker *asker);
    void (*put_off)(void *argument, struct http_response *response, struct http_asker *asker);
    void *argument;
};

/* Asks once more for a request that waits: there is a verdict. */
void http_ask_again(struct http_asker *asker);

#endif
