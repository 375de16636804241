/* SPDX-License-Identifier: MIT */
#include "daemon/collect/drain.h"
#include "daemon/base/clock.h"
#include "shmlib/guard.h"

#define UNKNOWN_NS UINT64_C(5000000000) /* for a plan to name a kind of event */

void drain_look(const struct plan_region *of, struct copy copy, struct drain_look *look)
{
    struct region *region = of->region;
    uint32_t at = copy.of_cpu ? region->reader->header.nodes + copy.index : copy.index;
    look->place = &region->rings[at];
    look->before = look->after = atomic_load(&look->place->cursor);
    events_drain(region->reader, copy, of->ring, &look->after, &look->drained);
}

/* Whoever moves the cursor has drained: a thread that hung meanwhile finds it moved, and what it
 * has is what another one counted. */
bool drain_take(struct drain_look *look)
{
    return atomic_compare_exchange_strong(&look->place->cursor, &look->before, look->after);
}

/* Events of a kind that was registered after the plan was made stay in the ring until the next plan
 * can name them; but a process that never says what they are does not hold up its others, and one
 * that has ended will not. */
static bool is_too_early(const struct drain_look *look, const struct event_source *source)
{
    const struct drained *drained = &look->drained;
    uint64_t now = clock_monotonic(), since = 0;
    uint32_t known = 0;
    while (known < drained->count && event_source_kind(source, drained->records[known].kind))
        known++;
    if (known == drained->count) {
        atomic_store(&look->place->unknown, 0);
        return false;
    }
    return atomic_compare_exchange_strong(&look->place->unknown, &since, now) ||
           now < since + UNKNOWN_NS;
}

/* What cannot be named will never be told: it counts as missed. */
static void drop_unknown(struct drained *drained, const struct event_source *source)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < drained->count; i++)
        if (event_source_kind(source, drained->records[i].kind))
            drained->records[kept++] = drained->records[i];
    drained->missed += drained->count - kept;
    drained->count = kept;
}

static uint32_t node_of(const struct drain *drain, struct copy copy)
{
    return copy.of_cpu ? topology_node_of_cpu(drain->topology, copy.index)
                       : topology_shown_node(drain->topology, copy.index);
}

static void drain_copy(const struct drain *drain, const struct plan_region *region,
                       struct copy copy)
{
    struct drain_look look;
    struct drained *drained = &look.drained;
    drain_look(region, copy, &look);
    if ((region->alive && is_too_early(&look, region->events)) || !drain_take(&look))
        return;
    drop_unknown(drained, region->events);
    if (drain->feed)
        feed_limit(drain->feed, region->events, clock_monotonic() / pace_tick(drain->pace),
                   drained);
    self_saw_events(drain->self, drain->socket == ANY_SOCKET ? 0 : drain->socket, drained,
                    region->alive);
    if (drain->feed && drained->count)
        feed_events(drain->feed, region->events, node_of(drain, copy), drained);
}

void drain_rings(const struct drain *drain, const struct plan_region *region)
{
    const struct gathering whose = {.topology = drain->topology, .socket = drain->socket};
    const struct engram_region *h = &region->region->reader->header;
    if (region->ring == UINT32_MAX)
        return;
    for (uint32_t cpu = 0; cpu < h->cpus; cpu++)
        if (gathers_cpu(&whose, cpu))
            drain_copy(drain, region, (struct copy){true, cpu});
    for (uint32_t node = 0; node < h->nodes; node++)
        if (gathers_node(&whose, node))
            drain_copy(drain, region, (struct copy){false, node});
}

struct rest {
    const struct drain *drain;
    struct plan_region ended;
};

static void drain_guarded(void *argument)
{
    const struct rest *rest = argument;
    drain_rings(rest->drain, &rest->ended);
}

void drain_rest(const struct drain *drain, const struct plan_region *region)
{
    struct rest rest = {drain, *region};
    rest.ended.alive = false;
    if (!guard_run(drain_guarded, &rest))
        atomic_store(&region->region->truncated, true);
}
