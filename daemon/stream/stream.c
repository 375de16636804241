/* SPDX-License-Identifier: MIT */
#include "daemon/stream/stream.h"
#include "daemon/base/clock.h"
#include "daemon/stream/stream_client.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define GROUPS_MAX 64
#define GROUPS_OF_ONE (GROUPS_MAX / 4) /* that clients of one address are in */
#define SLICE 128 /* clients that get a frame before requests are looked at again, */
#define SHARE 8   /* and of one group at least */
#define TURNS 4   /* clients that catch up before that, */
#define TURN_NS UINT64_C(1000000) /* of encoding, and one message more */
#define BEAT_NS UINT64_C(10000000000)
#define SHED_NS UINT64_C(4000000000)      /* that the slowest owe for, */
#define SHED_LEAST_NS UINT64_C(200000000) /* and the least slow of those who are cut off */
#define NO_MEMORY "there is no memory for it"
#define EVENT_STREAM "text/event-stream; charset=utf-8"
#define PLAIN "text/plain; charset=utf-8"

struct streams {
    struct stream_options options;
    uint64_t epoch;
    struct buffer default_key; /* of the filter that says nothing */
    struct stream_group *groups;
    uint32_t group_count, client_count;
    struct stream_account account;
    TAILQ_HEAD(, stream_client) turns; /* clients that go on when it is theirs */
    struct event *bell, *slice, *second;
};

/* --- Sending --- */

static void go_on(struct streams *streams)
{
    event_add(streams->slice, &(struct timeval){0});
}

void streams_await_turn(struct stream_client *client)
{
    struct streams *streams = client->streams;
    if (!client->awaits_turn)
        TAILQ_INSERT_TAIL(&streams->turns, client, turn);
    client->awaits_turn = true;
    go_on(streams);
}

static void leave_turns(struct stream_client *client)
{
    if (client->awaits_turn)
        TAILQ_REMOVE(&client->streams->turns, client, turn);
    client->awaits_turn = false;
}

/* The group that has waited for longest to have what is new made a frame, of those whose frame
 * before is not on its way any more. */
static struct stream_group *next_to_renew(const struct streams *streams)
{
    struct stream_group *next = NULL;
    for (struct stream_group *group = streams->groups; group; group = group->next)
        if (group->again && !group->next_client && (!next || group->renewed < next->renewed))
            next = group;
    return next;
}

static void renew(struct streams *streams, struct stream_group *group, uint64_t now)
{
    group->again = false;
    group->renewed = now;
    group_encode(group, now);
    if (group->more)
        feed_ring(streams->options.feed);
}

/* One at least, and as many as there is time for in a turn, so that a scrape waits for no more. */
static void renew_some(struct streams *streams)
{
    uint64_t start = clock_monotonic(), now = start;
    struct stream_group *group;
    for (; now - start < TURN_NS && (group = next_to_renew(streams)); now = clock_monotonic())
        renew(streams, group, now);
    if (next_to_renew(streams))
        go_on(streams);
}

static void take_turns(struct streams *streams)
{
    struct stream_client *client;
    for (int taken = 0; taken < TURNS && (client = TAILQ_FIRST(&streams->turns)); taken++) {
        leave_turns(client);
        client_catch_up(client);
    }
    if (!TAILQ_EMPTY(&streams->turns))
        go_on(streams);
}

/* Sends a group's frame to some of its clients. */
static void push_some(struct streams *streams, struct stream_group *group, int most)
{
    for (int pushed = 0; pushed < most && group->next_client; pushed++) {
        struct stream_client *client = group->next_client;
        group->next_client = client->next;
        if (!client_push(client) && group->has_metrics)
            self_stream_skipped(streams->options.self);
    }
    if (!group->next_client)
        group_sent(group);
}

static void on_slice(evutil_socket_t fd, short what, void *argument)
{
    struct streams *streams = argument;
    int share = streams->group_count ? SLICE / (int)streams->group_count : 0;
    (void)fd, (void)what;
    renew_some(streams);
    take_turns(streams);
    for (struct stream_group *group = streams->groups; group; group = group->next)
        push_some(streams, group, share > SHARE ? share : SHARE);
    if (next_to_renew(streams))
        go_on(streams);
    for (struct stream_group *group = streams->groups; group; group = group->next)
        if (group->next_client)
            go_on(streams);
}

/* --- Who comes and goes --- */

/* What groups take, without frames. */
static size_t groups_bytes(const struct streams *streams)
{
    size_t bytes = 0;
    for (const struct stream_group *group = streams->groups; group; group = group->next)
        bytes += group_bytes(group);
    return bytes;
}

static void tell_self(const struct streams *streams)
{
    self_streams(streams->options.self, streams->client_count,
                 streams->account.bytes + groups_bytes(streams) +
                     streams->client_count * sizeof(struct stream_client));
}

