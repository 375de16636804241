/* SPDX-License-Identifier: MIT */
/* A tracepoint whose payload is as large as one of our events; its time and kind come on top. */
#undef LTTNG_UST_TRACEPOINT_PROVIDER
#define LTTNG_UST_TRACEPOINT_PROVIDER engram_bench
#undef LTTNG_UST_TRACEPOINT_INCLUDE
#define LTTNG_UST_TRACEPOINT_INCLUDE "tests/bench/peers/lttng_event.h"

#if !defined(PEER_LTTNG_EVENT_H) || defined(LTTNG_UST_TRACEPOINT_HEADER_MULTI_READ)
#define PEER_LTTNG_EVENT_H

#include <lttng/tracepoint.h>
#include <stdint.h>

/* Fields are not separated by commas. */
/* clang-format off */
LTTNG_UST_TRACEPOINT_EVENT(
    engram_bench, event,
    LTTNG_UST_TP_ARGS(uint64_t, a, uint64_t, b, uint64_t, c, uint64_t, d),
    LTTNG_UST_TP_FIELDS(
        lttng_ust_field_integer(uint64_t, a, a)
        lttng_ust_field_integer(uint64_t, b, b)
        lttng_ust_field_integer(uint64_t, c, c)
        lttng_ust_field_integer(uint64_t, d, d)
    )
)
/* clang-format on */

#endif

#include <lttng/tracepoint-event.h>
