/* SPDX-License-Identifier: MIT */
/* Small files and directories read again and again, without a word of memory from the heap. */
#ifndef ENGRAMD_SMALL_FILE_H
#define ENGRAMD_SMALL_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Reads the first `room` - 1 bytes of a file and ends them by NUL; false with errno, and an empty
 * text, when it cannot be read. */
bool small_file_read(const char *path, char *text, size_t room);

/* A directory that is read; on the stack of who does. */
struct listing {
    int directory; /* the caller's */
    ssize_t length;
    size_t at;
    char room[4096] __attribute__((aligned(8)));
};

/* Starts with a directory that was just opened. */
void listing_start(struct listing *listing, int directory);

/* The next name, "." and ".." among them, valid until the next call; NULL at the end with errno 0,
 * or with what went wrong. */
const char *listing_next(struct listing *listing);

#endif
