/* SPDX-License-Identifier: MIT */
#include "daemon/pmu/pmu.h"
#include "daemon/base/clock.h"
#include "daemon/pmu/group.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Ticks of a tenth of a second come a little early, too, and are not to miss every other read. */
#define READ_NS UINT64_C(90000000)
#define TURNS 5                       /* in which CPUs are asked for what was counted there */
#define RETRY_NS UINT64_C(5000000000) /* until what could not be opened is tried again */

/* A socket's share of an event. */
struct share {
    double total;
    double coverage;   /* summed over the places that counted at the last read */
    uint32_t counting; /* these */
    uint32_t places;   /* all that have it: CPUs, or boxes */
    enum perf_reason reason;
    uint64_t read_at; /* of boxes; 0 otherwise */
};

/* A group on a CPU, or of a box. */
struct slot {
    struct group group;
    uint32_t cpu;
    uint32_t first; /* of its events */
    uint64_t due;
};

struct socket {
    pthread_mutex_t reading; /* held by the collector that reads */
    struct slot *slots;      /* a CPU's lie together */
    uint32_t slot_count;
    struct share *work; /* [event]: the read that is going on */
    uint64_t read_at, retry_at;
    pthread_mutex_t mutex; /* of what is below, held for a copy */
    struct share *shares;  /* [event] */
    uint64_t time;
};

/* An event, and which are of its group. */
struct listed {
    const struct pmu_event *event;
    uint32_t first, siblings;
};

struct pmu {
    const struct topology *topology;
    struct pmu_group *groups;
    uint32_t group_count;
    const struct perf_calls *calls;
    struct listed *events;
    uint32_t event_count;
    uint32_t socket_count;
    struct socket sockets[];
};

/* --- Making it --- */

static uint32_t count_events(const struct pmu_group *group)
{
    uint32_t count = 0;
    while (count < PMU_GROUP_MOST && group->events[count].name)
        count++;
    return count;
}

/* Where a group's events are in the list, which those of a box share with others of its kind. */
static uint32_t first_of(const struct pmu *pmu, const struct pmu_group *group)
{
    uint32_t first = 0;
    while (first < pmu->event_count &&
           strcmp(pmu->events[first].event->name, group->events[0].name) != 0)
        first++;
    return first;
}

static bool list_events(struct pmu *pmu, const struct pmu_group *groups)
{
    pmu->groups = malloc((pmu->group_count + 1) * sizeof *groups);
    if (!pmu->groups)
        return false;
    memcpy(pmu->groups, groups, pmu->group_count * sizeof *groups);
    pmu->events = calloc((size_t)pmu->group_count * PMU_GROUP_MOST + 1, sizeof *pmu->events);
    for (uint32_t group = 0; pmu->events && group < pmu->group_count; group++) {
        uint32_t first = pmu->event_count, count = count_events(&pmu->groups[group]);
        if (first_of(pmu, &pmu->groups[group]) < first)
            continue;
        for (uint32_t i = 0; i < count; i++)
            pmu->events[pmu->event_count++] =
                (struct listed){&pmu->groups[group].events[i], first, count};
    }
    return pmu->events;
}

/* Only counts it as long as there is no room for any. */
static void add_slot(const struct pmu *pmu, struct socket *socket, const struct pmu_group *group,
                     uint32_t cpu)
{
    struct slot *slot = socket->slots ? &socket->slots[socket->slot_count] : NULL;
    socket->slot_count++;
    if (!slot)
        return;
    group_init(&slot->group, group);
    slot->cpu = cpu;
    slot->first = first_of(pmu, group);
}

static void add_slots(const struct pmu *pmu, struct socket *socket, uint32_t which)
{
    socket->slot_count = 0;
    for (uint32_t cpu = 0; cpu < topology_possible_cpus(pmu->topology); cpu++)
        for (uint32_t i = 0; i < pmu->group_count; i++)
            if (!pmu->groups[i].boxed && topology_socket_of_cpu(pmu->topology, cpu) == which)
                add_slot(pmu, socket, &pmu->groups[i], cpu);
    for (uint32_t i = 0; i < pmu->group_count; i++)
        for (uint32_t box = 0; pmu->groups[i].boxed && box < pmu->groups[i].cpu_count; box++)
            if (topology_socket_of_cpu(pmu->topology, pmu->groups[i].cpus[box]) == which)
                add_slot(pmu, socket, &pmu->groups[i], pmu->groups[i].cpus[box]);
}

