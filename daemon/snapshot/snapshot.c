/* SPDX-License-Identifier: MIT */
#include "daemon/snapshot/snapshot.h"
#include "daemon/base/clock.h"
#include "daemon/base/spares.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <urcu/urcu-memb.h>

/*
 * ThreadSanitizer does not see through liburcu, so what it orders is told here:
 * publishing before reading, and each reader's end before what was retired is
 * freed.  Nothing else in the daemon touches RCU.
 */
#ifdef __SANITIZE_THREAD__
void __tsan_acquire(void *at);
void __tsan_release(void *at);
#define TELL_ACQUIRE(at) __tsan_acquire(at)
#define TELL_RELEASE(at) __tsan_release(at)

/* What liburcu allocates for itself is its own affair. */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
    return "called_from_lib:liburcu-memb\n";
}
#else
#define TELL_ACQUIRE(at) ((void)(at))
#define TELL_RELEASE(at) ((void)(at))
#endif

/* Wholes wait for each other, since each grace period wakes liburcu's thread and interrupts all
 * others. */
#define TOGETHER 2

/* For each socket: in a tick it takes a partial and a whole, and as many wait to be retired. */
#define SPARES (2 + 2 * TOGETHER)

static char readers_end; /* stands for the grace period */
static char retired_all; /* and for what urcu_memb_barrier() waits for */

/* A partial is held by its slot and by each snapshot that reads it; counted under the mutex.  One
 * spare block with what it points to, as a whole is. */
struct held_partial {
    struct partial partial;
    unsigned references;
    union word *nodes[];
};

struct whole {
    struct snapshot snapshot;
    struct plan *plan; /* a reference */
    const union word **nodes;
    union word *computed;
    struct snapshot_store *store;
    struct whole *before; /* that waits with it to be retired */
    struct rcu_head retire;
    struct held_partial *parts[]; /* [sockets]; NULL for one that is left out */
};

/* What a socket handed in last. */
struct slot {
    struct held_partial *part;
    bool is_out;         /* left out */
    bool is_fresh;       /* handed in since the last round was told */
    uint64_t not_before; /* what was started before is dropped: it would be a step back */
};

struct retired_plan {
    struct plan *plan;
    struct rcu_head retire;
};

struct snapshot_store {
    const struct topology *topology;
    snapshot_compute *compute;
    void *argument;
    snapshot_told *told; /* NULL, or set before the first socket hands in anything */
    void *told_argument;
    uint64_t number;       /* of the last whole snapshot; under the mutex */
    struct plan *plan;     /* written by discovery, read by collectors under RCU */
    struct whole *whole;   /* written under the mutex, read by anyone under RCU */
    struct whole *waiting; /* to be retired, the newest; under the mutex */
    uint32_t waiting_count;
    struct spares spares;  /* what was retired, for the next ticks */
    pthread_mutex_t mutex; /* among collectors only; held for as long as putting parts together */
    struct slot slots[];   /* by socket; under the mutex */
};

struct snapshot_store *snapshot_store_new(const struct topology *topology,
                                          snapshot_compute *compute, void *argument)
{
    size_t sockets = topology_sockets(topology);
    struct snapshot_store *store = calloc(1, sizeof *store + sockets * sizeof store->slots[0]);
    if (!store)
        return NULL;
    /* The thread that frees what is retired: made at first use, it could end the daemon just when
     * there is no memory for it. */
    urcu_memb_get_default_call_rcu_data();
    store->topology = topology;
    store->compute = compute;
    store->argument = argument;
    pthread_mutex_init(&store->mutex, NULL);
    spares_init(&store->spares, SPARES * (unsigned)sockets);
    return store;
}

void snapshot_tell(struct snapshot_store *store, snapshot_told *told, void *argument)
{
    store->told = told;
    store->told_argument = argument;
}

void snapshot_thread_start(void)
{
    urcu_memb_register_thread();
}

void snapshot_thread_stop(void)
{
    urcu_memb_unregister_thread();
}

static void retire_plan(struct rcu_head *head)
{
    struct retired_plan *retired = caa_container_of(head, struct retired_plan, retire);
    TELL_ACQUIRE(head);
    TELL_ACQUIRE(&readers_end);
    plan_release(retired->plan);
    free(retired);
    TELL_RELEASE(&retired_all);
}

void snapshot_publish_plan(struct snapshot_store *store, struct plan *plan)
{
    TELL_RELEASE(&store->plan);
    struct plan *old = rcu_xchg_pointer(&store->plan, plan);
    if (!old)
        return;
    struct retired_plan *retired = malloc(sizeof *retired);
    if (!retired) { /* no memory to do it later: wait now */
        urcu_memb_synchronize_rcu();
        plan_release(old);
        return;
    }
    retired->plan = old;
    TELL_RELEASE(&retired->retire);
    urcu_memb_call_rcu(&retired->retire, retire_plan);
}

