/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "shmlib/facts.h"

#include <fcntl.h>
#include <sys/stat.h>

static uint64_t nanoseconds(struct statx_timestamp time)
{
    return (uint64_t)time.tv_sec * UINT64_C(1000000000) + time.tv_nsec;
}

bool facts_of(int dir, const char *name, struct facts *facts)
{
    struct statx status;
    if (statx(dir, name, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME,
              &status))
        return false;
    uint64_t changed = nanoseconds(status.stx_ctime);
    /* Before Linux 6.0 a tmpfs does not know when a file was made. */
    *facts = (struct facts){
        .owner = status.stx_uid,
        .mode = status.stx_mode,
        .inode = status.stx_ino,
        .size = status.stx_size,
        .made = status.stx_mask & STATX_BTIME ? nanoseconds(status.stx_btime) : changed,
        .changed = changed,
    };
    return true;
}
