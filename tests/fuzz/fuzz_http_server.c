/* SPDX-License-Identifier: MIT */
/* A client of the whole server, through a socket, that says anything in pieces of any size. */
#define _GNU_SOURCE
#include "daemon/http/http_connection.h"

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define TURNS 8       /* of the loop, in which all is done that can be */
#define BIG (1 << 20) /* more than the socket holds */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct event_base *base;
static struct http_server *server;
static struct sockaddr_un path = {.sun_family = AF_UNIX};
static int answers;

static void on_stream_call(void *argument)
{
    (void)argument;
}

static void respond_big(struct http_response *response)
{
    struct buffer body = {0};
    if (!buffer_reserve(&body, BIG))
        abort();
    memset(body.data, 'x', BIG);
    body.length = BIG;
    struct frame *frame = frame_take(&body, http_account(response, HTTP_OWN));
    http_respond_frame(response, 200, "text/plain", frame);
    frame_release(frame);
}

static void respond_stream(struct http_response *response)
{
    static const struct http_stream_calls calls = {on_stream_call, on_stream_call};
    struct buffer body = {0};
    buffer_append_string(&body, "data: x\n\n");
    struct frame *frame = frame_take(&body, NULL);
    struct http_stream *stream = http_stream_begin(response, "text/event-stream", &calls, NULL);
    if (!stream || !frame)
        abort();
    http_stream_send(stream, frame);
    frame_release(frame);
}

static void handle(const struct http_request *request, struct http_response *response,
                   void *argument)
{
    (void)argument;
    if (strcmp(request->path, "/b") == 0)
        respond_big(response);
    else if (strcmp(request->path, "/s") == 0 && !request->head)
        respond_stream(response);
    else if (strcmp(request->path, "/f") != 0) /* that is forgotten */
        http_respond(response, 200, "text/plain", request->path, strlen(request->path));
}

static void observe(int status, void *argument)
{
    (void)argument;
    answers++;
    if (status < 200 || status > 505)
        abort();
}

static void finish(void)
{
    unlink(path.sun_path);
}

static void start(void)
{
    static char origin[] = "http://a", *origins[] = {origin, NULL};
    char address[128], error[256];
    signal(SIGPIPE, SIG_IGN);
    base = event_base_new();
    server = http_server_new(base, handle, observe, NULL);
    http_server_allow_origins(server, origins);
    snprintf(path.sun_path, sizeof path.sun_path, "/tmp/fuzz-http-server-%d", (int)getpid());
    snprintf(address, sizeof address, "unix:%s", path.sun_path);
    if (!http_server_listen(server, address, error, sizeof error))
        abort();
    atexit(finish);
}

static void turn(void)
{
    for (int i = 0; i < TURNS; i++)
        event_base_loop(base, EVLOOP_NONBLOCK);
}

/* What the server has said so far begins as an answer does. */
static void hear(int fd, size_t *heard)
{
    static char bytes[65536];
    ssize_t got;
    while ((got = recv(fd, bytes, sizeof bytes, 0)) > 0) {
        if (*heard == 0 && (got < 9 || memcmp(bytes, "HTTP/1.1 ", 9) != 0))
            abort();
        *heard += (size_t)got;
    }
}

/* It leaves, and nothing is left of it. */
static void leave(int fd)
{
    close(fd);
    for (int i = 0; i < 1000 && (server->connection_count || server->stream_count); i++)
        turn();
    if (server->connection_count || server->stream_count || server->owed[HTTP_OWN])
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t heard = 0;
    if (!base)
        start();
    if (size == 0)
        return 0;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (const struct sockaddr *)&path, sizeof path) != 0)
        abort();
    fcntl(fd, F_SETFL, O_NONBLOCK);
    size_t piece = data[0] ? data[0] : size;
    answers = 0;
    for (size_t at = 1; at < size; at += piece) {
        send(fd, data + at, piece < size - at ? piece : size - at, MSG_NOSIGNAL);
        turn();
        if (data[0] & 1) /* the others do not read */
            hear(fd, &heard);
    }
    if (data[0] & 2)
        shutdown(fd, SHUT_WR);
    turn();
    hear(fd, &heard);
    if ((heard > 0) != (answers > 0))
        abort();
    leave(fd);
    return 0;
}
