/* SPDX-License-Identifier: MIT */
/*
 * The one piece of state that an instrumented process has, however many
 * translation units and shared objects include the header: which region it
 * writes to, and why not, if it does not.
 *
 * C has no inline variables, and a weak symbol is one per shared object under
 * RTLD_LOCAL.  A gnu_unique_object in a group of its own is what C++ compilers
 * emit for inline variables: one for each process, and the object that defines
 * it stays loaded after dlclose.
 */
#ifndef ENGRAM_PROCESS_H
#define ENGRAM_PROCESS_H

#include <engram/libc.h>
#include <engram/types.h>

/* What the header counts of its own doings, as series like any other. */
enum engram_own {
    ENGRAM_OWN_COUNTER_CONTENTION,
    ENGRAM_OWN_HISTOGRAM_CONTENTION,
    ENGRAM_OWN_EVENT_CONTENTION,
    ENGRAM_OWN_EVENT_DROPPED,
    ENGRAM_OWN_MEMORY_REFUSED,
    ENGRAM_OWN_SERIES_REFUSED,
    ENGRAM_OWN_COUNT
};

/* How long a tick of the CPU's counter is, see ticks.h. */
struct engram_ticks {
    uint64_t length; /* the bits of a double, seconds; 0: unknown, or not to be trusted */
    uint64_t second; /* so many ticks */
    uint64_t ticks;  /* when it was measured */
    uint64_t time;   /* the same by CLOCK_MONOTONIC, ns; 0: there is no counter to go by */
    uint64_t apart;  /* ticks that reading both took */
};

struct engram_process {
    struct engram_region *region;
    const char *reason; /* why the last attach or registration failed; a literal */
    struct engram_slot own[ENGRAM_OWN_COUNT];
    char name[ENGRAM_PROCESS_MAX + 1]; /* that was asked for first: a later try is by the same */
    struct engram_ticks ticks;
};

ENGRAM_STATIC_ASSERT(sizeof(struct engram_slot) == 16, "passed in two registers");
ENGRAM_STATIC_ASSERT(sizeof(struct engram_process) == 216, "the size below");

/* With link-time optimisation several units share one assembly: define it once. */
__asm__(".ifndef engram_process_state\n\t"
        ".weak engram_process_state\n\t"
        ".pushsection .bss.engram_process_state, \"awG\", %nobits, engram_process_state, comdat\n\t"
        ".balign 16\n\t"
        ".type engram_process_state, %gnu_unique_object\n\t"
        ".size engram_process_state, 216\n"
        "engram_process_state:\n\t"
        ".zero 216\n\t"
        ".popsection\n\t"
        ".endif\n");

#ifdef __cplusplus
extern "C" {
#endif
extern struct engram_process engram_process_state __attribute__((visibility("default")));
#ifdef __cplusplus
}
#endif

static inline int engram_refuse(const char *reason)
{
    __atomic_store_n(&engram_process_state.reason, reason, __ATOMIC_RELEASE);
    return -1;
}

#endif
