/* SPDX-License-Identifier: MIT */
/*
 * The gate of the HTTP server as a web configuration has it: TLS, users, tokens and
 * headers.  The file, and the certificates that it names, are read again when they
 * change; if something is wrong with them then, what was read before stays in force.
 */
#ifndef ENGRAMD_WEB_ACCESS_H
#define ENGRAMD_WEB_ACCESS_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>

#include "daemon/http/http_gate.h"
#include "daemon/self.h"

struct web_access;

/* Reads the file.  NULL with a sentence that says what is wrong, where, and what to do. */
struct web_access *web_access_new(struct event_base *base, const char *path, struct self *self,
                                  char *error, size_t size);

/* Reads the file and what it names, and forgets it again; false with a sentence. */
bool web_access_check(const char *path, char *error, size_t size);

/* After the server that has the gate. */
void web_access_free(struct web_access *access);

const struct http_gate *web_access_gate(const struct web_access *access);

/* Reads everything again now; false with a sentence. */
bool web_access_reload(struct web_access *access, char *error, size_t size);

/* Whether whoever asks has to say who it is, by a certificate, a password or a token; and whether
 * nobody on the way can read along. */
bool web_access_asks(const struct web_access *access);
bool web_access_seals(const struct web_access *access);

#endif
