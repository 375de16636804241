/* SPDX-License-Identifier: MIT */
/*
 * Commands to the daemon, which are never taken over HTTP: a socket in the file
 * system, of mode 0600, on which the kernel says who is at the other end.  Root and
 * the daemon's own user are heard.
 *
 * A command is a line: its name, and what follows the first blank.  Each is answered
 * by a line: "ok" or "error", and what follows the first blank is for people.
 */
#ifndef ENGRAMD_ADMIN_H
#define ENGRAMD_ADMIN_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>

#include "daemon/totals/forget_order.h"

#define ADMIN_LINE_MOST 512   /* bytes, with its end */
#define ADMIN_CLIENTS_MOST 8  /* at a time */
#define ADMIN_IDLE_SECONDS 30 /* without a command */

struct admin;

struct admin_options {
    struct event_base *base;
    struct forget_order *order;
    /* Reads again what can be; false with a sentence. */
    bool (*reload)(void *argument, char *error, size_t size);
    /* Learns anew what is usual. */
    void (*learn)(void *argument);
    void *argument;
};

/* Listens on a path.  NULL with a sentence that says what and what to do.  The options are
 * copied. */
struct admin *admin_new(const struct admin_options *options, const char *path, char *error,
                        size_t size);
void admin_free(struct admin *admin);

/* Whether somebody has commanded and has not been answered yet. */
bool admin_owes(const struct admin *admin);

enum admin_command { ADMIN_RELOAD, ADMIN_FORGET, ADMIN_LEARN, ADMIN_COMMANDS };

/* Takes a line apart, in place; NULL, or a sentence that says why it is none. */
const char *admin_parse(char *line, size_t length, enum admin_command *command,
                        const char **argument);

#endif