static void remove_group(struct streams *streams, struct stream_group *group)
{
    struct stream_group **at = &streams->groups;
    while (*at != group)
        at = &(*at)->next;
    *at = group->next;
    streams->group_count--;
    feed_listen(streams->options.feed, streams->groups);
    group_free(group);
}

static void remove_client(struct stream_client *client)
{
    struct streams *streams = client->streams;
    struct stream_group *group = client->group;
    if (group->next_client == client)
        group->next_client = client->next;
    *client->link = client->next;
    if (client->next)
        client->next->link = client->link;
    leave_turns(client);
    client_forget(client);
    free(client);
    streams->client_count--;
    if (!group->clients)
        remove_group(streams, group);
    tell_self(streams);
}

static void on_closed(void *client)
{
    remove_client(client);
}

static void on_drained(void *client)
{
    client_drained(client);
}

/* Those that are stuck or, if `most` is not 0, that owe for more than so many ns. */
static void cut(struct streams *streams, struct stream_group *group, uint64_t now, uint64_t most)
{
    struct stream_client *next;
    for (struct stream_client *client = group->clients; client; client = next) {
        next = client->next;
        if (most ? !client_owes_for(client, now, most) : !client_is_stuck(client, now))
            continue;
        self_stream_cut(streams->options.self);
        http_stream_close(client->stream);
        remove_client(client); /* and the group with the last of them */
    }
}

/* Frames that slow clients have still to take are too many: the slowest go first. */
static void shed(struct streams *streams, uint64_t now)
{
    struct stream_group *next;
    size_t most = 2 * streams->account.budget;
    for (uint64_t ns = SHED_NS; streams->account.bytes > most && ns > SHED_LEAST_NS; ns /= 2)
        for (struct stream_group *group = streams->groups; group; group = next) {
            next = group->next;
            cut(streams, group, now, ns);
        }
}

static void on_bell(evutil_socket_t fd, short what, void *argument)
{
    struct streams *streams = argument;
    (void)fd, (void)what;
    feed_silence(streams->options.feed);
    shed(streams, clock_monotonic());
    for (struct stream_group *group = streams->groups; group; group = group->next)
        group->again = true;
    if (streams->groups)
        go_on(streams);
}

static void on_second(evutil_socket_t fd, short what, void *argument)
{
    struct streams *streams = argument;
    struct stream_group *next;
    uint64_t now = clock_monotonic();
    (void)fd, (void)what;
    for (struct stream_group *group = streams->groups; group; group = next) {
        next = group->next;
        if (!group->next_client && now - group->sent > BEAT_NS) {
            group_beat(group, now);
            go_on(streams);
        }
        cut(streams, group, now, 0);
    }
    tell_self(streams);
}

static bool is_key(const struct buffer *key, const struct buffer *other)
{
    return !key->failed && !other->failed && key->length == other->length &&
           memcmp(key->data, other->data, key->length) == 0;
}

static bool is_of(const struct stream_group *group, const void *peer)
{
    const struct stream_client *client = group->clients;
    while (client && http_stream_peer(client->stream) != peer)
        client = client->next;
    return client;
}

static uint32_t groups_of(const struct streams *streams, const void *peer)
{
    uint32_t count = 0;
    for (const struct stream_group *group = streams->groups; group; group = group->next)
        count += is_of(group, peer);
    return count;
}

/* Why there is no room for one group more, or NULL.  The last one is kept for those who ask for
 * nothing in particular, and no address can take all. */
static const char *why_no_group(const struct streams *streams, const struct buffer *key,
                                const void *peer)
{
    const struct stream_account *account = &streams->account;
    bool is_default = is_key(key, &streams->default_key);
    if (account->bytes >= account->budget || groups_bytes(streams) >= account->budget)
        return "what is known for the filters in use takes all of the memory for them";
    if (streams->group_count >= (is_default ? GROUPS_MAX : GROUPS_MAX - 1))
        return "there are as many filters in use as there may be";
    if (!is_default && groups_of(streams, peer) >= GROUPS_OF_ONE)
        return "there are as many filters in use from your address as there may be";
    return NULL;
}

static struct stream_group *find_group(const struct streams *streams, const struct buffer *key)
{
    struct stream_group *group = streams->groups;
    while (group && !is_key(key, &group->key))
        group = group->next;
    return group;
}

/* The group of such a filter, which is taken over; NULL when there is none, and *why. */
static struct stream_group *join(struct streams *streams, struct stream_filter *filter,
                                 const void *peer, const char **why)
{
    struct buffer key = {0};
    stream_filter_key(filter, &key);
    struct stream_group *group = find_group(streams, &key);
    *why = group ? NULL : why_no_group(streams, &key, peer);
    buffer_free(&key);
    if (group || *why) {
        stream_filter_free(filter);
        return group;
    }
    group = group_new(filter, streams->options.feed, streams->options.store, streams->epoch,
                      &streams->account);
    if (!group) {
        *why = NO_MEMORY;
        return NULL;
    }
    group->next = streams->groups;
    streams->groups = group;
    streams->group_count++;
    feed_listen(streams->options.feed, true);
    return group;
}

