/* SPDX-License-Identifier: MIT */
/* LTTng-UST's tracepoint; lttng.py starts this within a session and asks LTTng what it lost. */
#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#define LTTNG_UST_TRACEPOINT_DEFINE
#include "tests/bench/peers/lttng_event.h"

#include "tests/bench/peers/peer.h"

PEER_LOOP(emit, lttng_ust_tracepoint(engram_bench, event, (uint64_t)i, 1, 2, 3))

int main(void)
{
    static const struct peer_operation operations[] = {{"event-clock", emit, NULL, NULL}};
    return peer_serve(operations, 1);
}
