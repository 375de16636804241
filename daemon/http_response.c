/* SPDX-License-Identifier: MIT */
#include "daemon/http_connection.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define ANSWER_SECONDS 30
#define LEAST_RATE (64 << 10) /* bytes a second, in the time beyond that */
#define ALLOW "Allow: GET, HEAD, OPTIONS"

static const char *reason_of(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {{200, "OK"},
                   {204, "No Content"},
                   {400, "Bad Request"},
                   {404, "Not Found"},
                   {405, "Method Not Allowed"},
                   {406, "Not Acceptable"},
                   {413, "Content Too Large"},
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

static void release_body(const void *data, size_t length, void *release)
{
    void (*call)(void *) = NULL;
    (void)length;
    memcpy(&call, &release, sizeof call);
    call((void *)(uintptr_t)data);
}

static void add_body(struct evbuffer *out, const void *body, size_t length,
                     void (*release)(void *body))
{
    void *call = NULL;
    memcpy(&call, &release, sizeof call); /* a function's address through evbuffer's argument */
    if (!release)
        evbuffer_add(out, body, length);
    else if (evbuffer_add_reference(out, body, length, release_body, call))
        release((void *)(uintptr_t)body);
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

void http_respond(struct http_response *response, int status, const char *content_type,
                  const void *body, size_t length, void (*release)(void *body))
{
    struct connection *connection = response->connection;
    char rest[48];
    snprintf(rest, sizeof rest, content_type ? "Content-Length: %zu\r\n" : "", length);
    connection->close_after |= !response->request || !response->request->keep_alive;
    connection_set_deadline(connection, ANSWER_SECONDS + (int)(length / LEAST_RATE));
    response_add_head(response, status, content_type, rest);
    if (!response->request || !response->request->head)
        add_body(bufferevent_get_output(connection->stream), body, length, release);
    else if (release)
        release((void *)(uintptr_t)body);
}

void response_options(struct http_response *response)
{
    http_header(response, ALLOW);
    http_respond(response, 204, NULL, "", 0, NULL);
}

void response_error(struct http_response *response, int status)
{
    char body[64];
    int length = snprintf(body, sizeof body, "%d %s\n", status, reason_of(status));
    if (status == 405)
        http_header(response, ALLOW);
    http_respond(response, status, "text/plain; charset=utf-8", body, (size_t)length, NULL);
}
