/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_SUITES_H
#define TESTS_UNIT_SUITES_H

#include <check.h>

#define RESERVED_FDS 2 /* from 3 on nothing is there but what a test of activation puts there */

/* One line for each; the list declares and runs them. */
#define SUITES(X)                                                                                  \
    X(accept)                                                                                      \
    X(activation)                                                                                  \
    X(admin)                                                                                       \
    X(api)                                                                                         \
    X(attach)                                                                                      \
    X(auth)                                                                                        \
    X(bodies)                                                                                      \
    X(bucket)                                                                                      \
    X(config)                                                                                      \
    X(continuity)                                                                                  \
    X(cors)                                                                                        \
    X(demo)                                                                                        \
    X(demo_parts)                                                                                  \
    X(derived)                                                                                     \
    X(discovery)                                                                                   \
    X(events)                                                                                      \
    X(exposition)                                                                                  \
    X(feed)                                                                                        \
    X(forget_order)                                                                                \
    X(golden)                                                                                      \
    X(history)                                                                                     \
    X(http)                                                                                        \
    X(http_admission)                                                                              \
    X(http_listen)                                                                                 \
    X(http_request)                                                                                \
    X(http_stream)                                                                                 \
    X(json)                                                                                        \
    X(log)                                                                                         \
    X(match)                                                                                       \
    X(notify)                                                                                      \
    X(number)                                                                                      \
    X(pace)                                                                                        \
    X(peers)                                                                                       \
    X(plan)                                                                                        \
    X(processes)                                                                                   \
    X(quantile)                                                                                    \
    X(query)                                                                                       \
    X(reader)                                                                                      \
    X(snapshot)                                                                                    \
    X(sse)                                                                                         \
    X(state)                                                                                       \
    X(stream)                                                                                      \
    X(stretch)                                                                                     \
    X(tls)                                                                                         \
    X(stream_clients)                                                                              \
    X(topology)                                                                                    \
    X(totals)                                                                                      \
    X(users)                                                                                       \
    X(web)                                                                                         \
    X(web_access)                                                                                  \
    X(web_config)                                                                                  \
    X(writer)

#define DECLARE_SUITE(name) Suite *name##_suite(void);
SUITES(DECLARE_SUITE)

#endif
