/* SPDX-License-Identifier: MIT */
/*
 * The restartable sequences: the only code that writes to a CPU's copy.
 *
 * Each sequence reads the CPU that it runs on, finds that CPU's copy, and ends
 * in one store that commits.  If the thread is moved, preempted or signalled
 * before that store, the kernel resumes it at the abort label and nothing has
 * happened; the caller then records in the node's copy by atomics.  It never
 * tries again here: under a debugger's single step a retry would never end.
 *
 * One comparison covers three cases, because a row's `limit` is 0 when recording
 * is off and when the process has no rseq, and a thread whose rseq is not
 * registered has a CPU number beyond any limit.
 *
 * `rseq_cs` is cleared on every way out: the kernel looks at what it points to
 * at the next preemption, and by then this object may have been unloaded.
 *
 * Nothing here clobbers "memory": what a sequence writes is never read in C by
 * the process itself.
 */
#ifndef ENGRAM_RSEQ_H
#define ENGRAM_RSEQ_H

#include <engram/abi.h>
#include <string.h>

/* Of a row's limit, from its blocks. */
#define ENGRAM_LIMIT_AT (-8)
ENGRAM_STATIC_ASSERT(offsetof(struct engram_row, limit) == sizeof(struct engram_row) - 8,
                     "where the sequences look for it");

enum engram_commit { ENGRAM_COMMITTED, ENGRAM_NO_BLOCK, ENGRAM_ABORTED };

#if defined(__GLIBC__) && defined(__has_include)
#if __has_include(<sys/rseq.h>) && (defined(__x86_64__) || defined(__aarch64__)) && !defined(__ILP32__)
#define ENGRAM_HAVE_RSEQ 1
#endif
#endif

#ifdef ENGRAM_HAVE_RSEQ

#ifdef __cplusplus
extern "C" {
#endif
/* glibc 2.35: where a thread's struct rseq lies from its thread pointer, and its size, 0 when
 * the kernel or a tunable denied it. */
extern const ptrdiff_t engram_rseq_offset __asm__("__rseq_offset");
extern const unsigned int engram_rseq_size __asm__("__rseq_size");
#ifdef __cplusplus
}
#endif

/* For tests: instructions in which a thread is likely to be interrupted. */
#ifndef ENGRAM_RSEQ_DELAY
#define ENGRAM_RSEQ_DELAY ""
#endif

#ifdef __x86_64__

/* A group flag on both sections, or C++ inline functions do not link. */
#define ENGRAM_RSEQ_ENTER                                                                          \
    ".pushsection __rseq_cs, \"aw?\"\n\t"                                                          \
    ".balign 32\n"                                                                                 \
    "3:\n\t"                                                                                       \
    ".long 0, 0\n\t"                                                                               \
    ".quad 1f, 2f - 1f, 4f\n\t"                                                                    \
    ".popsection\n\t"                                                                              \
    ".pushsection __rseq_failure, \"ax?\"\n\t"                                                     \
    ".byte 0x0f, 0xb9, 0x3d\n\t"                                                                   \
    ".long 0x53053053\n"                                                                           \
    "4:\n\t"                                                                                       \
    "jmp %l[aborted]\n"                                                                            \
    "5:\n\t"                                                                                       \
    "movq $0, %%fs:8(%[rseq])\n\t"                                                                 \
    "jmp %l[no_block]\n\t"                                                                         \
    ".popsection\n\t"                                                                              \
    "leaq 3b(%%rip), %%rax\n\t"                                                                    \
    "movq %%rax, %%fs:8(%[rseq])\n"                                                                \
    "1:\n\t"                                                                                       \
    "movl %%fs:4(%[rseq]), %%eax\n\t"                                                              \
    "cmpl %%eax, %c[limit](%[blocks])\n\t"                                                         \
    "jbe 5b\n\t"                                                                                   \
    "movq (%[blocks], %%rax, 8), %%rax\n\t"                                                        \
    "testq %%rax, %%rax\n\t"                                                                       \
    "jz 5b\n\t" ENGRAM_RSEQ_DELAY

#define ENGRAM_RSEQ_LEAVE                                                                          \
    "\n2:\n\t"                                                                                     \
    "movq $0, %%fs:8(%[rseq])\n\t"

#define ENGRAM_RSEQ_INPUTS                                                                         \
    [rseq] "r"(engram_rseq_offset), [blocks] "r"(blocks), [slot] "r"(slot),                        \
        [limit] "i"(ENGRAM_LIMIT_AT)

/* *slot += amount in the copy of this CPU.  By a single register: what was stored by that some CPUs
 * (Intel's, since Ice Lake) have back at once, and not after 7 cycles as by a base and an index. */
