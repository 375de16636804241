/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "shmlib/reader.h"
#include "shmlib/claims.h"
#include "shmlib/facts.h"
#include "shmlib/record.h"
#include "shmlib/sum.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whether `count` things of `size` bytes fit between an offset and an end. */
static bool fits(uint64_t offset, uint64_t count, uint64_t size, uint64_t end)
{
    return offset <= end && count <= (end - offset) / size;
}

/* Whether a part starts where the one before it ends, but for less than a chunk of padding. */
static bool follows(uint64_t offset, uint64_t before, uint64_t size)
{
    return offset - before - size < ENGRAM_CHUNK_SIZE;
}

/* Or a file of holes would take what address space there is. */
static bool layout_dense(const struct engram_region *h)
{
    uint64_t table = h->chunks * engram_row_size(h->cpus);
    return follows(h->heads_offset, 0, sizeof *h) &&
           follows(h->blocks_offset, h->heads_offset, h->heads * sizeof(uint32_t)) &&
           follows(h->arena_offset, h->blocks_offset, table) &&
           follows(h->nodes_offset, h->arena_offset, h->arena_size) &&
           h->cpus_offset == h->nodes_offset + h->nodes * h->copy_size;
}

static bool layout_valid(const struct engram_region *h)
{
    if (h->cpus == 0 || h->cpus > ENGRAM_CPUS_MAX || h->nodes == 0 || h->nodes > ENGRAM_NODES_MAX ||
        h->chunks == 0 || h->chunks > ENGRAM_CHUNKS_MAX || h->heads != ENGRAM_HEADS ||
        h->copy_size != (uint64_t)h->chunks * ENGRAM_CHUNK_SIZE || h->process_length == 0 ||
        h->process_length > ENGRAM_PROCESS_MAX ||
        (h->heads_offset | h->blocks_offset | h->arena_offset | h->nodes_offset | h->cpus_offset) %
                64 !=
            0)
        return false;
    return h->heads_offset >= sizeof *h &&
           fits(h->heads_offset, h->heads, sizeof(uint32_t), h->blocks_offset) &&
           fits(h->blocks_offset, h->chunks, engram_row_size(h->cpus), h->arena_offset) &&
           h->arena_size <= ENGRAM_ARENA_SIZE &&
           fits(h->arena_offset, h->arena_size, 1, h->nodes_offset) &&
           fits(h->nodes_offset, h->nodes, h->copy_size, h->cpus_offset) &&
           fits(h->cpus_offset, h->cpus, h->copy_size, h->size) &&
           h->size == h->cpus_offset + h->cpus * h->copy_size;
}

static bool process_valid(const struct engram_region *h)
{
    return process_name_valid(h->process, h->process_length) && h->process[h->process_length] == 0;
}

static enum rejection header_check(const struct engram_region *h, uint64_t file_size)
{
    if (h->magic != ENGRAM_MAGIC)
        return h->magic == __builtin_bswap64(ENGRAM_MAGIC) ? REJECTION_ENDIAN : REJECTION_MAGIC;
    if (h->endian != 0x01020304)
        return REJECTION_ENDIAN;
    if (h->major != ENGRAM_ABI_MAJOR)
        return REJECTION_VERSION;
    if (!layout_valid(h) || !layout_dense(h) || !process_valid(h))
        return REJECTION_LAYOUT;
    return h->size <= file_size ? REJECTION_NONE : REJECTION_SHORT;
}

static enum rejection file_check(struct reader *reader, uint64_t *size)
{
    struct facts facts;
    if (!facts_of(reader->fd, "", &facts) || !S_ISREG(facts.mode))
        return REJECTION_OPEN;
    if (facts.mode & (S_IWGRP | S_IWOTH))
        return REJECTION_MODE;
    reader->owner = facts.owner;
    reader->inode = facts.inode;
    reader->made = facts.made;
    *size = facts.size;
    return *size < sizeof reader->header ? REJECTION_SHORT : REJECTION_NONE;
}

static enum rejection reader_start(struct reader *reader)
{
    uint64_t size = 0;
    enum rejection rejection = file_check(reader, &size);
    if (rejection)
        return rejection;
    if (pread(reader->fd, &reader->header, sizeof reader->header, 0) !=
        (ssize_t)sizeof reader->header)
        return REJECTION_SHORT;
    rejection = header_check(&reader->header, size);
    if (rejection)
        return rejection;
    if (reader->header.cpus > reader->limits.cpus)
        return REJECTION_LAYOUT;
    if (!(reader->claims = claims_new(&reader->header)))
        return REJECTION_MEMORY;
    if (!claims_table(reader->fd, &reader->header))
        return REJECTION_HOLE;
    void *map = mmap(NULL, reader->header.size, PROT_READ, MAP_SHARED, reader->fd, 0);
    if (map == MAP_FAILED)
        return REJECTION_MEMORY;
    reader->map = map;
    return reader_refresh(reader);
}

static enum rejection file_open(struct reader *reader, int dir, const char *name)
{
    /* O_NONBLOCK: a planted FIFO must not hold the daemon. */
    reader->fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (reader->fd >= 0)
        return REJECTION_NONE;
    if (errno == EMFILE || errno == ENFILE || errno == ENOMEM)
        return REJECTION_MEMORY;
    return errno == EACCES || errno == EPERM ? REJECTION_OWNER : REJECTION_OPEN;
}

struct reader *reader_open(int dir, const char *name, enum rejection *rejection)
{
    static const struct reader_limits none = {UINT32_MAX, UINT64_MAX, ENGRAM_CPUS_MAX};
    return reader_open_limited(dir, name, &none, rejection);
}

