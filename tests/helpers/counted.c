/* SPDX-License-Identifier: MIT */
/* Executes at least as many instructions as its argument says, and as few more as it can. */
#include <stdio.h>
#include <stdlib.h>

/* Two in each round. */
static void spin(unsigned long rounds)
{
#if defined(__x86_64__)
    __asm__ volatile("1: sub $1, %0\n jnz 1b" : "+r"(rounds) : : "cc");
#elif defined(__aarch64__)
    __asm__ volatile("1: subs %0, %0, #1\n b.ne 1b" : "+r"(rounds) : : "cc");
#else
#error "counted.c knows no such CPU"
#endif
}

int main(int argc, char **argv)
{
    unsigned long instructions = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
    if (instructions < 2)
        return 2;
    spin(instructions / 2);
    printf("executed %lu\n", instructions / 2 * 2);
    return 0;
}
