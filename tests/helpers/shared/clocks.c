/* SPDX-License-Identifier: MIT */
/*
 * Clocks that jump, for a program that this is preloaded into: the file $CLOCKS holds by how many
 * seconds the wall clock (CLOCK_REALTIME) and the one that goes on while the machine sleeps
 * (CLOCK_BOOTTIME) are ahead.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *ahead;

__attribute__((constructor)) static void open_clocks(void)
{
    const char *path = getenv("CLOCKS");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *map = fd < 0 ? MAP_FAILED : mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED)
        abort();
    ahead = map;
    close(fd);
}

int clock_gettime(clockid_t clock, struct timespec *to)
{
    int result = (int)syscall(SYS_clock_gettime, clock, to);
    if (result == 0 && ahead && (clock == CLOCK_REALTIME || clock == CLOCK_BOOTTIME))
        to->tv_sec += ahead[clock == CLOCK_BOOTTIME];
    return result;
}
