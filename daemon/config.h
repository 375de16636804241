/* SPDX-License-Identifier: MIT */
/* What the daemon is told: defaults, then the configuration file, then the command line. */
#ifndef ENGRAMD_CONFIG_H
#define ENGRAMD_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONFIG_LIST_MAX 16

struct config_list {
    char *items[CONFIG_LIST_MAX + 1]; /* NULL-terminated */
    int count;
};

struct config {
    struct config_list listen;
    bool default_listen; /* listen was not given: sockets that are passed take its place */
    struct config_list region_dirs;
    struct config_list cors_origins;
    bool default_regions; /* region_dirs was not given: flat names are looked for too */
    char *state_dir;
    char *sysroot;
    char *web_config;    /* a file; NULL: whoever reaches an address may ask */
    char *admin_socket;  /* a path; NULL: the default, if there is a place for it */
    char *alert_command; /* a program's path; NULL: nothing is run */
    uint32_t tick_ms;
    double cpu_budget; /* of one core, for collecting */
    double
        cross_socket_capacity; /* of a socket's links one way, 10^9 bytes per second; 0: unknown */
    uint64_t forget_after;     /* s */
    uint32_t series_limit;     /* of one region */
    size_t history_memory;     /* bytes */
    bool once;
    bool check; /* only say what is wrong with the configuration */
};

enum config_result {
    CONFIG_RUN,   /* go on */
    CONFIG_DONE,  /* --help or --version was answered: exit 0 */
    CONFIG_WRONG, /* said on stderr what is wrong, where, and what to do: exit 2 */
};

/* Frees nothing when it is wrong; config_free() does in any case. */
enum config_result config_load(struct config *config, int argc, char **argv);
void config_free(struct config *config);

#endif
