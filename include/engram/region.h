/* SPDX-License-Identifier: MIT */
/*
 * The birth of a region.  It is born whole: an anonymous file is sized, given
 * memory, locked, mapped and filled in, and only then linked under its name, so
 * whatever has a name is complete and was locked.  The lock belongs to the
 * mapping from there on: it outlives close, forked children keep it, and the
 * kernel drops it with the last mapping, whatever ends the process.
 */
#ifndef ENGRAM_REGION_H
#define ENGRAM_REGION_H

#include <engram/memory.h>
#include <engram/rseq.h>

#define ENGRAM_DEFAULT_DIR "/dev/shm/engram/regions"
#define ENGRAM_FLAT_PREFIX "/dev/shm/engram."
#define ENGRAM_OFF_MARKER "/" ENGRAM_OFF_NAME
#define ENGRAM_TMPFS_MAGIC 0x01021994

struct engram_file_status { /* the head of struct statx */
    uint32_t mask, block_size;
    uint64_t attributes;
    uint32_t links, user, group;
    uint16_t mode, spare;
    uint64_t inode, size, blocks;
    uint64_t times[5]; /* mask, accessed, born */
    uint64_t changed_seconds;
    uint32_t changed_nanoseconds, padding;
    uint64_t rest[18];
};

static inline int engram_stat(const char *path, struct engram_file_status *status)
{
    return engram_libc_syscall(ENGRAM_SYS_statx, ENGRAM_AT_FDCWD, path, 0x100 /* no follow */,
                               0x7ff, status) == 0;
}

/* The largest number in a kernel list such as "0-3,8", plus one; `fallback` if unreadable. */
static inline uint32_t engram_possible(const char *path, uint32_t fallback, uint32_t most)
{
    char text[256];
    long length = engram_read_file(path, text, sizeof text);
    if (length <= 0)
        return fallback;
    const char *last = text + length;
    while (last > text && (last[-1] < '0' || last[-1] > '9'))
        last--;
    while (last > text && last[-1] >= '0' && last[-1] <= '9')
        last--;
    uint64_t count = engram_parse_number(last) + 1;
    return count <= most ? (uint32_t)count : most;
}

/* Field 22 of /proc/self/stat, counted from behind the command name, which may hold anything. */
static inline uint64_t engram_start_time(void)
{
    char text[1024];
    if (engram_read_file("/proc/self/stat", text, sizeof text) <= 0)
        return 0;
    const char *at = strrchr(text, ')');
    for (int field = 2; at && field < 22; field++)
        at = strchr(at + 1, ' ');
    return at ? engram_parse_number(at + 1) : 0;
}

static inline void engram_read_boot_id(uint8_t id[16])
{
    char text[64];
    long length = engram_read_file("/proc/sys/kernel/random/boot_id", text, sizeof text);
    int digits = 0;
    for (long i = 0; i < length && digits < 32; i++) {
        int c = text[i] | 0x20;
        int value = c >= 'a' && c <= 'f'               ? c - 'a' + 10
                    : text[i] >= '0' && text[i] <= '9' ? text[i] - '0'
                                                       : -1;
        if (value < 0)
            continue;
        id[digits / 2] = (uint8_t)(id[digits / 2] << 4 | value);
        digits++;
    }
}

static inline uint64_t engram_pid_namespace(void)
{
    char text[64];
    ssize_t length = engram_libc_readlink("/proc/self/ns/pid", text, sizeof text - 1);
    if (length <= 0)
        return 0;
    text[length] = 0;
    const char *number = strchr(text, '[');
    return number ? engram_parse_number(number + 1) : 0;
}

static inline uint64_t engram_round_up(uint64_t size, uint64_t unit)
{
    return (size + unit - 1) / unit * unit;
}

/* Fills in where everything lies.  Blocks are aligned to 64 KiB, so no two of them share a page. */
static inline void engram_lay_out(struct engram_region *region, uint32_t cpus, uint32_t nodes)
{
    region->magic = ENGRAM_MAGIC;
    region->endian = 0x01020304;
    region->major = ENGRAM_ABI_MAJOR;
    region->minor = ENGRAM_ABI_MINOR;
    region->budget = ENGRAM_BUDGET_DEFAULT;
    region->cpus = cpus;
    region->nodes = nodes;
    region->chunks = ENGRAM_CHUNKS;
    region->heads = ENGRAM_HEADS;
    region->heads_offset = ENGRAM_PAGE;
    region->blocks_offset = region->heads_offset + ENGRAM_HEADS * sizeof(uint32_t);
    region->arena_offset = engram_round_up(
        region->blocks_offset + region->chunks * engram_row_size(region->cpus), ENGRAM_PAGE);
    region->arena_size = ENGRAM_ARENA_SIZE;
    region->nodes_offset =
        engram_round_up(region->arena_offset + region->arena_size, ENGRAM_CHUNK_SIZE);
    region->copy_size = (uint64_t)region->chunks * ENGRAM_CHUNK_SIZE;
    region->cpus_offset = region->nodes_offset + region->nodes * region->copy_size;
    region->size = region->cpus_offset + region->cpus * region->copy_size;
}

