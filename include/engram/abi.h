/* SPDX-License-Identifier: MIT */
/*
 * The layout of a region: what an instrumented process (the writer) leaves in
 * shared memory and what engramd (the reader) takes from it.  engram-region(5)
 * is the same in prose; a change here moves the page, the golden region file of
 * the tests and the version together.
 *
 *     header | heads | blocks | arena | node copies | CPU copies
 *
 * - The header says who writes, how large everything is, and where it lies.
 * - `heads` are 4096 chains of series descriptors, which lie in the `arena`.
 *   A descriptor is immutable from the moment that a chain reaches it.
 * - The slot space is `chunks` x 64 KiB.  Every copy of it has the same shape:
 *   one for each memory node (touched by atomic operations only) and one for
 *   each possible CPU (touched by restartable sequences only).  A value is the
 *   sum over all copies; a gauge lives in the copy of node 0 alone.
 * - `blocks` is a row for each chunk, with a number for each CPU: where that
 *   CPU's copy starts, or 0 as long as the block has no memory.  The file is
 *   sparse: a reader that touched a block without memory would allocate it.
 *
 * Positions are offsets from the start of the file, in bytes, native endian.
 */
#ifndef ENGRAM_ABI_H
#define ENGRAM_ABI_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define ENGRAM_STATIC_ASSERT(condition, text) static_assert(condition, text)
#else
#define ENGRAM_STATIC_ASSERT(condition, text) _Static_assert(condition, text)
#endif

/* What a compiler would take for too long to inline, and what is only ever a way out of it. */
#define ENGRAM_INLINE static inline __attribute__((always_inline))
#define ENGRAM_COLD static __attribute__((noinline, cold, unused))

#define ENGRAM_MAGIC UINT64_C(0x0a4d4152474e45ff) /* "\377ENGRAM\n" read little endian */
#define ENGRAM_ABI_MAJOR 2
#define ENGRAM_ABI_MINOR 0

#define ENGRAM_PAGE 4096u
#define ENGRAM_CHUNK_SIZE 65536u
#define ENGRAM_CHUNK_SHIFT 16
#define ENGRAM_CHUNKS 128u
#define ENGRAM_CHUNKS_MAX 1024u
#define ENGRAM_CPUS_MAX 8192u
#define ENGRAM_NODES_MAX 64u
#define ENGRAM_HEADS 4096u
#define ENGRAM_ARENA_SIZE (32u << 20)
#define ENGRAM_BUDGET_DEFAULT (UINT64_C(64) << 20)

/* The one file in a region directory that is no region: its presence switches new processes off. */
#define ENGRAM_OFF_NAME "metrics.off"

#define ENGRAM_PROCESS_MAX 63u
#define ENGRAM_NAME_MAX 255u
#define ENGRAM_HELP_MAX 1023u
#define ENGRAM_UNIT_MAX 63u
#define ENGRAM_LABELS_MAX 16u
#define ENGRAM_BOUNDS_MAX 128u
#define ENGRAM_DESCRIPTOR_MAX 4096u
#define ENGRAM_CELLS_MAX 4096u
#define ENGRAM_PER_OCTAVE 8 /* exponential buckets, unless somebody wants others */
#define ENGRAM_PER_OCTAVE_MAX 32

/* What a series is.  The kinds do not mix: one series, one kind. */
enum engram_kind {
    ENGRAM_COUNTER = 1,     /* u64, added to; per CPU */
    ENGRAM_COUNTER_SET = 2, /* u64, set to a total kept elsewhere; one slot that only rises */
    ENGRAM_GAUGE = 3,       /* double, one slot */
    ENGRAM_UPDOWN = 4,      /* signed 64-bit deltas; per CPU; the sum is a gauge */
    ENGRAM_HISTOGRAM = 5,   /* cells of {count, sum}; per CPU */
    ENGRAM_EVENT = 6        /* a kind of event; all kinds share one ring for each copy */
};

