/* SPDX-License-Identifier: MIT */
/* Asks a daemon over HTTP; libcurl speaks it. */
#ifndef ENGRAMCTL_HTTP_H
#define ENGRAMCTL_HTTP_H

#include <stdbool.h>
#include <stddef.h>

/* Takes the next bytes of a body; false ends the request. */
typedef bool http_sink(void *argument, const char *bytes, size_t length);

struct http_answer {
    bool reached;      /* somebody took the connection */
    long status;       /* 0: no answer */
    char problem[512]; /* a sentence's end: what went wrong, and what the daemon said of it */
};

/*
 * GETs `path` from `address` (HOST:PORT, unix:PATH, or a URL) and passes the body of a 200 to the
 * sink; false with a problem when there is none, or not all of it.  Gives up after some seconds
 * without a byte.
 */
bool http_get(const char *address, const char *path, http_sink *sink, void *argument,
              struct http_answer *answer);

#endif
