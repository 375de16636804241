/* SPDX-License-Identifier: MIT */
/* What the kernel knows of a file, as far as it tells regions apart. */
#ifndef ENGRAM_SHMLIB_FACTS_H
#define ENGRAM_SHMLIB_FACTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct facts {
    uid_t owner;
    mode_t mode;
    ino_t inode;
    uint64_t size;
    uint64_t made;    /* CLOCK_REALTIME, ns; no user can set it, and nothing moves it */
    uint64_t changed; /* the same of its status, which growing moves, too */
};

/* Of a name in a directory, which is not followed; of `dir` itself if the name is "".  False with
 * errno. */
bool facts_of(int dir, const char *name, struct facts *facts);

#endif
