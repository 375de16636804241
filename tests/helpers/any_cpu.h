/* SPDX-License-Identifier: MIT */
/*
 * Recording on a CPU of one's choice, by the public calls.  The header reads the CPU in the
 * thread's struct rseq, which it finds by glibc's __rseq_offset, and asks getcpu() when that CPU
 * has no memory yet.  The program that includes this file has both of its own, in place of libc's,
 * and each thread says itself on which CPU it is.
 *
 * The kernel knows nothing of this and aborts no sequence: no two threads may be on one CPU, ever.
 */
#ifndef ENGRAM_TESTS_ANY_CPU_H
#define ENGRAM_TESTS_ANY_CPU_H

#include <engram/engram.h>
#include <sched.h>

static uint32_t any_cpu_nodes = 1; /* CPUs are dealt out to them */

static _Thread_local struct {
    uint32_t cpu_start, cpu;
    uint64_t section;
    uint32_t flags, rest[3];
} any_cpu_rseq __attribute__((aligned(32)));

/* Not `const` here, as they are in the header: they are known only at run time. */
extern ptrdiff_t any_cpu_rseq_offset __asm__("__rseq_offset");
extern unsigned any_cpu_rseq_size __asm__("__rseq_size");
__asm__(".pushsection .data\n\t"
        ".balign 8\n\t"
        ".globl __rseq_offset, __rseq_size\n\t"
        ".type __rseq_offset, %object\n\t"
        ".size __rseq_offset, 8\n"
        "__rseq_offset:\n\t"
        ".zero 8\n\t"
        ".type __rseq_size, %object\n\t"
        ".size __rseq_size, 4\n"
        "__rseq_size:\n\t"
        ".zero 4\n\t"
        ".popsection\n");

__attribute__((constructor)) static void any_cpu_start(void)
{
    any_cpu_rseq_offset = (char *)&any_cpu_rseq - (char *)__builtin_thread_pointer();
    any_cpu_rseq_size = sizeof any_cpu_rseq;
}

int getcpu(unsigned *cpu, unsigned *node)
{
    *cpu = any_cpu_rseq.cpu;
    *node = any_cpu_rseq.cpu % any_cpu_nodes;
    return 0;
}

/* From now on the calling thread is on that CPU. */
static inline void any_cpu_be(uint32_t cpu)
{
    any_cpu_rseq.cpu = cpu;
}

#endif
