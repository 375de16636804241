/* SPDX-License-Identifier: MIT */
/*
 * What /metrics answers: rendered once for each snapshot, format and encoding, and
 * shared by all that ask for it, however many and however slow they are.  For the
 * event loop's thread.
 */
#ifndef ENGRAMD_BODIES_H
#define ENGRAMD_BODIES_H

#include <event2/event.h>

#include "daemon/base/frame.h"
#include "daemon/http/accept.h"
#include "daemon/self.h"
#include "daemon/snapshot/snapshot.h"

struct bodies;

/* NULL when there is no memory. */
struct bodies *bodies_new(struct event_base *base, struct snapshot_store *store, struct self *self);

/* Before what was named as account is freed. */
void bodies_free(struct bodies *bodies);

/*
 * The newest snapshot in that format, compressed if that is worth it: then *gzip
 * stays true.  NULL when there is no snapshot or no memory.  The caller has to hold
 * it to keep it.  Its bytes are counted in *account.
 */
struct frame *bodies_get(struct bodies *bodies, enum exposition_format format, bool *gzip,
                         size_t *account);

#endif
