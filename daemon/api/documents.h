/* SPDX-License-Identifier: MIT */
/*
 * Documents of the API as they are sent: made once for each sample of the history,
 * and shared by all that ask the same before the next.  For the event loop's thread.
 */
#ifndef ENGRAMD_DOCUMENTS_H
#define ENGRAMD_DOCUMENTS_H

#include "daemon/api/api.h"
#include "daemon/base/frame.h"

struct documents;

/* NULL when there is no memory. */
struct documents *documents_new(const struct api *api);

/* Before what was named as account is freed. */
void documents_free(struct documents *documents);

/* There is a new sample. */
void documents_forget(struct documents *documents);

/*
 * As api_answer(), compressed if *gzip and that is worth it: then it stays true.
 * The reference is the caller's; NULL when there is no memory, or when making
 * documents has taken more than its share of the time: 503.  The bytes are counted
 * in *account.
 */
struct frame *documents_get(struct documents *documents, const char *path, const char *query,
                            bool *gzip, size_t *account, int *status);

#endif