static bool make_socket(struct pmu *pmu, uint32_t which)
{
    struct socket *socket = &pmu->sockets[which];
    pthread_mutex_init(&socket->reading, NULL);
    pthread_mutex_init(&socket->mutex, NULL);
    add_slots(pmu, socket, which);
    socket->slots = calloc((size_t)socket->slot_count + 1, sizeof *socket->slots);
    socket->slot_count = 0;
    socket->work = calloc(pmu->event_count + 1, sizeof *socket->work);
    socket->shares = calloc(pmu->event_count + 1, sizeof *socket->shares);
    if (!socket->slots || !socket->work || !socket->shares)
        return false;
    add_slots(pmu, socket, which);
    for (uint32_t i = 0; i < pmu->event_count; i++)
        socket->shares[i].reason = PERF_OFFLINE;
    return true;
}

struct pmu *pmu_new(const struct topology *topology, const struct pmu_group *groups, uint32_t count,
                    const struct perf_calls *calls)
{
    uint32_t sockets = topology_sockets(topology);
    struct pmu *pmu = calloc(1, sizeof *pmu + sockets * sizeof pmu->sockets[0]);
    if (!pmu)
        return NULL;
    pmu->topology = topology;
    pmu->group_count = count;
    pmu->calls = calls;
    bool good = list_events(pmu, groups);
    for (; good && pmu->socket_count < sockets; pmu->socket_count++)
        good = make_socket(pmu, pmu->socket_count);
    if (good)
        return pmu;
    pmu_free(pmu);
    return NULL;
}

static void free_socket(struct pmu *pmu, struct socket *socket)
{
    for (uint32_t i = 0; i < socket->slot_count; i++)
        group_close(&socket->slots[i].group, pmu->calls);
    pthread_mutex_destroy(&socket->reading);
    pthread_mutex_destroy(&socket->mutex);
    free(socket->slots);
    free(socket->work);
    free(socket->shares);
}

void pmu_free(struct pmu *pmu)
{
    for (uint32_t i = 0; i < pmu->socket_count; i++)
        free_socket(pmu, &pmu->sockets[i]);
    free(pmu->events);
    free(pmu->groups);
    free(pmu);
}

/* --- Counting --- */

/* Of CPUs that are not there nothing is said while others tell more. */
static bool says_more(enum perf_reason one, enum perf_reason other)
{
    if (other == PERF_COUNTS || one == other)
        return false;
    return one == PERF_COUNTS || other == PERF_OFFLINE;
}

/* CPUs are not asked all at the same time: each question interrupts one, whoever counts. */
static bool is_due(struct slot *slot, uint64_t now)
{
    if (now < slot->due)
        return false;
    slot->due = now + (1 + (slot->due ? TURNS - 1 : slot->cpu % TURNS)) * READ_NS;
    return true;
}

static void read_slot(struct pmu *pmu, struct slot *slot, struct share *shares, uint64_t now)
{
    double events[PMU_GROUP_MOST];
    if (!group_read(&slot->group, pmu->calls, events))
        return;
    for (uint32_t i = 0; i < count_events(slot->group.of); i++) {
        shares[i].total += events[i];
        shares[i].read_at = slot->group.of->boxed ? now : 0;
    }
}

/* Why a group's events are not counted in a place, or in how much of the time they are. */
static void tell_slot(const struct slot *slot, struct share *shares)
{
    const struct group *group = &slot->group;
    for (uint32_t i = 0; i < count_events(group->of); i++) {
        shares[i].places++;
        if (says_more(group->reasons[i], shares[i].reason))
            shares[i].reason = group->reasons[i];
        if (group->files[i] < 0 || isnan(group->coverage))
            continue;
        shares[i].counting++;
        shares[i].coverage += group->coverage;
    }
}

/* The kernel moves a box to another CPU of its socket when the one that was asked goes, and takes
 * any of them for it. */
static void open_slot(const struct pmu *pmu, struct slot *slot)
{
    uint32_t socket = topology_socket_of_cpu(pmu->topology, slot->cpu);
    uint32_t possible = topology_possible_cpus(pmu->topology);
    if (group_open(&slot->group, pmu->calls, (int)slot->cpu) || !slot->group.of->boxed ||
        slot->group.reasons[0] != PERF_OFFLINE)
        return;
    for (uint32_t step = 1; step <= possible; step++) {
        uint32_t cpu = (slot->cpu + step) % possible;
        if (topology_socket_of_cpu(pmu->topology, cpu) == socket) {
            slot->cpu = cpu;
            return;
        }
    }
}

