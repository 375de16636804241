/* SPDX-License-Identifier: MIT */
/* What the subcommands of engramctl share. */
#ifndef ENGRAMCTL_H
#define ENGRAMCTL_H

#include <stdbool.h>
#include <stdio.h>

#include "http.h"
#include "shmlib/reader.h"

/* Exit codes that scripts can use: engramctl(1) documents them. */
enum { EXIT_FINE = 0, EXIT_WRONG = 1, EXIT_USAGE = 2 };

#define DEFAULT_DIRECTORY "/dev/shm/engram/regions"

/* One that is passed on to the daemon: a parameter of /stream. */
struct filter {
    const char *name, *value;
};

struct options {
    const char *directories[16]; /* NULL-terminated; never empty */
    bool directories_given;
    struct http_daemon daemon;
    bool address_given;
    const char *admin_socket; /* of a daemon, a path */
    bool json;
    const char *word;      /* behind the command; NULL if there is none */
    const char *state_dir; /* doctor's; NULL: the default */
    struct filter filters[32];
    int filter_count;
    bool fast; /* replay's */
    bool svg;  /* topology's */
};

int command_status(const struct options *options);
int command_dump(const struct options *options);
int command_processes(const struct options *options);
int command_health(const struct options *options);
int command_alerts(const struct options *options);
int command_topology(const struct options *options);
int command_watch(const struct options *options);
int command_events(const struct options *options);
int command_record(const struct options *options);
int command_replay(const struct options *options);
int command_metrics(const struct options *options);
int command_doctor(const struct options *options);
int command_reload(const struct options *options);
int command_forget(const struct options *options);
int command_learn(const struct options *options);

/* Calls visit for each region file of all directories; `reader` is NULL with the rejection when
 * the file cannot be read.  Returns how many directories could not be read, each said aloud. */
typedef void region_visit(void *argument, const char *path, struct reader *reader,
                          enum rejection rejection);
int regions_each(const struct options *options, region_visit *visit, void *argument);

#endif
