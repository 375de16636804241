/* SPDX-License-Identifier: MIT */
/* The head of an HTTP/1.x request, RFC 9112: a pure parser, strict where others were smuggled
 * through. */
#ifndef ENGRAMD_HTTP_REQUEST_H
#define ENGRAMD_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_HEAD_MAX 16384 /* bytes of request line and headers */
#define HTTP_HEADERS_MAX 100

/* Strings point into the bytes that were parsed, which are terminated in place. */
struct http_request {
    const char *method;
    const char *path;  /* as it was sent, without the query */
    const char *query; /* "" if there is none */
    const char *host;  /* NULL, as each of these, if it is not there */
    const char *accept;
    const char *accept_encoding;
    const char *authorization;
    const char *last_event_id;
    const char *origin;                        /* a browser's page that asks */
    const char *access_control_request_method; /* what it asks leave for, with OPTIONS */
    bool head;                                 /* method is HEAD */
    bool options;                              /* method is OPTIONS; path may be "*" */
    bool keep_alive;                           /* the client wants the connection to stay */
    uint32_t patience_ms; /* how long the client waits for all of the answer; 0: it does not say */
};

/* Bytes up to and with the blank line that ends a head; 0 while it is not there yet. */
size_t http_head_length(const char *bytes, size_t length);

/* Parses a whole head in place; 0, or the status that answers it: 400, 405, 413, 431, 501
 * or 505. */
int http_request_parse(struct http_request *request, char *bytes, size_t length);

#endif
