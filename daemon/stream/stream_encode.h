/* SPDX-License-Identifier: MIT */
/*
 * The messages of a stream, as the text of Server-Sent Events: name, id and JSON.
 * engramd-stream(5) describes them.  Whoever fills a buffer asks it at the end
 * whether memory ran out.
 */
#ifndef ENGRAMD_STREAM_ENCODE_H
#define ENGRAMD_STREAM_ENCODE_H

#include "daemon/base/json.h"
#include "daemon/stream/feed.h"
#include "daemon/stream/stream_filter.h"
#include "daemon/stream/stream_selection.h"

/* Where in the feed a message stands: of which daemon, and behind how many items. */
struct stream_id {
    uint64_t epoch, sequence;
};

/* "EPOCH-SEQUENCE", as in the id of a message; false when it is none. */
bool stream_id_parse(struct stream_id *id, const char *text);

/* All values that readers of the selection know. */
void encode_snapshot(struct buffer *out, struct stream_id id, const struct stream_filter *filter,
                     const struct selection *selection);

/* What has changed in the snapshot since, `seconds` after the message before; from then on it is
 * known.  Nothing when nothing has. */
void encode_metrics(struct buffer *out, struct stream_id id, const struct stream_filter *filter,
                    struct selection *selection, const struct snapshot *snapshot, double seconds);

/* A message of the series that are not served any more: selection_inherit() calls encode_gone()
 * with it for each, and encode_gone_end() closes it, if there was any. */
struct gone {
    struct stream_id id;
    struct json json; /* `out` is set by the caller, `more` false */
};
void encode_gone(void *gone, const struct selection *before, const struct pick *pick);
void encode_gone_end(struct gone *gone);

/* An item of the feed, if the filter lets it pass. */
void encode_item(struct buffer *out, struct stream_id id, const struct stream_filter *filter,
                 const struct feed_item *item);

/* The client was too slow: so many messages of metrics were left out (a snapshot follows), and so
 * many items of the feed were overwritten before they could be sent. */
void encode_gap(struct buffer *out, struct stream_id id, uint64_t skipped, uint64_t missed);

/* The client cannot go on where it was, for a reason; what follows starts anew. */
void encode_reset(struct buffer *out, struct stream_id id, const char *reason);

#endif
