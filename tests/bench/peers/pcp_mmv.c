/* SPDX-License-Identifier: MIT */
/* PCP's memory-mapped values: a counter and an instant value in the file that its agent maps. */
#include "tests/bench/peers/peer.h"

#include <pcp/pmapi.h>
#include <pcp/mmv_stats.h>

#include <stdio.h>

static void *map;
static pmAtomValue *counter, *gauge;

PEER_LOOP(add, mmv_inc_value(map, counter, 1))
PEER_LOOP(set, mmv_set_value(map, gauge, PEER_VALUE(i)))

static uint64_t adds(void)
{
    return counter->ull;
}

/* The file is PCP_TMP_DIR/mmv/bench. */
static int start(void)
{
    const pmUnits count = MMV_UNITS(0, 0, 1, 0, 0, PM_COUNT_ONE),
                  none = MMV_UNITS(0, 0, 0, 0, 0, 0);
    mmv_registry_t *registry = mmv_stats_registry("bench", 1, 0);
    if (!registry)
        return -1;
    mmv_stats_add_metric(registry, "c", 1, MMV_TYPE_U64, MMV_SEM_COUNTER, count, 0, "c", "c");
    mmv_stats_add_metric(registry, "g", 2, MMV_TYPE_DOUBLE, MMV_SEM_INSTANT, none, 0, "g", "g");
    map = mmv_stats_start(registry);
    counter = map ? mmv_lookup_value_desc(map, "c", "") : NULL;
    gauge = map ? mmv_lookup_value_desc(map, "g", "") : NULL;
    return counter && gauge ? 0 : -1;
}

int main(void)
{
    static const struct peer_operation operations[] = {
        {"counter", add, adds, NULL},
        {"gauge", set, NULL, NULL},
    };
    if (start()) {
        fprintf(stderr, "PCP's mmv_stats_start: %s\n", pmErrStr(-oserror()));
        return 1;
    }
    return peer_serve(operations, sizeof operations / sizeof operations[0]);
}
