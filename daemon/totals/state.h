/* SPDX-License-Identifier: MIT */
/*
 * The state directory: a lock that keeps a second daemon out, and one file,
 * which is replaced whole: written aside, synced, renamed, the directory synced.
 * Whatever instruction the daemon is killed at, the old file or the new one is
 * there.
 *
 * Writing has a thread of its own, since a disk may take its time, and nothing
 * here waits for it.
 */
#ifndef ENGRAMD_STATE_H
#define ENGRAMD_STATE_H

#include <stdint.h>

#include "daemon/base/buffer.h"

#define STATE_SIZE_MOST ((size_t)1 << 30) /* bytes; a larger file is neither written nor read */

struct state;

enum state_open_result {
    STATE_OPEN,
    STATE_TAKEN,      /* another daemon has the lock */
    STATE_UNWRITABLE, /* with errno */
};

/* Makes the directory if it is not there, and takes the lock.  Free with state_close(). */
enum state_open_result state_open(const char *directory, struct state **state);
void state_close(struct state *state);

/* Reads the file whole; false, with errno, when it cannot be: ENOENT if there is none. */
bool state_read(const char *directory, struct buffer *bytes);

/* A number that is another one once the file was replaced; 0 when there is none. */
uint64_t state_generation(const char *directory);

/* Puts the file aside under a name of its own, where it stays until the next one is. */
void state_set_aside(const struct state *state);

/* Hands bytes over to be written, which leaves `bytes` empty.  Not while others are being written.
 */
void state_write(struct state *state, struct buffer *bytes);

enum state_progress { STATE_IDLE, STATE_WRITING, STATE_WRITTEN, STATE_FAILED };

/* How the write goes; that it has ended is told once.  *error is an errno when it failed. */
enum state_progress state_progress(struct state *state, int *error);

/* A descriptor that becomes readable when a write ends. */
int state_ended_fd(const struct state *state);

#endif