struct reader *reader_open_limited(int dir, const char *name, const struct reader_limits *limits,
                                   enum rejection *rejection)
{
    struct reader *reader = calloc(1, sizeof *reader);
    if (!reader) {
        *rejection = REJECTION_MEMORY;
        return NULL;
    }
    reader->limits = *limits;
    *rejection = file_open(reader, dir, name);
    if (*rejection == REJECTION_NONE)
        *rejection = reader_start(reader);
    if (*rejection == REJECTION_NONE)
        return reader;
    reader_close(reader);
    return NULL;
}

void reader_close(struct reader *reader)
{
    if (reader->map)
        munmap((void *)(uintptr_t)reader->map, reader->header.size);
    if (reader->fd >= 0)
        close(reader->fd);
    for (uint32_t i = 0; i < reader->count; i++)
        free((void *)(uintptr_t)reader->records[i].descriptor);
    free(reader->records);
    free(reader->claims);
    free(reader);
}

bool reader_alive(const struct reader *reader)
{
    /* A read lock conflicts with the writer's lock only: no reader can fake life. */
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
    if (fcntl(reader->fd, F_OFD_GETLK, &lock))
        return true; /* unknown is not dead */
    return lock.l_type != F_UNLCK;
}

static uint64_t record_cost(const struct engram_descriptor *descriptor)
{
    return SERIES_COST + descriptor->size + sizeof(uint64_t) * sum_words(descriptor);
}

static bool record_append(struct reader *reader, uint32_t offset,
                          const struct engram_descriptor *descriptor)
{
    uint64_t cost = record_cost(descriptor);
    if (reader->count >= reader->limits.series || reader->memory > reader->limits.memory ||
        cost > reader->limits.memory - reader->memory) {
        reader->refused++;
        return true;
    }
    reader->memory += cost;
    if (reader->count == reader->capacity) {
        uint32_t capacity = reader->capacity ? 2 * reader->capacity : 64;
        struct record *grown = realloc(reader->records, capacity * sizeof *grown);
        if (!grown)
            return false;
        reader->records = grown;
        reader->capacity = capacity;
    }
    struct engram_descriptor *copy = malloc(descriptor->size);
    if (!copy)
        return false;
    memcpy(copy, descriptor, descriptor->size);
    reader->records[reader->count++] = (struct record){offset, copy};
    return true;
}

/* Nobody is served by counting what is refused for ever. */
static bool is_overfull(const struct reader *reader)
{
    return reader->refused > reader->limits.series;
}

/* Copies one chain from its head to where it was read before. */
static enum rejection read_chain(struct reader *reader, uint32_t head, uint32_t known)
{
    union {
        struct engram_descriptor descriptor;
        char bytes[ENGRAM_DESCRIPTOR_MAX];
    } room;
    const struct engram_region *h = &reader->header;
    for (uint32_t offset = head; offset != known && !is_overfull(reader);
         offset = room.descriptor.next) {
        /* A chain that runs in a circle takes more than there is. */
        if (offset == 0 || offset % 8 || offset >= h->arena_size || reader->bytes > h->arena_size)
            return REJECTION_DESCRIPTOR;
        uint64_t left = h->arena_size - offset;
        ssize_t got = pread(reader->fd, room.bytes, left < sizeof room ? left : sizeof room,
                            (off_t)(h->arena_offset + offset));
        if (got < 0 || !descriptor_valid(&room.descriptor, (size_t)got) ||
            !descriptor_placed(&room.descriptor, h))
            return REJECTION_DESCRIPTOR;
        if (!claims_chunk(reader->claims, reader->fd, h, room.descriptor.slot))
            return REJECTION_HOLE;
        reader->bytes += room.descriptor.size;
        if (!record_append(reader, offset, &room.descriptor))
            return REJECTION_MEMORY;
    }
    return REJECTION_NONE;
}

enum rejection reader_refresh(struct reader *reader)
{
    uint32_t heads[ENGRAM_HEADS];
    const size_t grown = offsetof(struct engram_region, cursor);
    const size_t size = sizeof reader->header - grown;
    /* The heads first: what they reach was allotted before. */
    if (pread(reader->fd, heads, sizeof heads, (off_t)reader->header.heads_offset) !=
            (ssize_t)sizeof heads ||
        pread(reader->fd, (char *)&reader->header + grown, size, (off_t)grown) != (ssize_t)size)
        return REJECTION_TRUNCATED;
    for (uint32_t i = 0; i < ENGRAM_HEADS; i++) {
        if (heads[i] == reader->heads[i])
            continue;
        enum rejection rejection = read_chain(reader, heads[i], reader->heads[i]);
        if (rejection)
            return rejection;
        reader->heads[i] = heads[i];
    }
    return REJECTION_NONE;
}

bool reader_has_block(const struct reader *reader, uint32_t chunk, uint32_t cpu)
{
    const struct engram_region *h = &reader->header;
    const void *block = reader->map + h->blocks_offset + chunk * engram_row_size(h->cpus) +
                        sizeof(struct engram_row) + cpu * sizeof(uint64_t);
    if (claims_known(reader->claims, h, chunk, cpu))
        return true;
    /* Pairs with the release in engram_reserve_block(). */
    return __atomic_load_n((const uint64_t *)block, __ATOMIC_ACQUIRE) != 0 &&
           claims_block(reader->claims, reader->fd, h, chunk, cpu);
}

bool reader_is_whole(const struct reader *reader)
{
    struct stat status;
    return fstat(reader->fd, &status) == 0 && (uint64_t)status.st_size >= reader->header.size;
}

bool reader_has_hole(const struct reader *reader)
{
    return claims_false(reader->claims);
}
