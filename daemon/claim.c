/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "daemon/claim.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME ".engramd" /* hidden, so it is no region */

/* A file that only this user can open, and so lock; one that somebody else has put there goes, if
 * the directory is ours. */
static int open_own(int directory)
{
    struct stat status;
    for (int i = 0; i < 2; i++) {
        int fd =
            openat(directory, NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
        if (fd >= 0 && fstat(fd, &status) == 0 && status.st_uid == geteuid() &&
            S_ISREG(status.st_mode))
            return fd;
        if (fd >= 0)
            close(fd);
        unlinkat(directory, NAME, 0);
    }
    return -1;
}

bool claim_directory(const char *path)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int fd = directory < 0 ? -1 : open_own(directory);
    if (directory >= 0)
        close(directory);
    if (fd < 0 || fcntl(fd, F_OFD_SETLK, &whole) == 0)
        return true; /* the lock goes with the descriptor, at the end of the process */
    bool taken = errno == EAGAIN || errno == EACCES;
    close(fd);
    return !taken;
}
