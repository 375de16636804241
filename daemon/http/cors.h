/* SPDX-License-Identifier: MIT */
/*
 * Which pages of other origins a browser lets read our answers: the CORS protocol
 * of the Fetch standard, by a list of origins.  Without a list nothing is said,
 * and browsers let no page of another origin read anything.
 */
#ifndef ENGRAMD_CORS_H
#define ENGRAMD_CORS_H

#include <stdbool.h>

#include "daemon/http/http.h"

/* Whether it is an origin as browsers write it: https://HOST or https://HOST:PORT, in lower case
 * and without a path. */
bool cors_origin_valid(const char *origin);

/* Adds the headers that answer a request; `origins` is NULL-terminated, or NULL. */
void cors_headers(char *const *origins, const struct http_request *request,
                  struct http_response *response);

#endif