/* What a client hears first, and from where on it is told what happened. */
static void greet(struct stream_client *client, const char *last)
{
    struct stream_group *group = client->group;
    struct stream_id id;
    struct buffer out = {0};
    uint64_t tail = feed_tail(group->feed);
    client->cursor = group->cursor;
    buffer_append_string(&out, "retry: 3000\n\n");
    if (*last && stream_id_parse(&id, last) && id.epoch == group->epoch &&
        id.sequence <= feed_head(group->feed)) {
        /* What is not there any more is told as a gap; another group may have been further. */
        if (id.sequence < group->cursor)
            client->cursor = id.sequence;
    } else if (*last) {
        client->cursor = tail < group->cursor ? tail : group->cursor;
        encode_reset(&out, (struct stream_id){group->epoch, client->cursor},
                     "the id is of another run of engramd");
    }
    client_send(client, frame_take(&out, &group->account->bytes));
}

static const struct http_stream_calls calls = {on_drained, on_closed};

/* False when there is no room for the client; its group is left as it was. */
static bool add_client(struct streams *streams, struct stream_group *group,
                       struct http_response *response, const char *last)
{
    struct stream_client *client = calloc(1, sizeof *client);
    if (client)
        client->stream = http_stream_begin(response, EVENT_STREAM, &calls, client);
    if (!client || !client->stream) {
        free(client);
        return false;
    }
    client->streams = streams;
    client->group = group;
    client->behind = true;
    client->next = group->clients;
    client->link = &group->clients;
    if (client->next)
        client->next->link = &client->next;
    group->clients = client;
    streams->client_count++;
    greet(client, last);
    return true;
}

static void refuse(struct http_response *response, const char *why)
{
    char text[256];
    int length = snprintf(text, sizeof text, "503 Service Unavailable: %s\n", why);
    http_respond(response, 503, PLAIN, text, (size_t)length);
}

static void refuse_filter(struct http_response *response, const char *error)
{
    char text[256];
    int length = snprintf(text, sizeof text, "400 Bad Request: %s\n", error);
    http_respond(response, 400, PLAIN, text, (size_t)length);
}

static void begin(struct streams *streams, struct stream_filter *filter,
                  struct http_response *response, const char *last)
{
    const char *why;
    if (!http_stream_has_room(response)) { /* before anything is selected for it */
        stream_filter_free(filter);
        refuse(response, "there are as many streams, or from your address, as there may be");
        return;
    }
    struct stream_group *group = join(streams, filter, http_response_peer(response), &why);
    if (group && add_client(streams, group, response, last)) {
        tell_self(streams);
        return;
    }
    if (group && !group->clients)
        remove_group(streams, group);
    refuse(response, group ? NO_MEMORY : why);
}

void streams_serve(struct streams *streams, const struct http_request *request,
                   struct http_response *response)
{
    struct stream_filter filter;
    char error[128], last[LAST_ID_SIZE];
    if (!stream_filter_parse(&filter, request->query, error, sizeof error)) {
        stream_filter_free(&filter);
        refuse_filter(response, error);
    } else if (request->head) {
        stream_filter_free(&filter);
        http_respond(response, 200, EVENT_STREAM, "", 0);
    } else {
        snprintf(last, sizeof last, "%s",
                 request->last_event_id ? request->last_event_id : filter.last);
        begin(streams, &filter, response, last);
    }
}

/* --- All of them --- */

/* Which run of the daemon: no two of one host start within a nanosecond of its clock. */
static uint64_t epoch_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static void make_default_key(struct buffer *key)
{
    struct stream_filter filter;
    char error[128];
    if (stream_filter_parse(&filter, "", error, sizeof error))
        stream_filter_key(&filter, key);
    stream_filter_free(&filter);
}

struct streams *streams_new(const struct stream_options *options)
{
    struct streams *streams = calloc(1, sizeof *streams);
    if (!streams)
        return NULL;
    streams->options = *options;
    streams->account.budget = options->budget;
    streams->epoch = epoch_now();
    TAILQ_INIT(&streams->turns);
    make_default_key(&streams->default_key);
    streams->bell =
        event_new(options->base, feed_bell(options->feed), EV_READ | EV_PERSIST, on_bell, streams);
    streams->slice = evtimer_new(options->base, on_slice, streams);
    streams->second = event_new(options->base, -1, EV_PERSIST, on_second, streams);
    if (streams->bell && streams->slice && streams->second && event_add(streams->bell, NULL) == 0 &&
        event_add(streams->second, &(struct timeval){.tv_sec = 1}) == 0)
        return streams;
    streams_free(streams);
    return NULL;
}

void streams_free(struct streams *streams)
{
    if (streams->bell)
        event_free(streams->bell);
    if (streams->slice)
        event_free(streams->slice);
    if (streams->second)
        event_free(streams->second);
    buffer_free(&streams->default_key);
    free(streams);
}
