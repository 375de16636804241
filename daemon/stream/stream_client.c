/* SPDX-License-Identifier: MIT */
#include "daemon/stream/stream_client.h"
#include "daemon/base/clock.h"

#define BACKLOG_MOST (256u << 10) /* bytes that a client is owed; beyond, it is behind */
#define STUCK_NS UINT64_C(10000000000)
#define SLOWEST (128u << 10) /* bytes that a client takes each second, at least */
#define ITEMS_AT_ONCE 64
#define ITEMS_IN_TURN 2048
#define CHUNK_ENOUGH (64u << 10)

static size_t backlog(const struct stream_client *client)
{
    return http_stream_backlog(client->stream) + client->bytes;
}

static void send_now(struct stream_client *client, struct frame *frame)
{
    http_stream_send(client->stream, frame);
    frame_release(frame);
}

/* The oldest that waits; it waits no more. */
static struct frame *next_waiting(struct stream_client *client)
{
    struct frame *frame = client->waiting[client->first];
    client->first = (client->first + 1) % STREAM_WAITING_MOST;
    client->count--;
    client->bytes -= frame->length;
    return frame;
}

static void wait_for_turn(struct stream_client *client, struct frame *frame)
{
    client->waiting[(client->first + client->count++) % STREAM_WAITING_MOST] = frame;
    client->bytes += frame->length;
}

void client_send(struct stream_client *client, struct frame *frame)
{
    size_t before = backlog(client);
    if (!frame)
        return;
    client->owed += frame->length;
    if (before == 0)
        send_now(client, frame);
    else
        wait_for_turn(client, frame);
    if (backlog(client) == 0)
        client->owed = 0;
    else if (!client->owing)
        client->owing = clock_monotonic();
}

void client_forget(struct stream_client *client)
{
    while (client->count)
        frame_release(next_waiting(client));
}

static bool has_room(const struct stream_client *client, const struct frame *frame)
{
    size_t owed = backlog(client);
    return frame && (owed == 0 ||
                     (client->count < STREAM_WAITING_MOST && owed + frame->length <= BACKLOG_MOST));
}

static void fall_behind(struct stream_client *client)
{
    if (!client->behind)
        client->cursor = client->group->from;
    client->behind = true;
    client->skipped += client->group->has_metrics;
}

bool client_push(struct stream_client *client)
{
    struct stream_group *group = client->group;
    if (client->number == group->number)
        return true; /* the snapshot that it got meanwhile is newer */
    client->number = group->number;
    if (!client->behind && has_room(client, group->frame)) {
        client_send(client, frame_hold(group->frame));
        return true;
    }
    fall_behind(client);
    streams_await_turn(client); /* there was no memory before, maybe */
    return false;
}

/* Nobody is told of what it did not ask for, nor that some of that was lost. */
static void skip_items(struct stream_client *client)
{
    const struct stream_group *group = client->group;
    if (!(group->filter.kinds & STREAM_ITEMS) && client->cursor < group->cursor)
        client->cursor = group->cursor;
}

/* Some of the items between its cursor and the group's; false when that was all. */
static bool send_items(struct stream_client *client)
{
    const struct stream_group *group = client->group;
    struct feed_item items[ITEMS_AT_ONCE];
    struct buffer out = {0};
    for (int turn = 0; client->cursor < group->cursor && out.length < CHUNK_ENOUGH &&
                       turn < ITEMS_IN_TURN / ITEMS_AT_ONCE;
         turn++) {
        uint64_t missed = 0;
        uint32_t count =
            feed_read(group->feed, &client->cursor, group->cursor, items, ITEMS_AT_ONCE, &missed);
        uint64_t at = client->cursor - count;
        if (missed)
            encode_gap(&out, (struct stream_id){group->epoch, at}, 0, missed);
        for (uint32_t i = 0; i < count; i++) {
            encode_item(&out, (struct stream_id){group->epoch, at + i + 1}, &group->filter,
                        &items[i]);
            event_source_release(items[i].source);
        }
    }
    client_send(client, out.length ? frame_take(&out, &group->account->bytes) : NULL);
    return client->cursor < group->cursor;
}

/* Now it knows what the others know. */
static void send_values(struct stream_client *client)
{
    struct stream_group *group = client->group;
    bool metrics = group->filter.kinds & STREAM_METRICS;
    struct frame *values = metrics ? group_snapshot(group) : NULL;
    struct buffer out = {0};
    if (metrics && !values)
        return; /* at the next push */
    if (client->skipped) {
        encode_gap(&out, group_id(group), client->skipped, 0);
        client_send(client, frame_take(&out, &group->account->bytes));
    }
    client_send(client, values);
    client->skipped = 0;
    client->behind = false;
    client->number = group->number;
}

void client_catch_up(struct stream_client *client)
{
    if (backlog(client))
        return;
    skip_items(client);
    if (!send_items(client))
        send_values(client);
    else if (backlog(client) == 0)
        streams_await_turn(client);
}

void client_drained(struct stream_client *client)
{
    while (client->count && http_stream_backlog(client->stream) == 0)
        send_now(client, next_waiting(client));
    client->owed = backlog(client);
    client->owing = client->owed ? clock_monotonic() : 0;
    if (client->behind && !client->owed)
        client_catch_up(client);
}

bool client_owes_for(const struct stream_client *client, uint64_t now, uint64_t most)
{
    return client->owing && now > client->owing && now - client->owing > most;
}

bool client_is_stuck(const struct stream_client *client, uint64_t now)
{
    return client_owes_for(client, now, STUCK_NS + client->owed * UINT64_C(1000000000) / SLOWEST);
}