/* Which copies of the slot space hold a chunk. */
enum engram_placement {
    ENGRAM_UNUSED = 0,
    ENGRAM_SINGLE = 1, /* the copy of node 0 */
    ENGRAM_SHARED = 2, /* the copies of all nodes: for families with thousands of label values */
    ENGRAM_PER_CPU = 3 /* the copies of all nodes and CPUs */
};

/* How gauges of one name and label set merge when several processes share a process name. */
enum engram_merge {
    ENGRAM_YOUNGEST = 0, /* the process that started last */
    ENGRAM_SUM = 1,
    ENGRAM_MIN = 2,
    ENGRAM_MAX = 3
};

/* flags of a descriptor */
#define ENGRAM_ABSOLUTE 1u /* counter set: the total outlives the process that reports it */

/* The bits of a gauge that nobody has set: a NaN that no arithmetic yields. */
#define ENGRAM_GAUGE_UNSET UINT64_C(0x7ff4656e6772616d)

struct engram_cell {
    uint64_t count;
    double sum;
};

/*
 * A histogram's cells: for explicit bounds, one for each bound and one above.
 * For n exponential buckets an octave, the first takes what is <= 2^(first/n), cell i
 * takes (2^((first+i-1)/n), 2^((first+i)/n)], the last but one all that is larger.
 * The last cell of every histogram counts NaN.
 */
struct engram_descriptor {
    uint32_t next; /* the next descriptor of this chain, as an offset in the arena; 0: none */
    uint32_t size; /* of this record, text included; a multiple of 8 */
    uint32_t hash; /* FNV-1a of the name and the labels as they stand below */
    uint32_t slot; /* first byte in the slot space */
    uint32_t cells;
    int16_t first; /* exponential buckets only */
    uint8_t kind;
    uint8_t placement;
    uint8_t merge;
    uint8_t flags;
    uint16_t bounds; /* doubles after this struct; 0 for exponential buckets */
    uint16_t shown;  /* how many of them are bounds that a text exposition shows */
    uint16_t name_length;
    uint16_t help_length;
    uint16_t unit_length;
    uint16_t labels; /* number of labels, sorted by name */
    uint16_t labels_length;
    uint32_t per_octave; /* exponential buckets for each factor of two: 1, 2, 4, 8, 16 or 32 */
    uint32_t reserved;
    /* double bounds[bounds + shown]; then text: name, help, unit, and for each label
     * {u16 name length, u16 value length, name, value}, nothing terminated */
};

struct engram_event_record {
    uint64_t time; /* CLOCK_MONOTONIC, ns */
    uint32_t kind; /* offset of the kind's descriptor in the arena */
    uint32_t reserved;
    uint64_t values[2];
};

#define ENGRAM_RING_SLOTS 256u /* a power of two */

/* In a CPU copy only the owner CPU writes, payload first, head last.  In a node
 * copy `ticket[i]` is 2t+1 while ticket t is being written to slot i, 2t+2 after. */
struct engram_ring {
    uint64_t head; /* events ever written */
    uint64_t reserved[7];
    struct engram_event_record records[ENGRAM_RING_SLOTS];
    uint64_t ticket[ENGRAM_RING_SLOTS];
};

/*
 * What stands before the blocks of a chunk, so that a handle needs no more than
 * where they and its slot are.  Rows are engram_row_size() apart.
 */
struct engram_row {
    uint64_t at;    /* offset of the blocks in the file; 0 after the process has detached */
    uint32_t limit; /* CPUs below it may be recorded on without atomics; every record reads it */
    uint32_t reserved;
};

/* With its blocks, one for each of so many CPUs; whole cache lines, in bytes. */
static inline uint64_t engram_row_size(uint32_t cpus)
{
    return (sizeof(struct engram_row) + cpus * sizeof(uint64_t) + 63) / 64 * 64;
}