static inline void engram_identify(struct engram_region *region, const char *process)
{
    region->pid = (uint32_t)engram_libc_getpid();
    region->start_time = engram_start_time();
    region->born = engram_clock(ENGRAM_CLOCK_REALTIME);
    region->pid_namespace = engram_pid_namespace();
    engram_read_boot_id(region->boot_id);
    engram_libc_syscall(ENGRAM_SYS_getrandom, region->nonce, sizeof region->nonce, 0);
    region->process_length = (uint32_t)strlen(process);
    memcpy(region->process, process, region->process_length);
}

/* Without rseq no CPU is recorded on plainly. */
static inline uint32_t engram_plain_cpus(const struct engram_region *region)
{
#ifdef ENGRAM_HAVE_RSEQ
    return engram_rseq_size > 0 ? region->cpus : 0;
#else
    (void)region;
    return 0;
#endif
}

/* A process name becomes part of a file's name: letters, digits and . _ : @ + - only. */
static inline int engram_process_valid(const char *process)
{
    size_t length = strlen(process);
    if (length == 0 || length > ENGRAM_PROCESS_MAX || process[0] == '.')
        return 0;
    for (; *process; process++) {
        int letter = *process | 0x20;
        if (!((letter >= 'a' && letter <= 'z') || (*process >= '0' && *process <= '9') ||
              strchr("._:@+-", *process)))
            return 0;
    }
    return 1;
}

/* The program's short name, what does not fit into a process name replaced.  One that is too long
 * becomes an invalid name: cut, it could be another program's. */
static inline void engram_default_process(char *to)
{
    const char *from = engram_libc_program_name ? engram_libc_program_name : "";
    size_t length = 0;
    for (; from[length] && length < ENGRAM_PROCESS_MAX; length++) {
        char one[2] = {from[length], 0};
        to[length] = engram_process_valid(one) || (length && one[0] == '.') ? one[0] : '_';
    }
    to[length] = 0;
    if (from[length])
        to[0] = '/';
    if (length == 0)
        memcpy(to, "unnamed", 8);
}

/* Whether the directory is one that nobody else can replace under us. */
static inline int engram_directory_safe(const char *path)
{
    struct engram_file_status status;
    memset(&status, 0, sizeof status);
    return engram_stat(path, &status) && status.user == 0 && (status.mode & 022) == 0;
}

/* A marker that switches a host's processes off counts only from root or from ourselves. */
static inline int engram_switched_off(const char *directory)
{
    struct engram_file_status status;
    char path[ENGRAM_PATH_MAX] = "";
    memset(&status, 0, sizeof status);
    return engram_path_add(path, directory, strlen(directory)) &&
           engram_path_add(path, ENGRAM_OFF_MARKER, strlen(ENGRAM_OFF_MARKER)) &&
           engram_stat(path, &status) && (status.user == 0 || status.user == engram_libc_geteuid());
}

/*
 * Where regions go: $ENGRAM_DIR, else the directory that the daemon's package
 * makes, unless others could replace it, else flat names in /dev/shm.  `prefix`
 * is what a file's name starts with.
 */
static inline const char *engram_directory(const char **prefix)
{
    struct engram_file_status status;
    const char *named = engram_libc_getenv("ENGRAM_DIR");
    memset(&status, 0, sizeof status);
    *prefix = "/";
    if (named && *named)
        return named;
    if (engram_stat(ENGRAM_DEFAULT_DIR, &status) && engram_directory_safe("/dev/shm/engram"))
        return ENGRAM_DEFAULT_DIR;
    *prefix = "/engram.";
    return "/dev/shm";
}

static inline int engram_open_anonymous(const char *directory)
{
    int64_t statfs[32] = {0};
#ifdef __x86_64__
    const long number = 137;
#else
    const long number = 43;
#endif
    int fd = engram_libc_open(directory, ENGRAM_O_TMPFILE | ENGRAM_O_RDWR | ENGRAM_O_CLOEXEC, 0600);
    if (fd < 0)
        return engram_refuse("no file can be made in the region directory: does it exist, is it "
                             "tmpfs, may this user write there? (ENGRAM_DIR names another)");
    if (engram_libc_syscall(number, directory, statfs) == 0 && statfs[0] == ENGRAM_TMPFS_MAGIC)
        return fd;
    engram_libc_close(fd);
    return engram_refuse("the region directory is not on tmpfs");
}

/* Maps a file, of which no page is made real: by mlockall(MCL_FUTURE) all would be. */
static inline void *engram_map(int fd, uint64_t size)
{
    void *at = engram_libc_mmap(NULL, size, ENGRAM_PROT_NONE, ENGRAM_MAP_SHARED, fd, 0);
    if (at == (void *)(intptr_t)-1)
        return NULL;
    engram_libc_munlock(at, size);
    if (engram_libc_mprotect(at, size, ENGRAM_PROT_READ_WRITE) == 0)
        return at;
    engram_libc_munmap(at, size);
    return NULL;
}

