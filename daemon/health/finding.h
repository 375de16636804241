/* SPDX-License-Identifier: MIT */
/*
 * What a look at one component of the machine or of the engine found.  Unknown is
 * not healthy: where there is no source, a check says so and why.
 */
#ifndef ENGRAMD_FINDING_H
#define ENGRAMD_FINDING_H

#include <stdbool.h>

/* The numbers are those of engram_health_status. */
enum health_state {
    HEALTH_UNKNOWN = -1,
    HEALTH_HEALTHY = 0,
    HEALTH_DEGRADED = 1,
    HEALTH_UNHEALTHY = 2,
};

/* One line for each: X(identifier, name), as labels and documents have it. */
#define HEALTH_COMPONENTS(X)                                                                       \
    X(MEMORY_PRESSURE, "memory_pressure")                                                          \
    X(CACHE_COHERENCE, "cache_coherence")                                                          \
    X(THREAD_POOL, "thread_pool")                                                                  \
    X(HNSW_INTEGRITY, "hnsw_integrity")                                                            \
    X(SIMD_CORRECTNESS, "simd_correctness")                                                        \
    X(NUMA_TOPOLOGY, "numa_topology")                                                              \
    X(HARDWARE_ERRORS, "hardware_errors")

#define HEALTH_COMPONENT_NUMBER(identifier, name) HEALTH_##identifier,
enum health_component { HEALTH_COMPONENTS(HEALTH_COMPONENT_NUMBER) HEALTH_COMPONENT_COUNT };

const char *health_component_name(enum health_component component);
const char *health_state_name(enum health_state state);

#define FINDING_REASON_SIZE 160

struct finding {
    enum health_state state;
    double value;       /* NAN if there is none */
    double threshold;   /* the limit that was crossed, or that comes first; NAN if none */
    const char *unit;   /* literals; "" if there is none */
    const char *source; /* what was read */
    char reason[FINDING_REASON_SIZE];
};

/* Limits of what is the worse the higher it is. */
struct limits {
    double degraded, unhealthy; /* INFINITY: never */
};

/* A finding about `value`, in state by the limits that it has reached. */
struct finding finding_judge(double value, struct limits limits, const char *unit,
                             const char *source);
struct finding finding_unknown(const char *source);

/* The sentence for people: what the value is of. */
__attribute__((format(printf, 2, 3))) void finding_say(struct finding *finding, const char *format,
                                                       ...);

/* Which of two should be looked at first: unhealthy, degraded, unknown, healthy. */
bool health_worse(enum health_state one, enum health_state other);

/*
 * Takes over what was found of another part of the same component if it is worse;
 * what is unknown of a part counts only as long as nothing is known of any.
 */
void finding_add(struct finding *finding, const struct finding *part);

#endif
