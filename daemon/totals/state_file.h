/* SPDX-License-Identifier: MIT */
/*
 * Totals as the bytes of a file, and back.  Pure: state.h does the disk.
 *
 *     header | nonces of folded regions | known names | totals | checksum
 *
 * A known name is {u64 time, u64 since, u32 owner, u32 length, name}.  A total is {u32 index of
 * its name, u32 rows, descriptor, rows x words}.  Native byte order: a state lives no longer
 * than the boot that it was written in.  Magic, version and checksum are the same in all versions.
 */
#ifndef ENGRAMD_STATE_FILE_H
#define ENGRAMD_STATE_FILE_H

#include "daemon/base/buffer.h"
#include "daemon/totals/totals.h"

enum state_result {
    STATE_GOOD,
    STATE_OTHER_BOOT,    /* well formed, but of another boot */
    STATE_OTHER_VERSION, /* whole, but of another version of the file */
    STATE_CORRUPT,
    STATE_NO_MEMORY,
};

/* Appends the whole file; `out` has failed when there is no memory. */
void state_encode(struct buffer *out, const struct totals *totals, const uint8_t boot_id[16]);

/* Reads a whole file into totals with rows for so many nodes; values of further nodes are added to
 * the first. */
enum state_result state_decode(const char *bytes, size_t length, const uint8_t boot_id[16],
                               uint32_t nodes, struct totals **totals);

/* The version of a file that is whole, 0 of what is none; and the one that is written. */
uint32_t state_version(const char *bytes, size_t length);
#define STATE_VERSION 2u

#endif
