/* SPDX-License-Identifier: MIT */
/* What a request for a document asks for, checked: nothing that it says is passed over. */
#ifndef ENGRAMD_PARAMETERS_H
#define ENGRAMD_PARAMETERS_H

#include "daemon/snapshot/match.h"

struct parameters {
    struct match match;
    uint64_t range_ms, step_ms; /* 0: not given */
    char wrong[96];             /* room for a phrase */
};

/* Which are known to a document. */
enum {
    PARAMETER_MATCH = 1, /* match and label */
    PARAMETER_PROCESS = 2,
    PARAMETER_RANGE = 4, /* durations: 500ms, 30s, 5m, 1h; a number alone is of seconds */
    PARAMETER_STEP = 8,
};

/* Reads a query.  NULL, or a phrase that says what is wrong, which lasts as long as they do. */
const char *parameters_read(struct parameters *parameters, const char *query, unsigned known);
void parameters_free(struct parameters *parameters);

#endif
