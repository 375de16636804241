/* SPDX-License-Identifier: MIT */
#include "daemon/parameters.h"
#include "daemon/query.h"

#include <stdio.h>
#include <string.h>

#define NAME_MAX_LENGTH 32

/* Which of the known ones it must be one of; 0 for a name that means nothing anywhere. */
static unsigned kind_of(const char *name)
{
    if (strcmp(name, "match") == 0 || strcmp(name, "label") == 0)
        return PARAMETER_MATCH;
    if (strcmp(name, "process") == 0)
        return PARAMETER_PROCESS;
    return 0;
}

static const char *take(struct parameters *parameters, const char *name, const char *value,
                        unsigned known)
{
    const char *error = NULL;
    if (!(kind_of(name) & known)) {
        snprintf(parameters->wrong, sizeof parameters->wrong, "there is no parameter \"%s\" here",
                 name);
        return parameters->wrong;
    }
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
