/* SPDX-License-Identifier: MIT */
/*
 * For a program that runs where rseq is not known, as under valgrind, to count its instructions:
 * each thread finds an area of rseq that says CPU 0.  Nothing restarts there, so with a second
 * thread or a signal handler that records, counts may be lost.
 */
#include <stddef.h>
#include <stdint.h>

struct area {
    uint32_t cpu_id_start, cpu_id;
    uint64_t rseq_cs;
    uint32_t flags, room[3];
};
static _Thread_local _Alignas(32) struct area area __attribute__((tls_model("initial-exec")));

/* In place of the C library's. */
extern ptrdiff_t __rseq_offset;
extern unsigned int __rseq_size;
ptrdiff_t __rseq_offset;
unsigned int __rseq_size = sizeof area;

__attribute__((constructor)) static void place(void)
{
    __rseq_offset = (char *)&area - (char *)__builtin_thread_pointer();
}
