/* SPDX-License-Identifier: MIT */
/*
 * How many may be connected, and who has to go for somebody new: private to
 * http*.c.
 *
 * Whoever asks for nothing goes first, and of them who has for longest; then who
 * has said half a request, or has read nothing of an answer, for a second or more,
 * and who reads so little again and again that it takes longer than it should.
 * So neither idle connections nor slow ones keep a scrape out.  Of one address
 * there are fewer than of all, and it makes room by its own.  Streams are counted
 * apart.
 */
#ifndef ENGRAMD_HTTP_ADMISSION_H
#define ENGRAMD_HTTP_ADMISSION_H

#include "daemon/http/http_connection.h"

/* What the limit on open files leaves room for, at most the defaults. */
struct http_limits admission_limits(void);

/* Counts a newcomer, whom `address` describes, and closes another if there is no room; false: there
 * is none, and nothing was done. */
bool admission_enter(struct connection *newcomer, int fd, const struct sockaddr *address);

/* It does not count any more. */
void admission_leave(struct connection *connection);

/* Its answer has left, and it asks for nothing. */
void admission_is_idle(struct connection *connection);

/* It has begun to ask, has asked, or has read some more. */
void admission_is_busy(struct connection *connection);

/* Closes the one that is slow and has been for longest, but not `spared`; false if none is. */
bool admission_close_slow(const struct connection *spared);

/* Closes, of those that read a body of that account, the one that has for longest, but not
 * `spared`; false if there is none. */
bool admission_close_reader(const struct connection *spared, const size_t *account);

/* Closes one for its descriptor: one that keeps the server waiting or, if there is none, the oldest
 * stream, whose client can go on where it was. */
void admission_close_one(struct http_server *server);

#endif
