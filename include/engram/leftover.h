/* SPDX-License-Identifier: MIT */
/*
 * What ended processes have left where no daemon takes it over: kept in case one
 * comes, but not without end.  A process that attaches removes the oldest of what
 * its own user has left, some at a time; a daemon that has found them keeps them.
 */
#ifndef ENGRAM_LEFTOVER_H
#define ENGRAM_LEFTOVER_H

#include <engram/region.h>

#define ENGRAM_LEFT_FILES 256u
#define ENGRAM_LEFT_BYTES (UINT64_C(128) << 20)
#define ENGRAM_LEFT_READS 128 /* of some 20 names: others may have made any number of them */
#define ENGRAM_LEFT_AT_ONCE 8 /* or attaching would take long */

struct engram_leftovers {
    uint32_t files;
    uint64_t bytes;
    uint64_t oldest; /* when its name was made, ns */
    char path[ENGRAM_PATH_MAX];
};

/* Whether a name is PROCESS.NONCE, after the prefix. */
static inline int engram_is_region_name(const char *name, const char *prefix)
{
    size_t length = strlen(name), skipped = strlen(prefix);
    return name[0] != '.' && strncmp(name, prefix, skipped) == 0 && length > skipped + 33 &&
           name[length - 33] == '.' && strspn(name + length - 32, "0123456789abcdef") == 32;
}

/* Whether nobody writes to a region any more; one that cannot be asked is alive. */
static inline int engram_is_dead(const char *path)
{
    struct engram_file_lock lock;
    memset(&lock, 0, sizeof lock);
    lock.type = ENGRAM_F_RDLCK;
    int fd = engram_libc_open(path, ENGRAM_O_CLOEXEC | ENGRAM_O_NOFOLLOW | ENGRAM_O_NONBLOCK);
    if (fd < 0)
        return 0;
    int dead = engram_libc_fcntl(fd, ENGRAM_F_OFD_GETLK, &lock) == 0 && lock.type == ENGRAM_F_UNLCK;
    engram_libc_close(fd);
    return dead;
}

/* Counts a file of our own; if asked to look closely, only one that nobody writes to. */
static inline void engram_leftover(struct engram_leftovers *left, const char *path, int closely)
{
    struct engram_file_status status;
    memset(&status, 0, sizeof status);
    if (!engram_stat(path, &status) || status.user != engram_libc_geteuid() ||
        (status.mode & 0170000) != 0100000 || (closely && !engram_is_dead(path)))
        return;
    uint64_t changed = status.changed_seconds * UINT64_C(1000000000) + status.changed_nanoseconds;
    left->files++;
    left->bytes += status.blocks * 512;
    if (left->files == 1 || changed < left->oldest) {
        left->oldest = changed;
        left->path[0] = 0;
        engram_path_add(left->path, path, strlen(path));
    }
}

static inline void engram_leftovers_in(struct engram_leftovers *left, const char *entries,
                                       size_t size, const char *directory, const char *prefix,
                                       int closely)
{
    for (size_t at = 0; at < size;) {
        uint16_t length; /* struct linux_dirent64: u64, s64, u16 length, u8 type, name */
        const char *name = entries + at + 19;
        char path[ENGRAM_PATH_MAX] = "";
        memcpy(&length, entries + at + 16, sizeof length);
        at += length;
        if (engram_is_region_name(name, prefix + 1) &&
            engram_path_add(path, directory, strlen(directory)) && engram_path_add(path, "/", 1) &&
            engram_path_add(path, name, strlen(name)))
            engram_leftover(left, path, closely);
    }
}

/* Whether there is too much; the oldest is named. */
static inline int engram_look_for_leftovers(struct engram_leftovers *left, const char *directory,
                                            const char *prefix, int closely)
{
    char entries[2048] __attribute__((aligned(8)));
    long size;
    int fd = engram_libc_open(directory, ENGRAM_O_CLOEXEC | ENGRAM_O_DIRECTORY);
    memset(left, 0, sizeof *left);
    if (fd < 0)
        return 0;
    for (int i = 0;
         i < ENGRAM_LEFT_READS &&
         (size = engram_libc_syscall(ENGRAM_SYS_getdents64, fd, entries, sizeof entries)) > 0;
         i++)
        engram_leftovers_in(left, entries, (size_t)size, directory, prefix, closely);
    engram_libc_close(fd);
    return left->files > ENGRAM_LEFT_FILES || left->bytes > ENGRAM_LEFT_BYTES;
}

/* `prefix` as of engram_directory(). */
static inline void engram_remove_leftovers(const char *directory, const char *prefix)
{
    struct engram_leftovers left;
    if (!engram_look_for_leftovers(&left, directory, prefix, 0))
        return; /* counting the living, too: nearly always */
    for (int i = 0; i < ENGRAM_LEFT_AT_ONCE; i++) {
        if (!engram_look_for_leftovers(&left, directory, prefix, 1) ||
            engram_libc_unlink(left.path))
            return;
    }
}

#endif
