/* SPDX-License-Identifier: MIT */
#include "daemon/http/cors.h"

#include <stdio.h>
#include <string.h>

#define HOST_MAX 255

bool cors_origin_valid(const char *origin)
{
    size_t scheme = strncmp(origin, "https://", 8) == 0  ? 8
                    : strncmp(origin, "http://", 7) == 0 ? 7
                                                         : 0;
    const char *host = origin + scheme;
    size_t length = strspn(host, "abcdefghijklmnopqrstuvwxyz0123456789-.[:]");
    return scheme && length && length <= HOST_MAX && host[length] == 0;
}

void cors_headers(char *const *origins, const struct http_request *request,
                  struct http_response *response)
{
    char header[HOST_MAX + 64];
    if (!origins || !*origins)
        return;
    http_header(response, "Vary: Origin");
    while (*origins && (!request->origin || strcmp(*origins, request->origin) != 0))
        origins++;
    if (!*origins)
        return;
    snprintf(header, sizeof header, "Access-Control-Allow-Origin: %s", *origins);
    http_header(response, header);
    if (!request->options || !request->access_control_request_method)
        return;
    http_header(response, "Access-Control-Allow-Methods: GET, HEAD");
    http_header(response,
                "Access-Control-Allow-Headers: Authorization, Cache-Control, Last-Event-ID");
    http_header(response, "Access-Control-Max-Age: 600");
}