static void collect_slots(struct pmu *pmu, struct socket *socket, uint64_t now, bool retry)
{
    for (uint32_t i = 0; i < socket->slot_count; i++) {
        struct slot *slot = &socket->slots[i];
        struct share *shares = &socket->work[slot->first];
        if (retry && group_may_come(&slot->group))
            open_slot(pmu, slot);
        if (is_due(slot, now))
            read_slot(pmu, slot, shares, now);
        tell_slot(slot, shares);
    }
}

static void collect_socket(struct pmu *pmu, struct socket *socket)
{
    uint64_t now = clock_monotonic();
    if (socket->read_at && now - socket->read_at < READ_NS)
        return;
    bool retry = socket->retry_at == 0 || now - socket->retry_at >= RETRY_NS;
    socket->read_at = now;
    socket->retry_at = retry ? now : socket->retry_at;
    for (uint32_t i = 0; i < pmu->event_count; i++)
        socket->work[i] = (struct share){.total = socket->shares[i].total,
                                         .reason = PERF_OFFLINE,
                                         .read_at = socket->shares[i].read_at};
    collect_slots(pmu, socket, now, retry);
    pthread_mutex_lock(&socket->mutex);
    memcpy(socket->shares, socket->work, pmu->event_count * sizeof *socket->shares);
    socket->time = now;
    pthread_mutex_unlock(&socket->mutex);
}

void pmu_collect(struct pmu *pmu, uint32_t which)
{
    struct socket *socket = &pmu->sockets[which];
    if (pthread_mutex_trylock(&socket->reading))
        return;
    collect_socket(pmu, socket);
    pthread_mutex_unlock(&socket->reading);
}

/* --- What was counted --- */

uint32_t pmu_event_count(const struct pmu *pmu)
{
    return pmu->event_count;
}

const struct pmu_event *pmu_event(const struct pmu *pmu, uint32_t event)
{
    return pmu->events[event].event;
}

static double total_of(struct pmu *pmu, uint32_t event)
{
    double total = 0;
    for (uint32_t i = 0; i < pmu->socket_count; i++) {
        pthread_mutex_lock(&pmu->sockets[i].mutex);
        total += pmu->sockets[i].shares[event].total;
        pthread_mutex_unlock(&pmu->sockets[i].mutex);
    }
    return total;
}

/* What the kernel counts itself may be rare; of what a CPU counts that is believed if others of the
 * group are counted. */
static bool is_silent(struct pmu *pmu, uint32_t which)
{
    const struct pmu_event *event = pmu->events[which].event;
    double total = total_of(pmu, which);
    for (uint32_t i = 0; event->rare && i < pmu->events[which].siblings; i++)
        total += total_of(pmu, pmu->events[which].first + i);
    return event->type != PERF_TYPE_SOFTWARE && total <= 0;
}

/* The sum of what sockets say; of a socket that has no place for an event nothing is said. */
static void add_share(struct socket *socket, uint32_t event, struct pmu_count *count)
{
    pthread_mutex_lock(&socket->mutex);
    struct share share = socket->shares[event];
    uint64_t time = share.read_at ? share.read_at : socket->time;
    pthread_mutex_unlock(&socket->mutex);
    if (says_more(share.reason, count->reason))
        count->reason = share.reason;
    count->total += share.total;
    count->time = time < count->time ? time : count->time;
    count->coverage += share.coverage;
    count->counting += share.counting;
    count->places += share.places;
}

struct pmu_count pmu_counted(struct pmu *pmu, uint32_t event, uint32_t socket)
{
    struct pmu_count count = {.reason = PERF_OFFLINE, .time = UINT64_MAX};
    for (uint32_t i = 0; i < pmu->socket_count; i++)
        if (socket == i || socket == PMU_ALL_SOCKETS)
            add_share(&pmu->sockets[i], event, &count);
    count.coverage = count.counting ? count.coverage / count.counting : NAN;
    if (count.places == 0 && count.time)
        count.reason = PERF_NOT_SUPPORTED;
    else if (count.reason == PERF_COUNTS && count.coverage < GROUP_COVERAGE_LEAST)
        count.reason = PERF_MULTIPLEXED;
    else if (count.reason == PERF_COUNTS && !isnan(count.coverage) && is_silent(pmu, event))
        count.reason = PERF_SILENT;
    return count;
}