struct plan *snapshot_hold_plan(struct snapshot_store *store)
{
    urcu_memb_read_lock();
    struct plan *plan = rcu_dereference(store->plan);
    TELL_ACQUIRE(&store->plan);
    if (plan)
        plan_hold(plan);
    TELL_RELEASE(&readers_end);
    urcu_memb_read_unlock();
    return plan;
}

/* A row of zeros behind those that there are. */
static union word *take_row(union word **free_rows, size_t words)
{
    union word *row = *free_rows;
    *free_rows += words;
    return row;
}

static bool has_node(const struct topology *topology, uint32_t node, uint32_t socket)
{
    return topology_node_has_cpus(topology, node) &&
           topology_socket_of_node(topology, node) == socket;
}

struct partial *partial_new(struct snapshot_store *store, struct plan *plan, uint32_t socket)
{
    const struct topology *topology = store->topology;
    uint32_t nodes = topology_nodes(topology);
    size_t words = plan->set.words + 1, all = socket == 0 ? plan->set.host_words + 1 : 0;
    for (uint32_t node = 0; node < nodes; node++)
        all += has_node(topology, node, socket) ? words : 0;
    struct held_partial *part = NULL;
    size_t head = sizeof *part + nodes * sizeof part->nodes[0];
    size_t size = head + all * sizeof(union word);
    part = spares_take(&store->spares, size);
    if (!part)
        return NULL;
    memset(part, 0, size);
    union word *free_rows = (void *)((char *)part + head);
    for (uint32_t node = 0; node < nodes; node++)
        if (has_node(topology, node, socket))
            part->nodes[node] = take_row(&free_rows, words);
    part->references = 1;
    part->partial = (struct partial){.plan = plan_hold(plan),
                                     .started = clock_monotonic(),
                                     .nodes = part->nodes,
                                     .host = socket == 0 ? free_rows : NULL};
    return &part->partial;
}

/* Under the mutex. */
static void release_part(struct snapshot_store *store, struct held_partial *part)
{
    if (!part || --part->references)
        return;
    plan_release(part->partial.plan);
    spares_give(&store->spares, part);
}

static void whole_free(struct whole *whole)
{
    struct snapshot_store *store = whole->store;
    for (uint32_t i = 0; i < topology_sockets(store->topology); i++)
        release_part(store, whole->parts[i]);
    plan_release(whole->plan);
    spares_give(&store->spares, whole);
}

static void free_waiting(struct whole *newest)
{
    for (struct whole *before; newest; newest = before) {
        before = newest->before;
        whole_free(newest);
    }
}

static void retire_waiting(struct rcu_head *head)
{
    struct whole *whole = caa_container_of(head, struct whole, retire);
    TELL_ACQUIRE(head);
    TELL_ACQUIRE(&readers_end);
    struct snapshot_store *store = whole->store;
    pthread_mutex_lock(&store->mutex);
    free_waiting(whole);
    pthread_mutex_unlock(&store->mutex);
    TELL_RELEASE(&retired_all);
}

/* Under the mutex: of a plan that is not in use any more, which holds what has ended, at once. */
static void retire(struct snapshot_store *store, struct whole *old)
{
    bool last_of_plan = old->plan != store->whole->plan;
    old->before = store->waiting;
    store->waiting = old;
    if (++store->waiting_count < TOGETHER && !last_of_plan)
        return;
    store->waiting = NULL;
    store->waiting_count = 0;
    TELL_RELEASE(&old->retire);
    urcu_memb_call_rcu(&old->retire, retire_waiting);
}

/* Takes the parts' rows into the snapshot, and a reference to each part. */
static void gather_parts(struct whole *whole, const struct snapshot_store *store)
{
    uint32_t nodes = topology_nodes(store->topology);
    for (uint32_t i = 0; i < topology_sockets(store->topology); i++) {
        if (store->slots[i].is_out) {
            whole->snapshot.incomplete = true;
            continue;
        }
        const struct partial *partial = &store->slots[i].part->partial;
        if (partial->started < whole->snapshot.time)
            whole->snapshot.time = partial->started;
        whole->parts[i] = store->slots[i].part;
        whole->parts[i]->references++;
        for (uint32_t node = 0; node < nodes; node++)
            if (partial->nodes[node])
                whole->nodes[node] = partial->nodes[node];
        if (partial->host)
            whole->snapshot.host = partial->host;
    }
}

