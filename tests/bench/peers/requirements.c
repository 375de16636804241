/* SPDX-License-Identifier: MIT */
/*
 * The design that engram's requirements sketch, rebuilt as small as it can be: a map from names to
 * indices that is sharded under read locks, the caller's memory node by getcpu(), and an atomic add
 * to that node's padded counter; histograms of 64 atomic buckets whose index is a logarithm.  The
 * map's hash is cheaper here than the one of the map that the sketch names.
 */
#define _GNU_SOURCE
#include "tests/bench/peers/peer.h"

#include <math.h>
#include <sched.h>
#include <string.h>
#include <time.h>

#define SHARDS 64
#define PLACES 64 /* of a shard; a power of two */
#define NODES 64
#define SERIES 64
#define BUCKETS 64
#define BASE 1e-6
#define LOG_FACTOR 0.25

struct shard {
    _Alignas(64) uint32_t readers; /* writers come before the threads do */
    struct {
        const char *name;
        uint32_t index;
    } places[PLACES];
};
struct padded {
    _Alignas(64) uint64_t value;
};
struct histogram {
    _Alignas(64) uint64_t buckets[BUCKETS];
};

static struct shard shards[SHARDS];
static struct padded counters[NODES][SERIES];
static struct histogram histograms[SERIES];

static uint64_t hash(const char *name, size_t length)
{
    uint64_t hashed = length;
    for (; length >= 8; length -= 8, name += 8) {
        uint64_t word;
        memcpy(&word, name, sizeof word);
        hashed = (hashed ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        hashed ^= hashed >> 32;
    }
    for (; length; length--)
        hashed = (hashed ^ (unsigned char)*name++) * UINT64_C(0x9e3779b97f4a7c15);
    return hashed ^ hashed >> 29;
}

static void insert(const char *name, uint32_t index)
{
    uint64_t hashed = hash(name, strlen(name));
    struct shard *shard = &shards[hashed % SHARDS];
    uint64_t at = hashed / SHARDS;
    while (shard->places[at % PLACES].name)
        at++;
    shard->places[at % PLACES].name = name;
    shard->places[at % PLACES].index = index;
}

/* The index of a name, or -1. */
static int look_up(const char *name, size_t length)
{
    uint64_t hashed = hash(name, length);
    struct shard *shard = &shards[hashed % SHARDS];
    int found = -1;
    __atomic_fetch_add(&shard->readers, 1, __ATOMIC_ACQUIRE);
    for (uint64_t at = hashed / SHARDS; shard->places[at % PLACES].name; at++)
        if (strcmp(shard->places[at % PLACES].name, name) == 0) {
            found = (int)shard->places[at % PLACES].index;
            break;
        }
    __atomic_fetch_sub(&shard->readers, 1, __ATOMIC_RELEASE);
    return found;
}

static void increment(const char *name, uint64_t amount)
{
    unsigned cpu = 0, node = 0;
    int index = look_up(name, strlen(name));
    if (index < 0)
        return;
    getcpu(&cpu, &node);
    __atomic_fetch_add(&counters[node % NODES][index].value, amount, __ATOMIC_RELAXED);
}

static void record(const char *name, double value)
{
    int index = look_up(name, strlen(name));
    if (index < 0)
        return;
    double bucket = log(value / BASE) / LOG_FACTOR;
    uint64_t clamped = bucket < 0 ? 0 : bucket < BUCKETS - 1 ? (uint64_t)bucket : BUCKETS - 1;
    __atomic_fetch_add(&histograms[index].buckets[clamped], 1, __ATOMIC_RELAXED);
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void time_span(void)
{
    double start = seconds();
    record("engram_recall_duration_seconds", seconds() - start);
}

PEER_LOOP(add, increment("engram_operations_total", 1))
PEER_LOOP(record_value, record("engram_recall_duration_seconds", PEER_VALUE(i)))
PEER_LOOP(time_one, time_span())

static uint64_t adds(void)
{
    uint64_t sum = 0;
    for (int node = 0; node < NODES; node++)
        sum += counters[node][look_up("engram_operations_total", 23)].value;
    return sum;
}

static uint64_t records(void)
{
    uint64_t sum = 0;
    for (int i = 0; i < BUCKETS; i++)
        sum += histograms[look_up("engram_recall_duration_seconds", 30)].buckets[i];
    return sum;
}

int main(void)
{
    static const char *const names[] = {
        "engram_operations_total", "engram_recall_duration_seconds", "engram_stores_total",
        "engram_recalls_total",    "engram_consolidations_total",    "engram_activations_total"};
    static const struct peer_operation operations[] = {
        {"counter", add, adds, NULL},
        {"histogram", record_value, records, NULL},
        {"span", time_one, records, NULL},
    };
    for (uint32_t i = 0; i < sizeof names / sizeof names[0]; i++)
        insert(names[i], i);
    return peer_serve(operations, sizeof operations / sizeof operations[0]);
}
