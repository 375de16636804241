/* SPDX-License-Identifier: MIT */
/*
 * A server and its clients in one thread: its loop is run by the test, between a
 * client's steps.
 */
#ifndef TESTS_UNIT_HTTP_CLIENT_H
#define TESTS_UNIT_HTTP_CLIENT_H

#include "daemon/http/http.h"
#include "daemon/http/http_listen.h"
#include "daemon/http/http_stream.h"

#include <stdbool.h>
#include <sys/un.h>

#define BIG (8u << 20) /* more than sockets hold */
#define GET "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"

extern struct http_fixture {
    struct event_base *base;
    struct http_server *server; /* NULL once a test has freed it */
    char listened[256];         /* unix:PATH in the test's directory: listener 0; 1 is TCP */
    int observed[600], handled;
    http_handler *handler;      /* of the test's own, or NULL */
    struct http_stream *stream; /* that was begun last, or NULL */
    int drained, closed;        /* calls about streams */
} http;

/* Before and after a test: a server that says hello. */
void http_start(void);
/* The same, but it listens nowhere yet. */
void http_start_deaf(void);
void http_stop(void);

/* Lets the server do whatever can be done now. */
void http_run(void);

struct sockaddr_un http_path_of(const char *address);
int http_connected(const char *address);

struct client {
    int fd;
    bool ended; /* by the server */
    size_t length;
    char in[65536]; /* what has come and belongs to no response yet */
};

struct response {
    int status;
    char head[1024];
    size_t length;
    char body[32768];
};

struct client *client_new(int listener);
/* By TCP from an address of loopback, in host order. */
struct client *client_from(uint32_t address);
void client_free(struct client *client);

/* All of it, however little the server takes at a time. */
void client_say(struct client *client, const char *text, size_t length);
void client_ask(struct client *client, const char *text);

/* Takes what has come; true when there was something, or the end. */
bool client_hear(struct client *client);

/* Cuts the next response off, static; `head` when none has a body. */
const struct response *client_next(struct client *client, bool head);
int client_next_status(struct client *client);

/* The server closes, and says nothing more before; or it does not, and says nothing either. */
void client_expect_end(struct client *client);
void client_expect_silence(struct client *client);

#endif
