/* SPDX-License-Identifier: MIT */
#include "daemon/health/finding.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#define COMPONENT_NAME(identifier, name) name,

const char *health_component_name(enum health_component component)
{
    static const char *const names[] = {HEALTH_COMPONENTS(COMPONENT_NAME)};
    return names[component];
}

const char *health_state_name(enum health_state state)
{
    switch (state) {
    case HEALTH_HEALTHY:
        return "healthy";
    case HEALTH_DEGRADED:
        return "degraded";
    case HEALTH_UNHEALTHY:
        return "unhealthy";
    case HEALTH_UNKNOWN:
        break;
    }
    return "unknown";
}

struct finding finding_judge(double value, struct limits limits, const char *unit,
                             const char *source)
{
    struct finding finding = {.state = HEALTH_HEALTHY,
                              .value = value,
                              .threshold =
                                  isinf(limits.degraded) ? limits.unhealthy : limits.degraded,
                              .unit = unit,
                              .source = source};
    if (value >= limits.degraded)
        finding.state = HEALTH_DEGRADED;
    if (value >= limits.unhealthy) {
        finding.state = HEALTH_UNHEALTHY;
        finding.threshold = limits.unhealthy;
    }
    return finding;
}

struct finding finding_unknown(const char *source)
{
    return (struct finding){
        .state = HEALTH_UNKNOWN, .value = NAN, .threshold = NAN, .unit = "", .source = source};
}

void finding_say(struct finding *finding, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(finding->reason, sizeof finding->reason, format, arguments);
    va_end(arguments);
}

static int urgency(enum health_state state)
{
    switch (state) {
    case HEALTH_UNHEALTHY:
        return 3;
    case HEALTH_DEGRADED:
        return 2;
    case HEALTH_UNKNOWN:
        return 1;
    case HEALTH_HEALTHY:
        break;
    }
    return 0;
}

bool health_worse(enum health_state one, enum health_state other)
{
    return urgency(one) > urgency(other);
}

void finding_add(struct finding *finding, const struct finding *part)
{
    if (part->state == HEALTH_UNKNOWN)
        return;
    if (finding->state == HEALTH_UNKNOWN || health_worse(part->state, finding->state))
        *finding = *part;
}
