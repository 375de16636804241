/* SPDX-License-Identifier: MIT */
/*
 * Counts what a program that this is preloaded into allocates, from the heap or as mappings, by the
 * names of its threads: the file $ALLOCATIONS has a record of 32 bytes for each name.  And the
 * first so many as its first word says are told on standard error, with where they were called
 * from.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FRAMES 12
#define NAMES 63

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static struct said {
    int64_t to_tell;
    int64_t room[3];
    struct {
        char name[16];
        uint64_t made;
        uint64_t room;
    } names[NAMES];
} nothing, *said = &nothing;
_Static_assert(sizeof nothing == (NAMES + 1) * 32, "as the tests read it");

__attribute__((constructor)) static void open_counts(void)
{
    void *frames[FRAMES];
    const char *path = getenv("ALLOCATIONS");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    backtrace(frames, FRAMES); /* which allocates the first time */
    void *map =
        (void *)syscall(SYS_mmap, NULL, sizeof *said, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED)
        abort();
    said = map;
    close(fd);
}

static void tell(const char *name)
{
    void *frames[FRAMES];
    if (write(STDERR_FILENO, name, strlen(name)) > 0 && write(STDERR_FILENO, "\n", 1) > 0)
        backtrace_symbols_fd(frames, backtrace(frames, FRAMES), STDERR_FILENO);
}

static void book(const char *name)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    int i = 0;
    pthread_mutex_lock(&mutex);
    while (i < NAMES - 1 && said->names[i].name[0] && strcmp(said->names[i].name, name) != 0)
        i++;
    strcpy(said->names[i].name, name);
    said->names[i].made++;
    pthread_mutex_unlock(&mutex);
}

static void count(void)
{
    char name[16] = "";
    prctl(PR_GET_NAME, name);
    book(name);
    if (__atomic_load_n(&said->to_tell, __ATOMIC_RELAXED) > 0 &&
        __atomic_fetch_sub(&said->to_tell, 1, __ATOMIC_RELAXED) > 0)
        tell(name);
}

/* For a program that wants to know of itself: all that its threads have allocated. */
uint64_t allocations_made(void);
uint64_t allocations_made(void)
{
    uint64_t made = 0;
    for (int i = 0; i < NAMES; i++)
        made += said->names[i].made;
    return made;
}

void *malloc(size_t size)
{
    count();
    return __libc_malloc(size);
}

void *calloc(size_t members, size_t size)
{
    count();
    return __libc_calloc(members, size);
}

void *realloc(void *old, size_t size)
{
    count();
    return __libc_realloc(old, size);
}

void *memalign(size_t alignment, size_t size)
{
    count();
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return memalign(alignment, size);
}

int posix_memalign(void **to, size_t alignment, size_t size)
{
    *to = memalign(alignment, size);
    return *to ? 0 : ENOMEM;
}

void *mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
    count();
    return (void *)syscall(SYS_mmap, at, size, protection, flags, fd, offset);
}

void *mremap(void *old, size_t size, size_t wanted, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    void *at = flags & MREMAP_FIXED ? va_arg(more, void *) : NULL;
    va_end(more);
    count();
    return (void *)syscall(SYS_mremap, old, size, wanted, flags, at);
}
