/* SPDX-License-Identifier: MIT */
/* TLS for connections that were accepted: OpenSSL below libevent, by what a web configuration
 * says. */
#ifndef ENGRAMD_TLS_H
#define ENGRAMD_TLS_H

#include <event2/bufferevent.h>
#include <stddef.h>

#include "daemon/http/web_config.h"

struct tls;

/* Reads certificate, key and what else the configuration names.  NULL with a sentence that says
 * what, on which line, and what to do.  Free with tls_free(); connections that were made by it
 * live on. */
struct tls *tls_new(const struct web_config *config, char *error, size_t size);
void tls_free(struct tls *tls);

/* The server's end of a connection; the socket is closed with it.  NULL when there is no memory,
 * and the socket is the caller's.  The handshake goes on with the first bytes of the client. */
struct bufferevent *tls_accept(const struct tls *tls, struct event_base *base, evutil_socket_t fd);

/* Says the end to the client, as far as its socket takes it, and to one that spoke plain HTTP that
 * this is TLS; before bufferevent_free().  For a
 * stream without TLS it does nothing. */
void tls_end(struct bufferevent *stream);

#endif