/* Growing a file beyond this limit is a signal, not an error. */
static inline int engram_size_allowed(uint64_t size)
{
    struct engram_limit limit = {0, 0};
    return engram_libc_getrlimit(ENGRAM_RLIMIT_FSIZE, &limit) == 0 && size <= limit.current;
}

/* Locks the file for as long as a mapping of it lives, and maps it. */
static inline struct engram_region *engram_map_locked(int fd, const struct engram_region *plan)
{
    struct engram_file_lock lock;
    memset(&lock, 0, sizeof lock);
    lock.type = ENGRAM_F_WRLCK;
    if (!engram_size_allowed(plan->size)) {
        engram_refuse("the limit on the size of files is below that of a region (ulimit -f)");
        return NULL;
    }
    if (engram_libc_fchmod(fd, 0640) || engram_libc_ftruncate(fd, (int64_t)plan->size) ||
        engram_libc_fcntl(fd, ENGRAM_F_OFD_SETLK, &lock)) {
        engram_refuse("a region file cannot be sized or locked");
        return NULL;
    }
    struct engram_region *region = (struct engram_region *)engram_map(fd, plan->size);
    if (!region)
        engram_refuse("a region cannot be mapped: is the address space limited?");
    return region;
}

/* The header of a region for this process on this machine. */
static inline void engram_plan(struct engram_region *plan, const char *process)
{
    memset(plan, 0, sizeof *plan);
    engram_lay_out(plan, engram_possible("/sys/devices/system/cpu/possible", 1, ENGRAM_CPUS_MAX),
                   engram_possible("/sys/devices/system/node/possible", 1, ENGRAM_NODES_MAX));
    engram_identify(plan, process);
    plan->plain_cpus = engram_plain_cpus(plan);
}

/* Makes the region that is planned in a file that has no name yet. */
static inline struct engram_region *engram_region_make(int fd, const struct engram_region *plan)
{
    struct engram_region *region = engram_map_locked(fd, plan);
    if (!region)
        return NULL;
    if (!engram_populate(region, plan->arena_offset)) {
        engram_libc_munmap(region, plan->size);
        engram_refuse("no memory for a region: /dev/shm or the memory cgroup is full, "
                      "or the kernel is older than 5.14");
        return NULL;
    }
    memcpy(region, plan, sizeof *plan);
    for (uint32_t chunk = 0; chunk < plan->chunks; chunk++)
        engram_row_at(region, chunk)->at =
            (uint64_t)((char *)engram_block(region, chunk, 0) - (char *)region);
    region->arena_used = 8; /* so that no descriptor is at offset 0, which means none */
    region->reserved_bytes = plan->arena_offset;
    return region;
}

/* CPUs from `limit` on are recorded on by atomics. */
static inline void engram_set_limit(struct engram_region *region, uint32_t limit)
{
    for (uint32_t chunk = 0; chunk < region->chunks; chunk++)
        __atomic_store_n(&engram_row_at(region, chunk)->limit, limit, __ATOMIC_RELEASE);
}

static inline void engram_switch(struct engram_region *region, uint32_t on)
{
    __atomic_store_n(&region->on, on, __ATOMIC_RELAXED);
    engram_set_limit(region, on ? region->plain_cpus : 0);
}

static inline void engram_append_hex(char *to, const uint8_t *bytes, size_t count)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < count; i++) {
        to[2 * i] = digits[bytes[i] >> 4];
        to[2 * i + 1] = digits[bytes[i] & 15];
    }
    to[2 * count] = 0;
}

/* Gives the file its name: DIRECTORY/PROCESS.NONCE. */
static inline int engram_link(int fd, const char *directory, const char *prefix,
                              const struct engram_region *region)
{
    char from[64] = "/proc/self/fd/";
    char digits[12];
    char nonce[34] = ".";
    char path[ENGRAM_PATH_MAX] = "";
    size_t at = sizeof digits;
    for (int rest = fd; rest || at == sizeof digits; rest /= 10)
        digits[--at] = (char)('0' + rest % 10);
    memcpy(from + 14, digits + at, sizeof digits - at);
    engram_append_hex(nonce + 1, region->nonce, 16);
    if (!engram_path_add(path, directory, strlen(directory)) ||
        !engram_path_add(path, prefix, strlen(prefix)) ||
        !engram_path_add(path, region->process, region->process_length) ||
        !engram_path_add(path, nonce, 33))
        return engram_refuse("the path of the region directory is too long");
    if (engram_libc_linkat(ENGRAM_AT_FDCWD, from, ENGRAM_AT_FDCWD, path, ENGRAM_AT_SYMLINK_FOLLOW))
        return engram_refuse("the region cannot be linked into its directory");
    return 0;
}

#endif
