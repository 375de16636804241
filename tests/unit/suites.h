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
    X(alerting)                                                                                    \
    X(api)                                                                                         \
    X(attach)                                                                                      \
    X(auth)                                                                                        \
    X(bandwidth)                                                                                   \
    X(bodies)                                                                                      \
    X(boxes)                                                                                       \
    X(bucket)                                                                                      \
    X(cache_check)                                                                                 \
    X(canary)                                                                                      \
    X(checks)                                                                                      \
    X(command)                                                                                     \
    X(config)                                                                                      \
    X(continuity)                                                                                  \
    X(cors)                                                                                        \
    X(cpus)                                                                                        \
    X(demo_audit)                                                                                  \
    X(demo)                                                                                        \
    X(demo_parts)                                                                                  \
    X(derived)                                                                                     \
    X(discovery)                                                                                   \
    X(events)                                                                                      \
    X(exposition)                                                                                  \
    X(feed)                                                                                        \
    X(fields)                                                                                      \
    X(figures)                                                                                     \
    X(forget_order)                                                                                \
    X(golden)                                                                                      \
    X(gzip)                                                                                        \
    X(health)                                                                                      \
    X(history)                                                                                     \
    X(host)                                                                                        \
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
    X(model)                                                                                       \
    X(numa)                                                                                        \
    X(pace)                                                                                        \
    X(peers)                                                                                       \
    X(plan)                                                                                        \
    X(pmu)                                                                                         \
    X(pmu_sensor)                                                                                  \
    X(pressure_sensor)                                                                             \
    X(process_sensor)                                                                              \
    X(process_stat)                                                                                \
    X(processes)                                                                                   \
    X(protobuf)                                                                                    \
    X(quantile)                                                                                    \
    X(query)                                                                                       \
    X(rate)                                                                                        \
    X(reader)                                                                                      \
    X(regression)                                                                                  \
    X(resctrl)                                                                                     \
    X(small_file)                                                                                  \
    X(shape)                                                                                       \
    X(snapshot)                                                                                    \
    X(source)                                                                                      \
    X(spares)                                                                                      \
    X(sse)                                                                                         \
    X(state)                                                                                       \
    X(stream)                                                                                      \
    X(stretch)                                                                                     \
    X(sum)                                                                                         \
    X(sysfs)                                                                                       \
    X(terminal)                                                                                    \
    X(ticks)                                                                                       \
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
