/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "daemon/base/small_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

bool small_file_read(const char *path, char *text, size_t room)
{
    size_t length = 0;
    ssize_t got = -1;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    while (file >= 0 && (got = read(file, text + length, room - 1 - length)) > 0)
        length += (size_t)got;
    int error = errno;
    if (file >= 0)
        close(file);
    text[got < 0 ? 0 : length] = 0;
    errno = error;
    return got >= 0;
}

void listing_start(struct listing *listing, int directory)
{
    listing->directory = directory;
    listing->length = 0;
    listing->at = 0;
}

const char *listing_next(struct listing *listing)
{
    errno = 0;
    if (listing->at >= (size_t)listing->length) {
        listing->at = 0;
        listing->length = getdents64(listing->directory, listing->room, sizeof listing->room);
        if (listing->length <= 0) {
            listing->length = 0;
            return NULL;
        }
    }
    const struct dirent64 *entry = (const void *)(listing->room + listing->at);
    listing->at += entry->d_reclen;
    return entry->d_name;
}