ENGRAM_INLINE enum engram_commit engram_commit_add(const uint64_t *blocks, char *slot,
                                                   uint64_t amount)
{
    __asm__ goto(ENGRAM_RSEQ_ENTER "addq %[slot], %%rax\n\t"
                                   "addq %[amount], (%%rax)" ENGRAM_RSEQ_LEAVE
                 :
                 : ENGRAM_RSEQ_INPUTS, [amount] "er"(amount)
                 : "rax", "cc"
                 : no_block, aborted);
    return ENGRAM_COMMITTED;
no_block:
    return ENGRAM_NO_BLOCK;
aborted:
    return ENGRAM_ABORTED;
}

/* slot->count += 1, slot->sum += value, by one 16-byte store. */
ENGRAM_INLINE enum engram_commit engram_commit_cell(const uint64_t *blocks, char *slot,
                                                    double value)
{
    const uint64_t one = 1;
    double one_count; /* in a vector register, where it is added */
    memcpy(&one_count, &one, sizeof one_count);
    __asm__ goto(ENGRAM_RSEQ_ENTER "addq %[slot], %%rax\n\t"
                                   "movq (%%rax), %%xmm14\n\t"
                                   "movsd 8(%%rax), %%xmm15\n\t"
                                   "paddq %[one], %%xmm14\n\t"
                                   "addsd %[value], %%xmm15\n\t"
                                   "punpcklqdq %%xmm15, %%xmm14\n\t" ENGRAM_RSEQ_DELAY
                                   "movaps %%xmm14, (%%rax)" ENGRAM_RSEQ_LEAVE
                 :
                 : ENGRAM_RSEQ_INPUTS, [value] "x"(value), [one] "x"(one_count)
                 : "rax", "xmm14", "xmm15", "cc"
                 : no_block, aborted);
    return ENGRAM_COMMITTED;
no_block:
    return ENGRAM_NO_BLOCK;
aborted:
    return ENGRAM_ABORTED;
}

/* Appends the record to the ring at slot: payload first, the head commits. */
ENGRAM_INLINE enum engram_commit engram_commit_event(const uint64_t *blocks, char *slot,
                                                     struct engram_event_record record)
{
    __asm__ goto(ENGRAM_RSEQ_ENTER "addq %[slot], %%rax\n\t"
                                   "movq (%%rax), %%rcx\n\t"
                                   "movl %%ecx, %%edx\n\t"
                                   "andl %[mask], %%edx\n\t"
                                   "shll $5, %%edx\n\t"
                                   "movq %[time], 64(%%rax, %%rdx)\n\t"
                                   "movq %[kind], 72(%%rax, %%rdx)\n\t"
                                   "movq %[first], 80(%%rax, %%rdx)\n\t"
                                   "movq %[second], 88(%%rax, %%rdx)\n\t"
                                   "incq %%rcx\n\t" ENGRAM_RSEQ_DELAY
                                   "movq %%rcx, (%%rax)" ENGRAM_RSEQ_LEAVE
                 :
                 : ENGRAM_RSEQ_INPUTS, [time] "er"(record.time), [kind] "er"((uint64_t)record.kind),
                   [first] "er"(record.values[0]), [second] "er"(record.values[1]),
                   [mask] "i"(ENGRAM_RING_SLOTS - 1)
                 : "rax", "rcx", "rdx", "cc"
                 : no_block, aborted);
    return ENGRAM_COMMITTED;
no_block:
    return ENGRAM_NO_BLOCK;
aborted:
    return ENGRAM_ABORTED;
}

#else /* __aarch64__ */

/* A conditional branch reaches 1 MB, and the failures may lie further: `b` alone goes there. */
#define ENGRAM_RSEQ_ENTER                                                                          \
    ".pushsection __rseq_cs, \"aw?\"\n\t"                                                          \
    ".balign 32\n"                                                                                 \
    "3:\n\t"                                                                                       \
    ".long 0, 0\n\t"                                                                               \
    ".quad 1f, 2f - 1f, 4f\n\t"                                                                    \
    ".popsection\n\t"                                                                              \
    ".pushsection __rseq_failure, \"ax?\"\n\t"                                                     \
    ".inst 0xd428bc00\n"                                                                           \
    "4:\n\t"                                                                                       \
    "b %l[aborted]\n"                                                                              \
    "5:\n\t"                                                                                       \
    "str xzr, [%[rseq], 8]\n\t"                                                                    \
    "b %l[no_block]\n\t"                                                                           \
    ".popsection\n\t"                                                                              \
    "adrp x16, 3b\n\t"                                                                             \
    "add x16, x16, :lo12:3b\n\t"                                                                   \
    "str x16, [%[rseq], 8]\n"                                                                      \
    "1:\n\t"                                                                                       \
    "ldr w16, [%[rseq], 4]\n\t"                                                                    \
    "ldur w17, [%[blocks], %[limit]]\n\t"                                                          \
    "cmp w16, w17\n\t"                                                                             \
    "b.hs 6f\n\t"                                                                                  \
    "ldr x16, [%[blocks], x16, lsl 3]\n\t"                                                         \
    "cbnz x16, 7f\n"                                                                               \
    "6:\n\t"                                                                                       \
    "b 5b\n"                                                                                       \
    "7:\n\t"                                                                                       \
    "add x16, x16, %[slot]\n\t" ENGRAM_RSEQ_DELAY

