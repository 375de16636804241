/* SPDX-License-Identifier: MIT */
#include "daemon/base/clock.h"
#include "daemon/http/cors.h"
#include "daemon/http/http_admission.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define ANSWER_MS 30000
#define ALLOW "Allow: GET, HEAD, OPTIONS"

static const char *reason_of(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {{200, "OK"},
                   {204, "No Content"},
                   {400, "Bad Request"},
                   {401, "Unauthorized"},
                   {404, "Not Found"},
                   {405, "Method Not Allowed"},
                   {406, "Not Acceptable"},
                   {413, "Content Too Large"},
                   {421, "Misdirected Request"},
                   {431, "Request Header Fields Too Large"},
                   {500, "Internal Server Error"},
                   {501, "Not Implemented"},
                   {503, "Service Unavailable"},
                   {505, "HTTP Version Not Supported"}};
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Unknown";
}

void http_header(struct http_response *response, const char *header)
{
    evbuffer_add_printf(response->headers, "%s\r\n", header);
}

static void release_frame(const void *bytes, size_t length, void *frame)
{
    (void)bytes, (void)length;
    frame_release(frame);
}

void connection_add_frame(struct connection *connection, struct frame *frame, size_t from)
{
    struct evbuffer *out = bufferevent_get_output(connection->stream);
    if (evbuffer_add_reference(out, frame->bytes + from, frame->length - from, release_frame,
                               frame_hold(frame)) == 0)
        return;
    shutdown(bufferevent_getfd(connection->stream), SHUT_RDWR); /* the bufferevent meets the end */
    frame_release(frame);
}

void response_add_head(struct http_response *response, int status, const char *content_type,
                       const char *rest)
{
    struct connection *connection = response->connection;
    struct evbuffer *out = bufferevent_get_output(connection->stream);
    char date[40];
    time_t now = time(NULL);
    struct tm utc;
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &utc));
    evbuffer_add_printf(out, "HTTP/1.1 %d %s\r\nServer: engramd\r\nDate: %s\r\n%s%s%s%s%s", status,
                        reason_of(status), date, content_type ? "Content-Type: " : "",
                        content_type ? content_type : "", content_type ? "\r\n" : "", rest,
                        connection->close_after ? "Connection: close\r\n" : "");
    if (status == 503)
        http_header(response, "Retry-After: 1");
    evbuffer_add_buffer(out, response->headers);
    evbuffer_add(out, "\r\n", 2);
    response->sent = true;
    if (connection->server->observer)
        connection->server->observer(status, connection->server->argument);
}

/* How long an answer may take; nobody reads what comes after a client's patience has ended. */
static uint64_t answer_ms(const struct http_response *response, size_t length)
{
    uint64_t most = ANSWER_MS + (uint64_t)length / HTTP_LEAST_RATE * 1000;
    uint64_t passed = (clock_monotonic() - response->connection->asked_at) / 1000000;
    uint32_t patience = response->request ? response->request->patience_ms : 0;
    if (patience == 0 || patience > passed + most)
        return most;
    return patience > passed ? patience - passed : 0;
}

/* The head of an answer whose body has `length` bytes; whether they are to follow. */
static bool begin(struct http_response *response, int status, const char *content_type,
                  size_t length)
{
    struct connection *connection = response->connection;
    char rest[48] = "";
    if (content_type)
        snprintf(rest, sizeof rest, "Content-Length: %zu\r\n", length);
    connection->close_after |= !response->request || !response->request->keep_alive;
    connection_set_deadline(connection, answer_ms(response, length));
    response_add_head(response, status, content_type, rest);
    return !response->request || !response->request->head;
}

void http_respond(struct http_response *response, int status, const char *content_type,
                  const void *body, size_t length)
{
    if (begin(response, status, content_type, length))
        evbuffer_add(bufferevent_get_output(response->connection->stream), body, length);
}

size_t *http_account(struct http_response *response, enum http_body body)
{
    return &response->connection->server->owed[body];
}

/* Whether what is owed to all, this included, is little enough; others go until it is. */
static bool is_affordable(const struct connection *connection, const struct frame *frame)
{
    struct http_server *server = connection->server;
    bool shared = frame->account == &server->owed[HTTP_SHARED];
    size_t most = shared ? server->limits.owed / 4 : server->limits.owed;
    if (most < 4 * frame->whole) /* what was compressed is there, too */
        most = 4 * frame->whole;
    while (*frame->account > most)
        if (!(shared ? admission_close_reader(connection, frame->account)
                     : admission_close_slow(connection)))
            return false;
    return true;
}

/* What was said of the body is not true of what stands in its place. */
static void refuse_body(struct http_response *response)
{
    evbuffer_drain(response->headers, evbuffer_get_length(response->headers));
    if (response->request)
        cors_headers(response->connection->server->origins, response->request, response);
    response_error(response, 503);
}

void http_respond_frame(struct http_response *response, int status, const char *content_type,
                        struct frame *frame)
{
    if (!frame || !is_affordable(response->connection, frame)) {
        refuse_body(response);
    } else if (begin(response, status, content_type, frame->length)) {
        response->connection->account = frame->account;
        connection_add_frame(response->connection, frame, 0);
    }
}

void response_options(struct http_response *response)
{
    http_header(response, ALLOW);
    http_respond(response, 204, NULL, "", 0);
}

void response_misdirected(struct http_response *response)
{
    static const char text[] =
        "421 Misdirected Request: this host is not known by the name that was asked for; ask for "
        "localhost or an address, or see --cors-origin in engramd(8)\n";
    http_respond(response, 421, "text/plain; charset=utf-8", text, sizeof text - 1);
}

void response_error(struct http_response *response, int status)
{
    char body[64];
    int length = snprintf(body, sizeof body, "%d %s\n", status, reason_of(status));
    if (status == 405)
        http_header(response, ALLOW);
    http_respond(response, status, "text/plain; charset=utf-8", body, (size_t)length);
}
