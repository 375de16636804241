/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "daemon/regions/claim.h"
#include "daemon/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME ".engramd" /* hidden, so it is no region */

/* Somebody else's directory with something in it: who may remove what lies here may move it.  By a
 * name that nobody can have taken before. */
static void move_away(int directory)
{
    uint64_t number = 0;
    char name[sizeof NAME "-0123456789abcdef"];
    if (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number)
        return;
    snprintf(name, sizeof name, NAME "-%016llx", (unsigned long long)number);
    if (renameat(directory, NAME, directory, name) == 0)
        log_event(LOG_LEVEL_WARNING, "a directory lay in the way of " NAME " and is moved aside",
                  "name=%s advice=%s", name, "remove it");
}

/* A file that only this user can open, and so lock; what somebody else has put there goes, if the
 * directory is ours. */
static int open_own(int directory)
{
    struct stat status;
    for (int i = 0; i < 2; i++) {
        int fd =
            openat(directory, NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
        if (fd >= 0 && fstat(fd, &status) == 0 && status.st_uid == geteuid() &&
            S_ISREG(status.st_mode))
            return fd;
        int error = fd < 0 ? errno : EEXIST;
        if (fd >= 0)
            close(fd);
        if (unlinkat(directory, NAME, 0) && errno == EISDIR &&
            unlinkat(directory, NAME, AT_REMOVEDIR))
            move_away(directory);
        errno = error;
    }
    return -1;
}

/* Whether no file of ours could be made because none may be, and nothing is there. */
static bool is_nobodys(int directory)
{
    struct stat status;
    int error = errno;
    bool none = (error == EACCES || error == EROFS) &&
                fstatat(directory, NAME, &status, AT_SYMLINK_NOFOLLOW) && errno == ENOENT;
    errno = error;
    return none;
}

/* *fd is the lock, or -1. */
static enum claim claim_one(const char *path, int *fd)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum claim claim = CLAIM_HELD;
    *fd = directory < 0 ? -1 : open_own(directory);
    if (*fd < 0 && directory >= 0 && !is_nobodys(directory))
        claim = CLAIM_BLOCKED;
    else if (*fd >= 0 && fcntl(*fd, F_OFD_SETLK, &whole))
        claim = errno == EAGAIN || errno == EACCES ? CLAIM_TAKEN : CLAIM_BLOCKED;
    int error = errno;
    if (directory >= 0)
        close(directory);
    errno = error;
    return claim;
}

enum claim claim_directories(char *const *paths, int count, int *which)
{
    int *locks = calloc((size_t)count + 1, sizeof *locks), claimed = 0;
    enum claim claim = locks ? CLAIM_HELD : CLAIM_BLOCKED;
    *which = 0;
    while (claim == CLAIM_HELD && claimed < count) {
        *which = claimed;
        claim = claim_one(paths[claimed], &locks[claimed]);
        claimed++;
    }
    int error = errno;
    for (int i = 0; claim != CLAIM_HELD && i < claimed; i++)
        if (locks[i] >= 0)
            close(locks[i]);
    free(locks); /* those that are held go with the process */
    errno = error;
    return claim;
}
