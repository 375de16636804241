/* SPDX-License-Identifier: MIT */
/*
 * Throws mutated regions at a region directory:
 *
 *     mutant DIRECTORY SERIES_LIMIT SEED
 *
 * For each line "COUNT" of its input it makes so many files, says how many of those that it leaves
 * alone a reader must refuse, by reason ("magic 3 short 1 ..."), and goes on changing, truncating
 * and replacing the others, some of which it locks as a process does, until the next line: then it
 * removes all and says "removed".
 */
#define _GNU_SOURCE
#include "mutate.h"
#include "shmlib/reader.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>

#define MUTANTS_MOST 1000
#define NAME_SIZE 32

struct mutant {
    char name[NAME_SIZE];
    int fd; /* of one that goes on changing; or -1 */
};

static int directory;
static struct image image;
static struct reader_limits limits; /* the daemon's */
static struct mutant mutants[MUTANTS_MOST];
static int count;
static unsigned long made; /* no name comes twice */

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void record_something(void)
{
    static const double bounds[] = {0.1, 1};
    static const char *const labels[] = {"a", "b", NULL};
    struct engram_spec explicit = {
        .name = engram_string("mutant_x"), .bounds = bounds, .bound_count = 2};
    struct engram_spec fine = {.name = engram_string("mutant_fine"), .per_octave = 32};
    struct engram_spec event = {.name = engram_string("mutant_event")};
    /* One of the healthy process's families, too: it must not suffer from what becomes of this. */
    engram_counter_add(engram_counter_new("engram_zero_allocation_violations", "", labels), 1);
    engram_counter_add(engram_counter_new("mutant_total", "Help.", labels), 1);
    engram_gauge_set(engram_gauge_new("mutant_level", "", NULL), 1);
    engram_histogram_record(engram_histogram_new("mutant_seconds", "", NULL), 1);
    engram_histogram_record(engram_histogram_register(&explicit), 1);
    engram_histogram_record(engram_histogram_register(&fine), 1);
    engram_event_emit(engram_event_register(&event), 1, 2);
}

/* The good region, in a directory that nobody watches and that is gone at once. */
static void take_image(void)
{
    char path[] = "/dev/shm/engram-test-XXXXXX", file[128];
    struct engram_region *region;
    if (!mkdtemp(path) || setenv("ENGRAM_DIR", path, 1) || engram_attach("mutant"))
        fail(engram_reason());
    record_something();
    region = engram_process_state.region;
    snprintf(file, sizeof file, "%s/mutant.", path);
    engram_append_hex(file + strlen(file), region->nonce, sizeof region->nonce);
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || !image_take(&image, fd, region))
        fail("the region cannot be read");
    close(fd);
    unlink(file);
    rmdir(path);
}

static void write_extent(int fd, const struct extent *extent)
{
    if (pwrite(fd, image.bytes + extent->at, extent->size, (off_t)extent->at) < 0)
        fail("pwrite");
}

/* As a process does it: whatever has a name is whole. */
static int make_file(const char *name, uint64_t size)
{
    char path[64];
    int fd = openat(directory, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0640);
    if (fd < 0 || ftruncate(fd, (off_t)size))
        fail("a mutant cannot be made");
    for (int i = 0; i < image.count; i++)
        if (image.extents[i].at + image.extents[i].size <= size)
            write_extent(fd, &image.extents[i]);
    if (mutate_random(50) == 0 && fchmod(fd, 0666))
        fail("fchmod");
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (linkat(AT_FDCWD, path, directory, name, AT_SYMLINK_FOLLOW))
        fail("linkat");
    return fd;
}

static uint64_t any_size(void)
{
    uint64_t size = image_origin(&image)->size;
    const struct extent *last = &image.extents[mutate_random((uint64_t)image.count)];
    return mutate_random(2) ? mutate_random(size) : mutate_random(last->at + last->size);
}

/* Most have a nonce of their own: those of the rest are known already. */
static void make_image(void)
{
    struct engram_region *header = (void *)image.bytes;
    image_restore(&image);
    if (mutate_random(20))
        for (size_t i = 0; i < sizeof header->nonce; i++)
            header->nonce[i] = (uint8_t)mutate_random(256);
    for (uint64_t i = mutate_random(4); i > 0; i--)
        mutate(&image);
}

