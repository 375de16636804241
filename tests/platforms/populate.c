/* SPDX-License-Identifier: MIT */
/*
 * To be preloaded where qemu emulates the user mode alone: there madvise() does nothing and calls
 * it success, and a writer that asked for memory would leave a hole.  It writes to each page
 * instead.
 */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE 4096 /* the least there is: touching one twice does no harm */

int madvise(void *at, size_t size, int advice)
{
    if (advice != MADV_POPULATE_WRITE)
        return (int)syscall(SYS_madvise, at, size, advice);
    /* What is there stays, though others write to it meanwhile. */
    for (size_t i = 0; i < size; i += PAGE)
        __atomic_fetch_or((volatile char *)at + i, 0, __ATOMIC_RELAXED);
    return 0;
}
