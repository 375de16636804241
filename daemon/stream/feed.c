/* SPDX-License-Identifier: MIT */
#include "daemon/stream/feed.h"
#include "daemon/base/clock.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define OWNERS 64 /* that are counted each; all others share one more count */
#define SHARES 8  /* of the ring: what one owner may put there in a tick is one of them */

struct owner {
    uint32_t owner;
    uint32_t taken; /* items, this tick */
};

struct feed {
    pthread_mutex_t mutex; /* held for a few copies at a time */
    uint64_t head;         /* items ever appended */
    uint32_t size;
    int bell;
    atomic_bool heard; /* by somebody: to wake a thread for nothing costs as much as a collection */
    uint64_t tick;     /* that the owners are counted for */
    uint32_t owner_count;
    struct owner owners[OWNERS + 1];
    struct feed_item items[];
};

struct feed *feed_new(uint32_t items)
{
    struct feed *feed = calloc(1, sizeof *feed + items * sizeof feed->items[0]);
    if (!feed)
        return NULL;
    feed->size = items;
    feed->bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (feed->bell < 0) {
        int error = errno;
        free(feed);
        errno = error;
        return NULL;
    }
    pthread_mutex_init(&feed->mutex, NULL);
    return feed;
}

void feed_free(struct feed *feed)
{
    for (uint32_t i = 0; i < feed->size; i++)
        event_source_release(feed->items[i].source);
    pthread_mutex_destroy(&feed->mutex);
    close(feed->bell);
    free(feed);
}

/* Under the mutex. */
static void append(struct feed *feed, const struct feed_item *item)
{
    struct feed_item *to = &feed->items[feed->head % feed->size];
    event_source_release(to->source);
    *to = *item;
    event_source_hold(to->source);
    feed->head++;
}

/* Under the mutex. */
static struct owner *owner_of(struct feed *feed, uint32_t owner)
{
    uint32_t i = 0;
    while (i < feed->owner_count && feed->owners[i].owner != owner)
        i++;
    if (i == feed->owner_count && i < OWNERS)
        feed->owners[feed->owner_count++] = (struct owner){.owner = owner};
    return &feed->owners[i];
}

void feed_limit(struct feed *feed, const struct event_source *source, uint64_t tick,
                struct drained *drained)
{
    pthread_mutex_lock(&feed->mutex);
    if (feed->tick != tick) {
        feed->tick = tick;
        feed->owner_count = 0;
        feed->owners[OWNERS].taken = 0;
    }
    struct owner *owner = owner_of(feed, source->owner);
    uint32_t left = feed->size / SHARES - owner->taken;
    uint32_t kept = drained->count < left ? drained->count : left;
    owner->taken += kept;
    pthread_mutex_unlock(&feed->mutex);
    drained->missed += drained->count - kept;
    drained->count = kept;
}

void feed_events(struct feed *feed, struct event_source *source, uint32_t node,
                 const struct drained *drained)
{
    pthread_mutex_lock(&feed->mutex);
    for (uint32_t i = 0; i < drained->count; i++) {
        const struct engram_event_record *record = &drained->records[i];
        append(feed, &(struct feed_item){.time = record->time,
                                         .source = source,
                                         .values = {record->values[0], record->values[1]},
                                         .kind = record->kind,
                                         .node = (uint16_t)node,
                                         .what = FEED_EVENT});
    }
    pthread_mutex_unlock(&feed->mutex);
}

static void append_one(struct feed *feed, struct feed_item item)
{
    item.time = clock_monotonic();
    pthread_mutex_lock(&feed->mutex);
    append(feed, &item);
    pthread_mutex_unlock(&feed->mutex);
}

void feed_process(struct feed *feed, struct event_source *source, enum feed_what what)
{
    append_one(feed, (struct feed_item){.source = source, .what = (uint8_t)what});
}

void feed_health(struct feed *feed, enum health_component component, enum health_state before,
                 enum health_state now)
{
    append_one(feed, (struct feed_item){.values = {(uint64_t)before, (uint64_t)now},
                                        .kind = component,
                                        .what = FEED_HEALTH});
}

void feed_alert(struct feed *feed, uint32_t number, enum alert_state before, enum alert_state now)
{
    append_one(feed,
               (struct feed_item){.values = {before, now}, .kind = number, .what = FEED_ALERT});
}

void feed_listen(struct feed *feed, bool somebody)
{
    atomic_store(&feed->heard, somebody);
}

void feed_ring(struct feed *feed)
{
    if (!atomic_load(&feed->heard))
        return;
    if (eventfd_write(feed->bell, 1)) /* full: it has not been heard yet, and still rings */
        errno = 0;
}

int feed_bell(const struct feed *feed)
{
    return feed->bell;
}

void feed_silence(struct feed *feed)
{
    eventfd_t rings;
    if (eventfd_read(feed->bell, &rings))
        errno = 0;
}

/* Under the mutex. */
static uint64_t tail_of(const struct feed *feed)
{
    return feed->head > feed->size ? feed->head - feed->size : 0;
}

uint64_t feed_tail(struct feed *feed)
{
    pthread_mutex_lock(&feed->mutex);
    uint64_t tail = tail_of(feed);
    pthread_mutex_unlock(&feed->mutex);
    return tail;
}

uint64_t feed_head(struct feed *feed)
{
    pthread_mutex_lock(&feed->mutex);
    uint64_t head = feed->head;
    pthread_mutex_unlock(&feed->mutex);
    return head;
}

uint32_t feed_read(struct feed *feed, uint64_t *cursor, uint64_t end, struct feed_item *items,
                   uint32_t most, uint64_t *missed)
{
    uint32_t count = 0;
    pthread_mutex_lock(&feed->mutex);
    end = end < feed->head ? end : feed->head;
    uint64_t first = tail_of(feed) < end ? tail_of(feed) : end;
    if (*cursor < first) {
        *missed += first - *cursor;
        *cursor = first;
    }
    for (; count < most && *cursor < end; ++*cursor) {
        items[count] = feed->items[*cursor % feed->size];
        event_source_hold(items[count++].source);
    }
    pthread_mutex_unlock(&feed->mutex);
    return count;
}
