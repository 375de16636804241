/* SPDX-License-Identifier: MIT */
/*
 * A file that the kernel writes anew for each reader, below the daemon's root: opened once and read
 * again and again, opened again when that fails, so that what goes with a CPU or a node and comes
 * back with it is found.  Why it cannot be read is a word of a closed list, fit for a label.
 *
 * One thread at a time.  A file that hangs makes its reader hang, which sensors.h expects.
 */
#ifndef ENGRAMD_SOURCE_H
#define ENGRAMD_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

enum source_reason {
    SOURCE_GOOD,           /* it was read when it was last tried, or never tried yet */
    SOURCE_NOT_FOUND,      /* this kernel or machine does not have it */
    SOURCE_PERMISSION,     /* this user may not read it */
    SOURCE_UNSUPPORTED,    /* it is there and the kernel says that it has nothing to tell */
    SOURCE_NO_DESCRIPTORS, /* this process or host has no more of them */
    SOURCE_UNREADABLE,     /* anything else */
    SOURCE_REASONS
};

struct machine_source {
    char *path; /* NULL: there was no memory, and nothing is read */
    int file;   /* -1: not open */
    enum source_reason reason;
};

/* `path` is printed like printf() does, begins with a slash, and is taken below `sysroot`.  Opens
 * nothing yet.  False when there is no memory: it may be read and closed all the same. */
__attribute__((format(printf, 3, 4))) bool source_init(struct machine_source *source,
                                                       const char *sysroot, const char *path, ...);
void source_close(struct machine_source *source);

/*
 * The file as it is now, NUL-terminated, of which as many whole lines are given as `room` bytes
 * hold; false, with a reason, when it cannot be read, and then the text is empty.
 */
bool source_read(struct machine_source *source, char *text, size_t room);

/* The word for a reason: "not_found", "permission", ...; "" for SOURCE_GOOD. */
const char *source_word(enum source_reason reason);

/* The reason that an errno of open() or read() stands for, never SOURCE_GOOD. */
enum source_reason source_reason_of(int error);

#endif
