/* SPDX-License-Identifier: MIT */
#include "daemon/stream/stream_group.h"
#include "daemon/base/clock.h"

#include <stdlib.h>

#define ITEMS_AT_ONCE 256
#define FRAME_ENOUGH (256u << 10) /* bytes, of items */

struct stream_id group_id(const struct stream_group *group)
{
    return (struct stream_id){group->epoch, group->cursor};
}

/* Takes in the current values without a word: clients get them as a snapshot. */
static bool start_selection(struct stream_group *group)
{
    struct buffer nobody = {0};
    const struct snapshot *snapshot = snapshot_begin(group->store);
    bool started = !snapshot || selection_new(&group->selection, &group->filter.match, snapshot);
    if (started && snapshot)
        encode_metrics(&nobody, group_id(group), &group->filter, &group->selection, snapshot, 0);
    snapshot_end();
    buffer_free(&nobody);
    return started;
}

struct stream_group *group_new(struct stream_filter *filter, struct feed *feed,
                               struct snapshot_store *store, uint64_t epoch,
                               struct stream_account *account)
{
    struct stream_group *group = calloc(1, sizeof *group);
    if (!group) {
        stream_filter_free(filter);
        return NULL;
    }
    group->filter = *filter;
    group->feed = feed;
    group->store = store;
    group->epoch = epoch;
    group->account = account;
    group->cursor = feed_head(feed);
    group->told = group->sent = clock_monotonic();
    group->due = group->told + filter->interval;
    stream_filter_key(&group->filter, &group->key);
    if (!group->key.failed && (!(filter->kinds & STREAM_METRICS) || start_selection(group)))
        return group;
    group_free(group);
    return NULL;
}

void group_free(struct stream_group *group)
{
    stream_filter_free(&group->filter);
    buffer_free(&group->key);
    selection_free(&group->selection);
    frame_release(group->snapshot);
    frame_release(group->frame);
    free(group);
}

/* The selection follows to another plan, and says what is gone; false when there is no memory, and
 * then all is as it was. */
static bool follow_plan(struct stream_group *group, const struct snapshot *snapshot,
                        struct buffer *out)
{
    struct selection selection;
    struct gone gone = {.id = group_id(group), .json = {.out = out}};
    if (group->selection.plan && snapshot->set == &group->selection.plan->set)
        return true;
    if (!selection_new(&selection, &group->filter.match, snapshot))
        return false;
    selection_inherit(&selection, &group->selection, encode_gone, &gone);
    encode_gone_end(&gone);
    selection_free(&group->selection);
    group->selection = selection;
    return true;
}

static void add_metrics(struct stream_group *group, struct buffer *out, uint64_t now)
{
    size_t before = out->length;
    const struct snapshot *snapshot = snapshot_begin(group->store);
    if (snapshot && follow_plan(group, snapshot, out))
        encode_metrics(out, group_id(group), &group->filter, &group->selection, snapshot,
                       (double)(now - group->told) * 1e-9);
    snapshot_end();
    group->has_metrics = out->length > before;
    frame_release(group->snapshot);
    group->snapshot = NULL;
    group->told = now;
    /* In step with the interval, unless that has been lost. */
    group->due = now > group->due + group->filter.interval ? now + group->filter.interval
                                                           : group->due + group->filter.interval;
}

static void add_items(struct stream_group *group, struct buffer *out)
{
    struct feed_item items[ITEMS_AT_ONCE];
    uint64_t missed = 0;
    uint32_t count;
    if (!(group->filter.kinds & STREAM_ITEMS)) {
        group->cursor = feed_head(group->feed);
        return;
    }
    do {
        count = feed_read(group->feed, &group->cursor, UINT64_MAX, items, ITEMS_AT_ONCE, &missed);
        uint64_t at = group->cursor - count;
        if (missed)
            encode_gap(out, (struct stream_id){group->epoch, at}, 0, missed);
        missed = 0;
        for (uint32_t i = 0; i < count; i++) {
            encode_item(out, (struct stream_id){group->epoch, at + i + 1}, &group->filter,
                        &items[i]);
            event_source_release(items[i].source);
        }
    } while (count == ITEMS_AT_ONCE && out->length < FRAME_ENOUGH);
    group->more = count == ITEMS_AT_ONCE;
}

/* Takes the buffer over as the next frame.  Without memory the frame is NULL: clients have missed
 * it. */
static void start_frame(struct stream_group *group, struct buffer *out)
{
    frame_release(group->frame);
    group->frame = frame_take(out, &group->account->bytes);
    group->number++;
    group->next_client = group->clients;
}

void group_sent(struct stream_group *group)
{
    frame_release(group->frame);
    group->frame = NULL;
}

void group_beat(struct stream_group *group, uint64_t now)
{
    struct buffer out = {0};
    group->from = group->cursor;
    group->has_metrics = false;
    group->sent = now;
    buffer_append_string(&out, ":\n\n");
    start_frame(group, &out);
}

bool group_encode(struct stream_group *group, uint64_t now)
{
    struct buffer out = {0};
    group->from = group->cursor;
    group->has_metrics = false;
    add_items(group, &out);
    if ((group->filter.kinds & STREAM_METRICS) && now >= group->due)
        add_metrics(group, &out, now);
    if (out.length == 0 && !out.failed) {
        buffer_free(&out); /* of what was taken back */
        return false;
    }
    group->sent = now;
    start_frame(group, &out);
    return true;
}

struct frame *group_snapshot(struct stream_group *group)
{
    struct buffer out = {0};
    if (!group->snapshot && group->account->bytes < group->account->budget) {
        encode_snapshot(&out, group_id(group), &group->filter, &group->selection);
        group->snapshot = frame_take(&out, &group->account->bytes);
    }
    return group->snapshot ? frame_hold(group->snapshot) : NULL;
}

size_t group_bytes(const struct stream_group *group)
{
    return sizeof *group + group->key.capacity + group->selection.bytes;
}
