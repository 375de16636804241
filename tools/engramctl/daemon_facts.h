/* SPDX-License-Identifier: MIT */
/* What a daemon says of itself, from the series engramd_* and process_* of its /metrics. */
#ifndef ENGRAMCTL_DAEMON_FACTS_H
#define ENGRAMCTL_DAEMON_FACTS_H

#include "http.h"

struct daemon_facts {
    char version[64], revision[64]; /* empty: it is no engramd */
    /* Not a number where the daemon does not say. */
    double alive, dead, quarantined; /* regions */
    double series, started;          /* Unix time, s */
};

/* False with a problem when there is no answer, or none of an engramd. */
bool daemon_facts_get(const char *address, struct daemon_facts *facts, struct http_answer *answer);

#endif
