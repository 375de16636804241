/* SPDX-License-Identifier: MIT */
/* Rings that are overrun, or written to while they are read: what is missed is counted, and nothing
 * is shown that nobody wrote. */
#include "fixture.h"
#include "suites.h"

#include "shmlib/events.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

static struct reader *reader;
static engram_event event;
static struct drained drained;
static uint64_t cursor;

static void start(void)
{
    struct engram_spec spec = {.name = {"e", 1}};
    enum rejection rejection;
    fixture_start();
    fixture_process("p");
    event = engram_event_register(&spec);
    reader = reader_open(fixture_dir, fixture_name("p"), &rejection);
    ck_assert_ptr_nonnull(reader);
    cursor = EVENTS_FIRST_LOOK;
}

static void stop(void)
{
    reader_close(reader);
    fixture_stop();
}

static const struct copy node = {false, 0};

static void drain(struct copy copy)
{
    events_drain(reader, copy, fixture_slot(event.at), &cursor, &drained);
}

/* Into the node's ring, whatever the scheduler does. */
static void emit(uint64_t count)
{
    engram_set_limit(engram_region_of(event.at), 0);
    engram_region_of(event.at)->nodes = 1; /* the reader has its own copy */
    for (uint64_t i = 0; i < count; i++)
        engram_event_emit(event, i, ~i);
}

static struct engram_ring *node_ring(void)
{
    return (void *)engram_node_slot(engram_region_of(event.at), 0, fixture_slot(event.at));
}

START_TEST(what_is_overwritten_is_missed)
{
    emit(3);
    drain(node);
    ck_assert_uint_eq(drained.count, 3);
    ck_assert_uint_eq(drained.missed, 0);
    emit(ENGRAM_RING_SLOTS + 44);
    drain(node);
    ck_assert_uint_eq(drained.count, ENGRAM_RING_SLOTS);
    ck_assert_uint_eq(drained.missed, 44);
    ck_assert_uint_eq(drained.records[0].values[0], 44);
    drain(node);
    ck_assert_uint_eq(drained.count + drained.missed, 0);
}
END_TEST

/* An empty ring that was looked at is another thing than one that never was. */
START_TEST(what_came_before_the_first_look_is_not_missed)
{
    drain(node);
    emit(ENGRAM_RING_SLOTS + 44);
    drain(node);
    ck_assert_uint_eq(drained.count, ENGRAM_RING_SLOTS);
    ck_assert_uint_eq(drained.missed, 44);
    cursor = EVENTS_FIRST_LOOK;
    drain(node);
    ck_assert_uint_eq(drained.count, ENGRAM_RING_SLOTS);
    ck_assert_uint_eq(drained.missed, 0);
    cursor = EVENTS_FIRST_LOOK;
    drain((struct copy){true, 0}); /* no memory for a ring yet */
    ck_assert_uint_eq(cursor, 0);
}
END_TEST

/* Whoever claimed a slot was killed before it wrote: the others neither wait nor write there. */
START_TEST(slot_of_a_dead_writer_is_missed)
{
    struct engram_ring *ring = node_ring();
    emit(2);
    ck_assert_uint_eq(engram_claim(ring), 2);
    emit(1);
    drain(node);
    ck_assert_uint_eq(drained.count, 3);
    ck_assert_uint_eq(drained.missed, 1);
    emit(ENGRAM_RING_SLOTS);
    drain(node);
    ck_assert_uint_eq(drained.count, ENGRAM_RING_SLOTS - 1);
    ck_assert_uint_eq(drained.missed, 1);
    ck_assert_uint_eq(
        *engram_node_slot(engram_region_of(event.at), 0,
                          fixture_slot(engram_process_state.own[ENGRAM_OWN_EVENT_DROPPED])),
        1);
}
END_TEST

/* The writer may be at work on the slot that the head names next. */
START_TEST(oldest_slot_of_a_full_ring_is_missed)
{
    uint32_t chunk = fixture_slot(event.at) >> ENGRAM_CHUNK_SHIFT;
    ck_assert(engram_reserve_block(engram_region_of(event.at), chunk, 0, 0));
    cursor = 0;
    struct engram_ring *ring =
        engram_at(engram_region_of(event.at),
                  *engram_block(engram_region_of(event.at), chunk, 0) + fixture_slot(event.at));
    ring->head = ENGRAM_RING_SLOTS;
    drain((struct copy){true, 0});
    ck_assert_uint_eq(drained.count, ENGRAM_RING_SLOTS - 1);
    ck_assert_uint_eq(drained.missed, 1);
    ring->head = 5; /* no ring runs backwards */
    drain((struct copy){true, 0});
    ck_assert_uint_eq(drained.count + drained.missed, 0);
}
END_TEST

static atomic_bool enough;

static void *emit_flat_out(void *argument)
{
    (void)argument;
    for (uint64_t i = 0; !atomic_load(&enough); i++)
        engram_event_emit_at(event, i, i, ~i);
    return NULL;
}

static uint64_t drain_whole(struct copy copy, uint64_t *own_cursor)
{
    events_drain(reader, copy, fixture_slot(event.at), own_cursor, &drained);
    for (uint32_t i = 0; i < drained.count; i++) {
        const struct engram_event_record *record = &drained.records[i];
        ck_assert(record->time == record->values[0] && record->time == ~record->values[1]);
    }
    return drained.count;
}

/* On CPUs' rings, and without restartable sequences on the nodes'. */
START_TEST(no_record_is_torn)
{
    pthread_t threads[3];
    uint64_t cursors[2][64] = {{0}}, seen = 0, missed = 0;
    if (_i)
        engram_set_limit(engram_region_of(event.at), 0);
    engram_region_of(event.at)->nodes = 1; /* the reader has its own copy */
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, emit_flat_out, NULL);
    for (int i = 0; i < 1000000 && (i < 1000 || seen == 0 || missed == 0); i++) {
        usleep(20); /* for writers to come round: what is read first is written next */
        for (uint32_t cpu = 0; cpu < reader->header.cpus && cpu < 64; cpu++) {
            seen += drain_whole((struct copy){true, cpu}, &cursors[0][cpu]);
            missed += drained.missed;
        }
        seen += drain_whole(node, &cursors[1][0]);
        missed += drained.missed;
    }
    atomic_store(&enough, true);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    ck_assert_uint_gt(seen, 0);
    ck_assert_uint_gt(missed, 0);
}
END_TEST

Suite *events_suite(void)
{
    Suite *suite = suite_create("events");
    TCase *tests = tcase_create("rings");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, start, stop);
    tcase_add_test(tests, what_is_overwritten_is_missed);
    tcase_add_test(tests, what_came_before_the_first_look_is_not_missed);
    tcase_add_test(tests, slot_of_a_dead_writer_is_missed);
    tcase_add_test(tests, oldest_slot_of_a_full_ring_is_missed);
    tcase_add_loop_test(tests, no_record_is_torn, 0, 2);
    suite_add_tcase(suite, tests);
    return suite;
}
