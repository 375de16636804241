/* SPDX-License-Identifier: MIT */
#include "daemon/http/http_stream.h"
#include "daemon/http/http_connection.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <sys/socket.h>

/* The kernel keeps this much for a client that does not read; by default it would be megabytes. */
#define SEND_BUFFER (16 << 10)

/* A stream is its connection. */
static struct connection *connection_of(const struct http_stream *stream)
{
    return (struct connection *)(uintptr_t)stream;
}

bool http_stream_has_room(const struct http_response *response)
{
    return connection_may_become_stream(response->connection);
}

const void *http_response_peer(const struct http_response *response)
{
    return response->connection->peer;
}

const void *http_stream_peer(const struct http_stream *stream)
{
    return connection_of(stream)->peer;
}

struct http_stream *http_stream_begin(struct http_response *response, const char *content_type,
                                      const struct http_stream_calls *calls, void *argument)
{
    struct connection *connection = response->connection;
    if (!connection_becomes_stream(connection))
        return NULL;
    connection->calls = calls;
    connection->argument = argument;
    connection->close_after = true;
    connection->owes = true; /* the head */
    connection->fd = bufferevent_getfd(connection->stream);
    response_add_head(response, 200, content_type, "Cache-Control: no-store\r\n");
    setsockopt(connection->fd, SOL_SOCKET, SO_SNDBUF, &(int){SEND_BUFFER}, sizeof(int));
    bufferevent_set_timeouts(connection->stream, NULL, NULL); /* a push would start it anew */
    return (struct http_stream *)connection;
}

/* Looks no further once it has been seen empty: only a send adds to it. */
static size_t backlog_of(const struct connection *connection)
{
    return connection->owes ? evbuffer_get_length(bufferevent_get_output(connection->stream)) : 0;
}

/* What the socket takes at once; an error is the bufferevent's to meet. */
static size_t send_now(struct connection *connection, const struct frame *frame)
{
    connection->owes = connection->sealed || backlog_of(connection) > 0;
    if (connection->owes)
        return 0;
    ssize_t sent = send(connection->fd, frame->bytes, frame->length, MSG_NOSIGNAL | MSG_DONTWAIT);
    return sent > 0 ? (size_t)sent : 0;
}

void http_stream_send(struct http_stream *stream, struct frame *frame)
{
    struct connection *connection = connection_of(stream);
    size_t sent = send_now(connection, frame);
    if (sent == frame->length)
        return;
    connection->owes = true;
    connection_add_frame(connection, frame, sent);
}

size_t http_stream_backlog(const struct http_stream *stream)
{
    return backlog_of(connection_of(stream));
}

void http_stream_close(struct http_stream *stream)
{
    struct connection *connection = connection_of(stream);
    connection->calls = NULL;
    connection_close(connection);
}
