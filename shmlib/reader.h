/* SPDX-License-Identifier: MIT */
/*
 * A region as a reader sees it: opened read-only, its header and its descriptors
 * copied once and validated whole, since whoever writes it may be broken or
 * hostile.  Nothing of the mapping is trusted later but the values themselves.
 *
 * A reader belongs to one thread at a time; summing (sum.h) only reads it, and
 * any number of threads may.
 */
#ifndef ENGRAM_SHMLIB_READER_H
#define ENGRAM_SHMLIB_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <engram/abi.h>

/* Why a region, or one of its series, is not served. */
enum rejection {
    REJECTION_NONE,
    REJECTION_OPEN,       /* cannot be opened, or is no regular file */
    REJECTION_OWNER,      /* of a user whose files may not be read here */
    REJECTION_MODE,       /* others than its owner may write to it */
    REJECTION_SHORT,      /* too short for its header, or for what the header says */
    REJECTION_MAGIC,      /* no region */
    REJECTION_ENDIAN,     /* written on a machine of the other endianness */
    REJECTION_VERSION,    /* another major version of the layout */
    REJECTION_LAYOUT,     /* sizes or positions that contradict each other */
    REJECTION_MEMORY,     /* no memory or no address space to read it */
    REJECTION_DESCRIPTOR, /* a malformed descriptor, or chains without end */
    REJECTION_TRUNCATED,  /* shrunk while it was being read */
    REJECTION_HOLE,       /* claims memory that its file does not have, or too much of it */
    REJECTION_DUPLICATE,  /* another file has its nonce */
    REJECTION_QUOTA,      /* its user has too many regions already */
    REJECTION_COUNT
};

/* As a label value ("short", "magic", ...) and as a sentence with advice. */
const char *rejection_name(enum rejection rejection);
const char *rejection_advice(enum rejection rejection);

/* A validated private copy; immutable. */
struct record {
    uint32_t offset; /* in the arena: the kind number of events */
    const struct engram_descriptor *descriptor;
};

/* Bytes that a series takes, besides its descriptor and its values, with those who serve it: its
 * labels as they are shown, its place in plans, and what allocating takes. */
#define SERIES_COST 256u

/* Which copy of a region's slot space. */
struct copy {
    bool of_cpu; /* else of a node */
    uint32_t index;
};

/* How much of a region is read.  May be changed before each reader_refresh(). */
struct reader_limits {
    uint32_t series; /* kept, those that are found first */
    uint64_t memory; /* bytes that these, the sums of their values and SERIES_COST may take here */
    uint32_t cpus;   /* a region that is laid out for more is refused */
};

struct reader {
    int fd;
    const char *map;
    struct engram_region header; /* as it was when the region was opened */
    uid_t owner;
    ino_t inode;
    uint64_t made;          /* the file, CLOCK_REALTIME, ns */
    struct record *records; /* in order of discovery */
    uint32_t count;
    uint32_t capacity;
    struct reader_limits limits;
    uint64_t memory; /* bytes taken by the limits' measure */
    uint32_t
        refused;    /* descriptors beyond the limits, which are not kept; at least so many: the
                       chains of a region that exceeds them twice over are not read to their end */
    uint64_t bytes; /* of all descriptors: no more than the arena has in use */
    uint32_t heads[ENGRAM_HEADS]; /* as far as the chains have been read */
    struct claims *claims;        /* what of the memory that it claims was seen to be there */
};

/* Opens `name` in directory `dir`; NULL with a rejection.  Free with reader_close(). */
struct reader *reader_open_limited(int dir, const char *name, const struct reader_limits *limits,
                                   enum rejection *rejection);
struct reader *reader_open(int dir, const char *name, enum rejection *rejection); /* no limit */
void reader_close(struct reader *reader);

/*
 * Copies the descriptors that were published since the last call.  Returns
 * REJECTION_NONE, or what is wrong with one of them; those before it stay.
 */
enum rejection reader_refresh(struct reader *reader);

/* Whether any process still maps the region for writing, by its lock. */
bool reader_alive(const struct reader *reader);

/* Where a copy starts; that the header says so was validated, that it has memory was not. */
static inline const char *reader_copy(const struct reader *reader, struct copy copy)
{
    const struct engram_region *h = &reader->header;
    return reader->map + (copy.of_cpu ? h->cpus_offset : h->nodes_offset) +
           copy.index * h->copy_size;
}

/*
 * Whether a CPU has memory for a chunk, as the region's table says and as its file
 * has it: to touch a hole would allocate it.  For any thread, inside guard_run().
 */
bool reader_has_block(const struct reader *reader, uint32_t chunk, uint32_t cpu);

/* Whether the file is as long as it was: what was cut off within a page reads as zeros. */
bool reader_is_whole(const struct reader *reader);

/* Whether reader_has_block() has met a claim that was not true, ever.  For any thread. */
bool reader_has_hole(const struct reader *reader);

/* The texts of a descriptor; not terminated. */
const char *record_name(const struct record *record);
const char *record_help(const struct record *record);
const char *record_unit(const struct record *record);
const double *record_bounds(const struct record *record);

/* Steps through the labels: *at starts at 0; false after the last. */
struct label_view {
    const char *name, *value;
    uint16_t name_length, value_length;
};
bool record_label(const struct record *record, size_t *at, struct label_view *label);

#endif
