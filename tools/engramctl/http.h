/* SPDX-License-Identifier: MIT */
/* Asks a daemon over HTTP; libcurl speaks it. */
#ifndef ENGRAMCTL_HTTP_H
#define ENGRAMCTL_HTTP_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* A daemon, and what it wants to see of who asks; but for the address, NULL is nothing.  Secrets
 * are the first lines of files, where no list of processes shows them. */
struct http_daemon {
    const char *address;              /* HOST:PORT, unix:PATH, or a URL */
    const char *ca_file;              /* who may vouch for it, PEM; makes HOST:PORT a TLS one */
    const char *cert_file, *key_file; /* ours, PEM */
    const char *user_file;            /* USER:PASSWORD */
    const char *token_file;
    bool any; /* whoever answers is good enough: nothing is told to it, or believed */
};

/* Whether that is of a form that is an address: HOST:PORT, unix:PATH, or a URL. */
bool http_address_valid(const char *address);

/* Takes the next bytes of a body; false ends the request. */
typedef bool http_sink(void *argument, const char *bytes, size_t length);

struct http_answer {
    bool reached;      /* somebody took the connection */
    long status;       /* 0: no answer; 414 if what is asked for is too long to be asked */
    char problem[512]; /* a sentence's end: what went wrong, and what the daemon said of it */
};

/* GETs a path and passes the body of a 200 to the sink; false with a problem when there is none, or
 * not all of it.  Gives up after some seconds without a byte. */
bool http_get(const struct http_daemon *daemon, const char *path, http_sink *sink, void *argument,
              struct http_answer *answer);

/* The same for a body that does not end by itself. */
struct http_stream {
    const char *last_id;                  /* Last-Event-ID; "" for none */
    const volatile sig_atomic_t *stopped; /* ends it, within a second, once it is not 0 */
};
bool http_get_stream(const struct http_daemon *daemon, const char *path,
                     const struct http_stream *stream, http_sink *sink, void *argument,
                     struct http_answer *answer);

/* Writes a value of a query with its special characters encoded. */
void http_write_encoded(FILE *to, const char *value);

#endif
