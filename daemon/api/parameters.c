/* SPDX-License-Identifier: MIT */
#include "daemon/api/parameters.h"
#include "daemon/http/query.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_LENGTH 32
#define DURATION_MOST 1000000000 /* of any unit: no sum of two overflows */

/* Which of the known ones it must be one of; 0 for a name that means nothing anywhere. */
static unsigned kind_of(const char *name)
{
    if (strcmp(name, "match") == 0 || strcmp(name, "label") == 0)
        return PARAMETER_MATCH;
    if (strcmp(name, "process") == 0)
        return PARAMETER_PROCESS;
    if (strcmp(name, "range") == 0)
        return PARAMETER_RANGE;
    if (strcmp(name, "step") == 0)
        return PARAMETER_STEP;
    return 0;
}

/* A duration as ms; 0 when it is none, or of no length. */
static uint64_t duration(const char *text)
{
    static const struct {
        const char *name;
        uint64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"", 1000}, {"m", 60000}, {"h", 3600000}};
    char *unit;
    unsigned long number = *text >= '0' && *text <= '9' ? strtoul(text, &unit, 10) : 0;
    for (size_t i = 0; number && number <= DURATION_MOST && i < sizeof units / sizeof units[0]; i++)
        if (strcmp(unit, units[i].name) == 0)
            return number * units[i].ms;
    return 0;
}

static const char *take_duration(uint64_t *to, const char *value)
{
    *to = duration(value);
    return *to ? NULL : "range and step are durations such as 500ms, 30s, 5m or 1h";
}

static const char *take(struct parameters *parameters, const char *name, const char *value,
                        unsigned known)
{
    const char *error = NULL;
    unsigned kind = kind_of(name);
    if (!(kind & known)) {
        snprintf(parameters->wrong, sizeof parameters->wrong, "there is no parameter \"%s\" here",
                 name);
        return parameters->wrong;
    }
    if (kind & (PARAMETER_RANGE | PARAMETER_STEP))
        return take_duration(kind == PARAMETER_RANGE ? &parameters->range_ms : &parameters->step_ms,
                             value);
    match_take(&parameters->match, name, value, &error);
    return error;
}

const char *parameters_read(struct parameters *parameters, const char *text, unsigned known)
{
    char name[NAME_MAX_LENGTH], value[MATCH_TEXT_MAX * 2];
    struct query query = query_of(text);
    const char *error = NULL;
    *parameters = (struct parameters){.match = MATCH_EVERYTHING};
    while (!error && query_next(&query, name, sizeof name, value, sizeof value))
        error = take(parameters, name, value, known);
    return error ? error : query.error;
}

void parameters_free(struct parameters *parameters)
{
    match_free(&parameters->match);
}