#define ENGRAM_RSEQ_LEAVE                                                                          \
    "\n2:\n\t"                                                                                     \
    "str xzr, [%[rseq], 8]\n\t"

#define ENGRAM_RSEQ_INPUTS                                                                         \
    [rseq] "r"((char *)__builtin_thread_pointer() + engram_rseq_offset), [blocks] "r"(blocks),     \
        [slot] "r"(slot), [limit] "i"(ENGRAM_LIMIT_AT)

ENGRAM_INLINE enum engram_commit engram_commit_add(const uint64_t *blocks, char *slot,
                                                   uint64_t amount)
{
    __asm__ goto(ENGRAM_RSEQ_ENTER "ldr x17, [x16]\n\t"
                                   "add x17, x17, %[amount]\n\t" ENGRAM_RSEQ_DELAY
                                   "str x17, [x16]" ENGRAM_RSEQ_LEAVE
                 :
                 : ENGRAM_RSEQ_INPUTS, [amount] "r"(amount)
                 : "x16", "x17", "cc"
                 : no_block, aborted);
    return ENGRAM_COMMITTED;
no_block:
    return ENGRAM_NO_BLOCK;
aborted:
    return ENGRAM_ABORTED;
}

ENGRAM_INLINE enum engram_commit engram_commit_cell(const uint64_t *blocks, char *slot,
                                                    double value)
{
    __asm__ goto(ENGRAM_RSEQ_ENTER "ldr x17, [x16]\n\t"
                                   "ldr d31, [x16, 8]\n\t"
                                   "add x17, x17, 1\n\t"
                                   "fadd d31, d31, %d[value]\n\t"
                                   "fmov d30, x17\n\t" ENGRAM_RSEQ_DELAY
                                   "stp d30, d31, [x16]" ENGRAM_RSEQ_LEAVE
                 :
                 : ENGRAM_RSEQ_INPUTS, [value] "w"(value)
                 : "x16", "x17", "v30", "v31", "cc"
                 : no_block, aborted);
    return ENGRAM_COMMITTED;
no_block:
    return ENGRAM_NO_BLOCK;
aborted:
    return ENGRAM_ABORTED;
}

/* `dmb ishst`: a reader that sees the old head must not see the new payload as the old one's. */
ENGRAM_INLINE enum engram_commit engram_commit_event(const uint64_t *blocks, char *slot,
                                                     struct engram_event_record record)
{
    __asm__ goto(ENGRAM_RSEQ_ENTER "dmb ishst\n\t"
                                   "ldr x17, [x16]\n\t"
                                   "and x15, x17, %[mask]\n\t"
                                   "add x15, x16, x15, lsl 5\n\t"
                                   "stp %[time], %[kind], [x15, 64]\n\t"
                                   "stp %[first], %[second], [x15, 80]\n\t"
                                   "add x17, x17, 1\n\t" ENGRAM_RSEQ_DELAY
                                   "stlr x17, [x16]" ENGRAM_RSEQ_LEAVE
                 :
                 : ENGRAM_RSEQ_INPUTS, [time] "r"(record.time), [kind] "r"((uint64_t)record.kind),
                   [first] "r"(record.values[0]), [second] "r"(record.values[1]),
                   [mask] "i"(ENGRAM_RING_SLOTS - 1)
                 : "x15", "x16", "x17", "cc"
                 : no_block, aborted);
    return ENGRAM_COMMITTED;
no_block:
    return ENGRAM_NO_BLOCK;
aborted:
    return ENGRAM_ABORTED;
}

#endif

#else /* no rseq: always the node's copy */

ENGRAM_INLINE enum engram_commit engram_commit_add(const uint64_t *blocks, char *slot,
                                                   uint64_t amount)
{
    (void)blocks, (void)slot, (void)amount;
    return ENGRAM_NO_BLOCK;
}

ENGRAM_INLINE enum engram_commit engram_commit_cell(const uint64_t *blocks, char *slot,
                                                    double value)
{
    (void)blocks, (void)slot, (void)value;
    return ENGRAM_NO_BLOCK;
}

ENGRAM_INLINE enum engram_commit engram_commit_event(const uint64_t *blocks, char *slot,
                                                     struct engram_event_record record)
{
    (void)blocks, (void)slot, (void)record;
    return ENGRAM_NO_BLOCK;
}

#endif

#endif