static struct whole *whole_new(struct snapshot_store *store, struct plan *plan)
{
    uint32_t nodes = topology_nodes(store->topology);
    struct whole *whole = NULL;
    size_t parts = sizeof *whole + topology_sockets(store->topology) * sizeof whole->parts[0];
    size_t head = parts + nodes * sizeof whole->nodes[0];
    whole = spares_take(&store->spares,
                        head + (plan->set.computed_words + 1) * sizeof *whole->computed);
    if (!whole)
        return NULL;
    memset(whole, 0, head);
    whole->store = store;
    whole->plan = plan_hold(plan);
    whole->nodes = (void *)((char *)whole + parts);
    whole->computed = (void *)((char *)whole + head);
    whole->snapshot.time = clock_monotonic();
    gather_parts(whole, store);
    for (uint32_t i = 0; i < plan->set.computed_words; i++)
        whole->computed[i].count = ENGRAM_GAUGE_UNSET;
    whole->snapshot.set = &plan->set;
    whole->snapshot.node_count = nodes;
    whole->snapshot.nodes = whole->nodes;
    whole->snapshot.computed = whole->computed;
    return whole;
}

/* Under the mutex: the plan of which every socket that is not left out has handed in a part, with a
 * reference; if all are left out, the newest. */
static struct plan *hold_common_plan(struct snapshot_store *store)
{
    struct plan *plan = NULL;
    for (uint32_t i = 0; i < topology_sockets(store->topology); i++) {
        const struct slot *slot = &store->slots[i];
        if (slot->is_out)
            continue;
        if (!slot->part || (plan && slot->part->partial.plan != plan))
            return NULL;
        plan = slot->part->partial.plan;
    }
    return plan ? plan_hold(plan) : snapshot_hold_plan(store);
}

/* Under the mutex. */
static void publish_whole(struct snapshot_store *store)
{
    struct plan *plan = hold_common_plan(store);
    struct whole *whole = plan ? whole_new(store, plan) : NULL;
    if (plan)
        plan_release(plan);
    if (!whole)
        return;
    whole->snapshot.number = ++store->number;
    store->compute(store->argument, whole->plan, &whole->snapshot, whole->computed);
    TELL_RELEASE(&store->whole);
    struct whole *old = rcu_xchg_pointer(&store->whole, whole);
    if (old)
        retire(store, old);
}

/* Under the mutex: whether a socket that hands in again ends the round, or is the last of it.  Who
 * is slow holds up the others by a tick at most. */
static bool ends_round(struct snapshot_store *store, uint32_t socket)
{
    bool ends = store->slots[socket].is_fresh, whole = true;
    store->slots[socket].is_fresh = true;
    for (uint32_t i = 0; i < topology_sockets(store->topology); i++)
        whole &= store->slots[i].is_fresh || store->slots[i].is_out;
    for (uint32_t i = 0; (ends || whole) && i < topology_sockets(store->topology); i++)
        store->slots[i].is_fresh = ends && !whole && i == socket;
    return ends || whole;
}

/* Under the mutex: takes the part over. */
static void fill_slot(struct snapshot_store *store, uint32_t socket, struct held_partial *part)
{
    struct slot *slot = &store->slots[socket];
    release_part(store, slot->part);
    slot->part = part;
    slot->is_out = false;
    slot->not_before = part->partial.started;
    publish_whole(store);
    if (ends_round(store, socket) && store->told)
        store->told(store->told_argument);
}

void snapshot_publish_partial(struct snapshot_store *store, uint32_t socket,
                              struct partial *partial)
{
    struct held_partial *part = caa_container_of(partial, struct held_partial, partial);
    pthread_mutex_lock(&store->mutex);
    if (partial->started < store->slots[socket].not_before)
        release_part(store, part);
    else
        fill_slot(store, socket, part);
    pthread_mutex_unlock(&store->mutex);
}

bool snapshot_expire(struct snapshot_store *store, uint32_t socket)
{
    struct slot *slot = &store->slots[socket];
    if (pthread_mutex_trylock(&store->mutex))
        return false;
    release_part(store, slot->part);
    slot->part = NULL;
    slot->is_out = true;
    slot->not_before = clock_monotonic();
    publish_whole(store);
    pthread_mutex_unlock(&store->mutex);
    return true;
}

const struct snapshot *snapshot_begin(struct snapshot_store *store)
{
    urcu_memb_read_lock();
    struct whole *whole = rcu_dereference(store->whole);
    TELL_ACQUIRE(&store->whole);
    return whole ? &whole->snapshot : NULL;
}

void snapshot_end(void)
{
    TELL_RELEASE(&readers_end);
    urcu_memb_read_unlock();
}

struct plan *snapshot_plan(const struct snapshot *snapshot)
{
    return caa_container_of(snapshot, const struct whole, snapshot)->plan;
}

void snapshot_store_free(struct snapshot_store *store)
{
    urcu_memb_barrier(); /* what was retired before is freed */
    TELL_ACQUIRE(&retired_all);
    if (store->whole)
        whole_free(store->whole);
    free_waiting(store->waiting);
    for (uint32_t i = 0; i < topology_sockets(store->topology); i++)
        release_part(store, store->slots[i].part);
    if (store->plan)
        plan_release(store->plan);
    spares_destroy(&store->spares);
    pthread_mutex_destroy(&store->mutex);
    free(store);
}
