/* SPDX-License-Identifier: MIT */
/*
 * The few things the writer needs from libc and the kernel, under names of our
 * own.  A header must not ask its users for _GNU_SOURCE, and in strict C11 the
 * system headers hide most of this; declaring it again under its own name would
 * clash with them when they do not.
 */
#ifndef ENGRAM_LIBC_H
#define ENGRAM_LIBC_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct engram_limit { /* struct rlimit, 64 bit */
    uint64_t current;
    uint64_t most;
};

struct engram_timespec {
    long seconds; /* time_t is long on every 64-bit Linux */
    long nanoseconds;
};

struct engram_file_lock { /* struct flock, 64 bit */
    int16_t type;
    int16_t whence;
    int64_t start;
    int64_t length;
    int32_t pid;
};

extern int engram_libc_open(const char *path, int flags, ...) __asm__("open");
extern int engram_libc_close(int fd) __asm__("close");
extern ssize_t engram_libc_read(int fd, void *to, size_t size) __asm__("read");
extern ssize_t engram_libc_readlink(const char *path, char *to, size_t size) __asm__("readlink");
extern int engram_libc_ftruncate(int fd, int64_t size) __asm__("ftruncate");
extern int engram_libc_fchmod(int fd, unsigned mode) __asm__("fchmod");
extern int engram_libc_fcntl(int fd, int command, ...) __asm__("fcntl");
extern int engram_libc_unlink(const char *path) __asm__("unlink");
extern int engram_libc_linkat(int from_dir, const char *from, int to_dir, const char *to,
                              int flags) __asm__("linkat");
extern void *engram_libc_mmap(void *at, size_t size, int protection, int flags, int fd,
                              int64_t offset) __asm__("mmap");
extern int engram_libc_munlock(const void *at, size_t size) __asm__("munlock");
extern int engram_libc_mprotect(void *at, size_t size, int protection) __asm__("mprotect");
extern void *engram_libc_mremap(void *at, size_t size, size_t new_size, int flags,
                                ...) __asm__("mremap");
extern int engram_libc_munmap(void *at, size_t size) __asm__("munmap");
extern int engram_libc_madvise(void *at, size_t size, int advice) __asm__("madvise");
extern int engram_libc_clock_gettime(int clock,
                                     struct engram_timespec *to) __asm__("clock_gettime");
extern int engram_libc_getrlimit(int resource, struct engram_limit *to) __asm__("getrlimit");
extern int engram_libc_getpid(void) __asm__("getpid");
extern unsigned engram_libc_geteuid(void) __asm__("geteuid");
extern char *engram_libc_getenv(const char *name) __asm__("getenv");
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 29)
#define ENGRAM_HAVE_GETCPU 1 /* from the vDSO where there is one */
extern int engram_libc_getcpu(unsigned *cpu, unsigned *node) __asm__("getcpu");
#endif
extern long engram_libc_syscall(long number, ...) __asm__("syscall");
extern int *engram_libc_errno(void) __asm__("__errno_location");
extern char *engram_libc_program_name __asm__("program_invocation_short_name");

#ifdef __cplusplus
}
#endif

enum {
    ENGRAM_O_RDWR = 2,
    ENGRAM_O_NONBLOCK = 04000,
    ENGRAM_O_CLOEXEC = 02000000,
#if defined(__aarch64__) || defined(__arm__)
    ENGRAM_O_DIRECTORY = 040000,
    ENGRAM_O_NOFOLLOW = 0100000,
#else
    ENGRAM_O_DIRECTORY = 0200000,
    ENGRAM_O_NOFOLLOW = 0400000,
#endif
    ENGRAM_O_TMPFILE = 020000000 | ENGRAM_O_DIRECTORY,
    ENGRAM_AT_FDCWD = -100,
    ENGRAM_AT_SYMLINK_FOLLOW = 0x400,
    ENGRAM_PROT_NONE = 0,
    ENGRAM_PROT_READ_WRITE = 3,
    ENGRAM_MAP_SHARED = 0x01,
    ENGRAM_MAP_PRIVATE = 0x02,
    ENGRAM_MAP_FIXED = 0x10,
    ENGRAM_MAP_ANONYMOUS = 0x20,
    ENGRAM_MAP_NORESERVE = 0x4000,
    ENGRAM_MREMAP_MAYMOVE = 1,
    ENGRAM_MREMAP_FIXED = 2,
    ENGRAM_MADV_POPULATE_WRITE = 23,
    ENGRAM_RLIMIT_FSIZE = 1,
    ENGRAM_F_OFD_GETLK = 36,
    ENGRAM_F_OFD_SETLK = 37,
    ENGRAM_F_RDLCK = 0,
    ENGRAM_F_WRLCK = 1,
    ENGRAM_F_UNLCK = 2,
    ENGRAM_CLOCK_REALTIME = 0,
    ENGRAM_CLOCK_MONOTONIC = 1,
    ENGRAM_CLOCK_MONOTONIC_COARSE = 6,
    ENGRAM_MPOL_PREFERRED = 1,
    ENGRAM_PR_GET_TSC = 25,
    ENGRAM_PR_TSC_ENABLE = 1,
#if defined(__x86_64__)
    ENGRAM_SYS_getdents64 = 217,
    ENGRAM_SYS_prctl = 157,
    ENGRAM_SYS_mbind = 237,
    ENGRAM_SYS_getcpu = 309,
    ENGRAM_SYS_getrandom = 318,
    ENGRAM_SYS_statx = 332
#else /* the generic table: aarch64, riscv64, loongarch64 */
    ENGRAM_SYS_getdents64 = 61,
    ENGRAM_SYS_mbind = 235,
    ENGRAM_SYS_getcpu = 168,
    ENGRAM_SYS_getrandom = 278,
    ENGRAM_SYS_statx = 291
#endif
};

static inline uint64_t engram_clock(int clock)
{
    struct engram_timespec now = {0, 0};
    engram_libc_clock_gettime(clock, &now);
    return (uint64_t)now.seconds * UINT64_C(1000000000) + (uint64_t)now.nanoseconds;
}

/* Reads a whole small file; returns its length, with a NUL after it, or -1. */
static inline long engram_read_file(const char *path, char *to, size_t size)
{
    int fd = engram_libc_open(path, ENGRAM_O_CLOEXEC);
    if (fd < 0)
        return -1;
    size_t length = 0;
    while (length < size - 1) {
        ssize_t got = engram_libc_read(fd, to + length, size - 1 - length);
        if (got <= 0)
            break;
        length += (size_t)got;
    }
    engram_libc_close(fd);
    to[length] = 0;
    return (long)length;
}

#endif
