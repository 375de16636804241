/* SPDX-License-Identifier: MIT */
#include "daemon/health/numa_check.h"

#include <inttypes.h>
#include <math.h>

#define MEMINFO "/sys/devices/system/node/nodeN/meminfo"
#define LINKS "/sys/bus/event_source/devices/uncore_upi_N, /sys/fs/resctrl"
#define NUMASTAT "/sys/devices/system/node/nodeN/numastat"

/* How much more is taken of the fullest node than of the emptiest, as shares of each. */
static const struct limits imbalance = {0.4, 0.8};
/* Share of a node's pages that were allocated from elsewhere. */
static const struct limits remote = {0.2, 0.5};

/* What the links of the busiest socket carry, by what they can. */
static const struct limits busy = {0.8, 0.95};

static struct finding judge_balance(const struct numa_view *view)
{
    struct finding finding = finding_judge(view->imbalance, imbalance, "ratio", MEMINFO);
    finding_say(&finding, "%.1f %% of a node's memory more is taken than of another's",
                view->imbalance * 100);
    return finding;
}

static struct finding judge_remote(const struct numa_view *view, uint32_t node)
{
    if (isnan(view->remote[node]))
        return finding_unknown(NUMASTAT);
    struct finding finding = finding_judge(view->remote[node], remote, "ratio", NUMASTAT);
    finding_say(&finding, "%.1f %% of allocations that could be local went to node %" PRIu32,
                view->remote[node] * 100, node);
    return finding;
}

static struct finding judge_links(const struct numa_view *view)
{
    if (isnan(view->links))
        return finding_unknown(LINKS);
    struct finding finding = finding_judge(view->links, busy, "ratio", LINKS);
    finding_say(&finding, "%.1f %% of what a socket's links can carry is in use",
                view->links * 100);
    return finding;
}

struct finding numa_check_look(void *sensor)
{
    const struct numa_view *view = numa_sensor_view(sensor);
    struct finding finding = finding_unknown(MEMINFO);
    finding_say(&finding, "no node says what memory it has");
    if (view->nodes == 1) {
        finding.state = HEALTH_HEALTHY;
        finding_say(&finding, "all memory is of one node");
    }
    if (view->nodes < 2)
        return finding;
    finding = judge_balance(view);
    struct finding links = judge_links(view);
    finding_add(&finding, &links);
    for (uint32_t i = 0; i < NUMA_NODES_MOST; i++) {
        struct finding part = judge_remote(view, i);
        finding_add(&finding, &part);
    }
    return finding;
}
