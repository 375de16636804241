/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "daemon/machine/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

bool source_init(struct machine_source *source, const char *sysroot, const char *path, ...)
{
    char *below = NULL;
    va_list arguments;
    *source = (struct machine_source){.file = -1};
    va_start(arguments, path);
    int length = vasprintf(&below, path, arguments);
    va_end(arguments);
    if (length < 0)
        return false;
    if (asprintf(&source->path, "%s%s", strcmp(sysroot, "/") == 0 ? "" : sysroot, below) < 0)
        source->path = NULL;
    free(below);
    return source->path;
}

static void close_file(struct machine_source *source)
{
    if (source->file >= 0)
        close(source->file);
    source->file = -1;
}

void source_close(struct machine_source *source)
{
    close_file(source);
    free(source->path);
    source->path = NULL;
}

enum source_reason source_reason_of(int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
    case ENODEV: /* an open file of /sys whose object is gone */
    case ENXIO:
    case ESRCH: /* an open file of /proc whose process is gone */
        return SOURCE_NOT_FOUND;
    case EACCES:
    case EPERM:
        return SOURCE_PERMISSION;
    case EOPNOTSUPP:
    case EINVAL: /* /proc/PID/numa_maps and others of a kernel thread */
        return SOURCE_UNSUPPORTED;
    case EMFILE:
    case ENFILE:
        return SOURCE_NO_DESCRIPTORS;
    default:
        return SOURCE_UNREADABLE;
    }
}

const char *source_word(enum source_reason reason)
{
    static const char *const words[SOURCE_REASONS] = {
        "", "not_found", "permission", "unsupported", "no_descriptors", "unreadable"};
    return words[reason];
}

/* A descriptor goes on showing a file that was removed or replaced where files are no kernel's. */
static bool is_gone(int file)
{
    struct stat status;
    return fstat(file, &status) != 0 || status.st_nlink == 0;
}

static bool open_file(struct machine_source *source)
{
    if (source->file >= 0 && is_gone(source->file))
        close_file(source);
    if (source->file < 0 && source->path)
        source->file = open(source->path, O_RDONLY | O_CLOEXEC);
    else if (!source->path)
        errno = ENOMEM;
    return source->file >= 0;
}

/* The kernel gives about a page at a time; the end is where it gives nothing.  The bytes that were
 * read, or -1 with errno. */
static ssize_t read_all(int file, char *text, size_t room)
{
    size_t length = 0;
    while (length < room) {
        ssize_t got = pread(file, text + length, room - length, (off_t)length);
        if (got < 0 && errno != EINTR)
            return -1;
        if (got == 0)
            break;
        length += got > 0 ? (size_t)got : 0;
    }
    return (ssize_t)length;
}

static void end_text(char *text, size_t length, size_t room)
{
    text[length] = 0;
    if (length < room - 1)
        return;
    char *last = memrchr(text, '\n', length);
    if (last)
        last[1] = 0;
    else
        text[0] = 0;
}

bool source_read(struct machine_source *source, char *text, size_t room)
{
    ssize_t length = -1;
    bool fresh = source->file < 0;
    text[0] = 0;
    if (open_file(source))
        length = read_all(source->file, text, room - 1);
    if (length < 0 && !fresh) { /* it may have come back since it was opened */
        close_file(source);
        if (open_file(source))
            length = read_all(source->file, text, room - 1);
    }
    source->reason = length < 0 ? source_reason_of(errno) : SOURCE_GOOD;
    if (length < 0)
        close_file(source);
    end_text(text, length < 0 ? 0 : (size_t)length, room);
    return length >= 0;
}
