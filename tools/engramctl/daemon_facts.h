/* SPDX-License-Identifier: MIT */
/* What a daemon says of itself, from the series engramd_* and process_* of its /metrics. */
#ifndef ENGRAMCTL_DAEMON_FACTS_H
#define ENGRAMCTL_DAEMON_FACTS_H

#include "http.h"

#include <sys/types.h>

struct daemon_facts {
    char version[64], revision[64]; /* empty: it is no engramd */
    /* Not a number where the daemon does not say. */
    double alive, dead, quarantined; /* regions */
    double series;
    double started; /* Unix time, s */
    double state_writable;
    double open_files, most_files;
    unsigned events_counted, events_forbidden, events_missing; /* of the kernel and the PMU */
};

/* False with a problem when there is no answer, or none of an engramd. */
bool daemon_facts_get(const struct http_daemon *daemon, struct daemon_facts *facts,
                      struct http_answer *answer);

/* The daemon's process on this host, found by its name and start; 0 if it is none, or hidden. */
pid_t daemon_pid(const struct daemon_facts *facts);

#endif