static void count_refusal(const char *name, unsigned *refused)
{
    enum rejection rejection;
    struct reader *reader = reader_open_limited(directory, name, &limits, &rejection);
    if (reader)
        reader_close(reader);
    refused[rejection]++;
}

static void make_odd(const char *name)
{
    if (mutate_random(2) ? symlinkat("/etc/passwd", directory, name)
                         : mkfifoat(directory, name, 0600))
        fail("a file that is none cannot be made");
}

/* A third goes on changing, and of these every other is locked, as if its process lived. */
static void make_mutant(struct mutant *mutant, unsigned *refused)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    uint64_t size = image_origin(&image)->size;
    bool changing = mutate_random(3) == 0;
    snprintf(mutant->name, sizeof mutant->name, "mutant.%lu", made++);
    mutant->fd = -1;
    if (mutate_random(40) == 0) {
        make_odd(mutant->name);
        count_refusal(mutant->name, refused);
        return;
    }
    make_image();
    mutant->fd = make_file(mutant->name, mutate_random(8) ? size : any_size());
    if (changing && mutate_random(2) && fcntl(mutant->fd, F_OFD_SETLK, &lock))
        fail("lock");
    if (changing)
        return;
    close(mutant->fd);
    mutant->fd = -1;
    count_refusal(mutant->name, refused);
}

static void make_mutants(int wanted)
{
    unsigned refused[REJECTION_COUNT] = {0};
    count = wanted < MUTANTS_MOST ? wanted : MUTANTS_MOST;
    for (int i = 0; i < count; i++)
        make_mutant(&mutants[i], refused);
    for (int i = 1; i < REJECTION_COUNT; i++)
        if (refused[i])
            printf("%s %u ", rejection_name((enum rejection)i), refused[i]);
    puts("");
    fflush(stdout);
}

/* The file under the name becomes another. */
static void replace(struct mutant *mutant)
{
    unlinkat(directory, mutant->name, 0);
    close(mutant->fd);
    make_image();
    mutant->fd = make_file(mutant->name, any_size());
}

static void disturb(struct mutant *mutant)
{
    const struct extent *hole = &image.extents[mutate_random((uint64_t)image.count)];
    switch (mutate_random(16)) {
    case 0:
    case 1:
        if (ftruncate(mutant->fd, (off_t)any_size()))
            fail("ftruncate");
        break;
    case 2:
        fallocate(mutant->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)hole->at,
                  (off_t)(hole->size / 2));
        break;
    case 3:
        fchmod(mutant->fd, 0600 | (mode_t)mutate_random(0100));
        break;
    case 4:
        replace(mutant);
        break;
    default:
        make_image();
        write_extent(mutant->fd, &(struct extent){0, sizeof(struct engram_region)});
        for (uint64_t i = 1 + mutate_random(4); i > 0; i--) {
            struct extent changed = mutate(&image);
            write_extent(mutant->fd, &changed);
        }
    }
}

static void disturb_until_told(void)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    while (poll(&input, 1, 1) == 0) {
        struct mutant *mutant = &mutants[mutate_random((uint64_t)count)];
        if (mutant->fd >= 0)
            disturb(mutant);
    }
}

static void remove_mutants(void)
{
    for (int i = 0; i < count; i++) {
        unlinkat(directory, mutants[i].name, 0); /* unless the daemon has folded it */
        if (mutants[i].fd >= 0)
            close(mutants[i].fd);
    }
    count = 0;
    puts("removed");
    fflush(stdout);
}

int main(int argc, char **argv)
{
    char line[32];
    if (argc != 4)
        return 2;
    directory = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    mutate_state = strtoull(argv[3], NULL, 10);
    if (directory < 0)
        fail(argv[1]);
    take_image();
    limits.series = (uint32_t)atoi(argv[2]);
    limits.memory = 1024 * (uint64_t)limits.series;
    limits.cpus = image_origin(&image)->cpus;
    setvbuf(stdin, NULL, _IONBF, 0);
    while (fgets(line, sizeof line, stdin)) {
        make_mutants(atoi(line));
        disturb_until_told();
        if (!fgets(line, sizeof line, stdin))
            break;
        remove_mutants();
    }
    remove_mutants();
    return 0;
}
