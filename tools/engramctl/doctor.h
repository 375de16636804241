/* SPDX-License-Identifier: MIT */
/* What the parts of engramctl doctor share. */
#ifndef ENGRAMCTL_DOCTOR_H
#define ENGRAMCTL_DOCTOR_H

#include <json-c/json_object.h>

#include "daemon_facts.h"
#include "engramctl.h"

enum level { LEVEL_OK, LEVEL_WARNING, LEVEL_PROBLEM, LEVELS };

struct doctor {
    const struct options *options;
    bool standard;                /* nobody said so: it is the default */
    struct json_object *findings; /* NULL: lines are printed */
    unsigned count[LEVELS];
    bool answers; /* a daemon does, and these are good */
    struct daemon_facts facts;
    pid_t pid; /* of the daemon; 0 if it is not seen */
};

/* Tells what a check has found, a printf format, and what to do; no advice where all is well. */
void find(struct doctor *doctor, enum level level, const char *check, const char *advice,
          const char *format, ...) __attribute__((format(printf, 5, 6)));

/* The parts; the daemon's has to be first, since others ask who it is. */
void doctor_daemon(struct doctor *doctor);
void doctor_exposure(struct doctor *doctor);
void doctor_directory(struct doctor *doctor, const char *path);
void doctor_regions(struct doctor *doctor);
void doctor_host(struct doctor *doctor);

#endif