struct engram_region {
    /* Written before the file has a name, never after. */
    uint64_t magic;
    uint16_t major;
    uint16_t minor;
    uint32_t endian; /* 0x01020304 */
    uint64_t size;   /* of the file */
    uint32_t cpus;   /* possible CPUs: highest number + 1 */
    uint32_t nodes;  /* possible memory nodes: highest number + 1 */
    uint32_t chunks;
    uint32_t heads;
    uint64_t heads_offset;
    uint64_t blocks_offset; /* rows, one for each chunk */
    uint64_t identity_reserved;

    /* The switch: this, and the limit of each row. */
    uint32_t on;         /* 0: record nothing */
    uint32_t plain_cpus; /* what `limit` is while on: cpus, or 0 without rseq */
    uint32_t switch_reserved[14];

    uint64_t arena_offset;
    uint64_t arena_size;
    uint64_t nodes_offset; /* copy i starts at nodes_offset + i * copy_size */
    uint64_t cpus_offset;
    uint64_t copy_size; /* chunks * 64 KiB */
    uint64_t budget;    /* bytes of memory the region may take */
    uint8_t nonce[16];

    uint8_t boot_id[16];
    uint64_t pid_namespace; /* inode */
    uint64_t start_time;    /* of the process, clock ticks since boot: /proc/PID/stat, field 22 */
    uint64_t born;          /* of the region, CLOCK_REALTIME, ns */
    uint32_t pid;           /* in its own namespace, for display */
    uint32_t process_length;
    char process[ENGRAM_PROCESS_MAX + 1];

    /* Written as the region grows, by the process and its forked children. */
    uint64_t cursor[4];      /* by placement: (chunk + 1) << 32 | bytes used in it */
    uint64_t reserved_bytes; /* memory taken so far */
    uint64_t refused_until;  /* CLOCK_MONOTONIC, ns: no further try to take memory before */
    uint32_t arena_used;
    uint32_t arena_reserved;
    uint32_t chunks_used;
    uint32_t published; /* descriptors reachable from the heads: a hint that there are more */
    uint32_t ring;      /* 1 + slot of the event rings, 0: none */
    uint32_t growth_reserved[13];
    uint8_t placement[ENGRAM_CHUNKS_MAX]; /* of each chunk */
};

ENGRAM_STATIC_ASSERT(sizeof(struct engram_cell) == 16, "a cell is one 16-byte store");
ENGRAM_STATIC_ASSERT(ENGRAM_CELLS_MAX * sizeof(struct engram_cell) == ENGRAM_CHUNK_SIZE,
                     "the largest histogram fills a chunk");
ENGRAM_STATIC_ASSERT(sizeof(struct engram_descriptor) == 48, "layout 2.0");
ENGRAM_STATIC_ASSERT(sizeof(struct engram_event_record) == 32, "layout 2.0");
ENGRAM_STATIC_ASSERT(sizeof(struct engram_ring) == 64 + 256 * 40, "layout 2.0");
ENGRAM_STATIC_ASSERT(sizeof(struct engram_row) == 16, "layout 2.0");
ENGRAM_STATIC_ASSERT(offsetof(struct engram_region, on) == 64, "layout 2.0");
ENGRAM_STATIC_ASSERT(offsetof(struct engram_region, arena_offset) == 128, "layout 2.0");
ENGRAM_STATIC_ASSERT(offsetof(struct engram_region, boot_id) == 192, "layout 2.0");
ENGRAM_STATIC_ASSERT(offsetof(struct engram_region, process) == 240, "layout 2.0");
ENGRAM_STATIC_ASSERT(offsetof(struct engram_region, cursor) == 304, "layout 2.0");
ENGRAM_STATIC_ASSERT(offsetof(struct engram_region, placement) == 424, "layout 2.0");
ENGRAM_STATIC_ASSERT(sizeof(struct engram_region) <= ENGRAM_PAGE, "the header is one page");

#endif
