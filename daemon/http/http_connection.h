/* SPDX-License-Identifier: MIT */
/* The HTTP server and one client of it: private to http*.c. */
#ifndef ENGRAMD_HTTP_CONNECTION_H
#define ENGRAMD_HTTP_CONNECTION_H

#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <sys/queue.h>

#include "daemon/http/http.h"
#include "daemon/http/http_gate.h"
#include "daemon/http/http_stream.h"
#include "daemon/http/peers.h"

#define LISTENERS_MAX 16

struct listener {
    struct evconnlistener *listener;
    char address[160];
    bool adopted; /* whoever bound it goes on listening */
};

TAILQ_HEAD(connections, connection);

/* A request that has to pass the gate: more may arrive while it waits. */
struct asked {
    struct http_request request;
    char head[]; /* that it points into */
};

struct http_server {
    struct event_base *base;
    http_handler *handler;
    http_observer *observer;
    void *argument;
    char *const *origins;         /* NULL-terminated, or NULL */
    const struct http_gate *gate; /* for TCP; NULL: everybody may ask */
    struct listener listeners[LISTENERS_MAX];
    int listener_count;
    unsigned first_listener; /* modulo their number, of those that accept again */
    struct http_limits limits;
    struct peers *peers;
    struct connections idle, busy, streams; /* in the order in which they came to be so */
    int connection_count;                   /* without streams */
    int stream_count, local_stream_count;   /* the latter: of this host, among all */
    int accepted;                           /* in this turn of the event loop */
    uint64_t accepting_since;               /* when the turn's first was, CLOCK_MONOTONIC, ns */
    bool accept_later;                      /* not in this turn */
    uint64_t crowded[HTTP_CROWDED];
    size_t owed[HTTP_BODIES]; /* bytes of bodies that are held for clients */
    bool draining;
    struct event *resume; /* accepting */
};

/*
 * It is in one of five states: idle, receiving a request, being answered (first the
 * request may wait for the gate's verdict; then the bufferevent's write timeout
 * watches progress, too), lingering, all with the deadline pending; or a stream.
 */
struct connection {
    struct http_server *server;
    struct bufferevent *stream;
    struct event *deadline;
    TAILQ_ENTRY(connection) link;
    struct connections *among; /* one of the server's three */
    uint64_t since;            /* when it came to be so, CLOCK_MONOTONIC, ns */
    uint64_t asked_at;         /* when it had asked, CLOCK_MONOTONIC, ns */
    size_t taken;              /* bytes of the answer since it was first read from */
    const size_t *account;     /* of the body that is leaving, else NULL */
    struct peer *peer;
    bool guarded; /* it came through the gate */
    bool exposed; /* a browser's page may be asking: it came over TCP, and nobody asks who it is */
    bool sealed;  /* nobody but its bufferevent may write to its socket */
    struct http_asker asker;
    struct asked *asked; /* the request that waits for a verdict, else NULL */
    bool receiving;      /* a request has begun and is not whole */
    bool answering;      /* a response is leaving */
    bool reading;        /* and some of it has been taken */
    bool served;         /* a response has left: before that, a request is on its way */
    bool ended;          /* the client sends no more, but may read what it asked for */
    bool streaming;
    const struct http_stream_calls *calls; /* of a stream, else NULL */
    void *argument;                        /* of those calls */
    bool close_after;
    bool linger; /* before closing: more is on its way, and a reset would overtake the answer */
    bool lingering;
    bool owes; /* of a stream: something may still wait in the bufferevent */
    int fd;    /* of a stream, beside it: a push to thousands should not look for it */
};

struct http_response {
    struct connection *connection;
    const struct http_request *request; /* NULL when it could not be parsed */
    struct evbuffer *headers;
    bool sent;
};

/* Frees it, and tells whoever streams to it. */
void connection_close(struct connection *connection);

/* Closes it in so many milliseconds, in place of what was said before. */
void connection_set_deadline(struct connection *connection, uint64_t ms);

/* The head of a response, up to the blank line; `rest` is more headers, or "".  A content_type of
 * NULL is none. */
void response_add_head(struct http_response *response, int status, const char *content_type,
                       const char *rest);

/* Sends a frame but its first bytes, and holds it for as long. */
void connection_add_frame(struct connection *connection, struct frame *frame, size_t from);

/* 204 and what may be asked. */
void response_options(struct http_response *response);

/* The request was meant for another host. */
void response_misdirected(struct http_response *response);

/* A status and its name as the body. */
void response_error(struct http_response *response, int status);

/* Moves the connection from those that ask to those that are streamed to; false when there are as
 * many of these as there may be. */
bool connection_may_become_stream(const struct connection *connection);
bool connection_becomes_stream(struct connection *connection);

#endif
