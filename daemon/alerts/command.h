/* SPDX-License-Identifier: MIT */
/*
 * Runs a command of the operator's when an alert begins to fire and when it has ended: one at a
 * time, each for so long at most, and so many waiting; whatever comes beyond is dropped.
 */
#ifndef ENGRAMD_COMMAND_H
#define ENGRAMD_COMMAND_H

#include "daemon/alerts/alerting.h"

#define COMMAND_WAITING 64
#define COMMAND_TIMEOUT_MS 10000

enum command_result { COMMAND_OK, COMMAND_FAILED, COMMAND_TIMED_OUT, COMMAND_DROPPED };

/* Told how one ended; by another thread than who told of the alert, or by that if it is dropped. */
typedef void command_ended(void *argument, enum command_result result);

struct command;

/* Starts the thread that runs it.  NULL, with errno, when there is no memory or thread. */
struct command *command_new(const char *path, uint32_t timeout_ms, command_ended *ended,
                            void *argument);

/* Kills what runs, with all that it has started; what waits is dropped without a word. */
void command_free(struct command *command);

/* As alerting_told has it.  Never waits. */
void command_tell(struct command *command, uint32_t number, enum alert_state before,
                  enum alert_state now);

#endif
