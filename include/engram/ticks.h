/* SPDX-License-Identifier: MIT */
/*
 * What a span is timed by: the CPU's counter (rdtsc, cntvct_el0), which costs
 * half of what CLOCK_MONOTONIC does, wherever the kernel itself keeps its time
 * by that counter; else the clock.
 *
 * Nothing says how long a tick is, so it is measured: once when the process
 * attaches, again when 10 ms have passed, and from then on every second by the
 * span that ends then.  That is the check, too: a counter that strays from the
 * clock by more than 0.1 % (a suspended or migrated machine) is never looked at
 * again in this process, and spans that were under way are not recorded.
 */
#ifndef ENGRAM_TICKS_H
#define ENGRAM_TICKS_H

#include <engram/process.h>

#define ENGRAM_CLOCKSOURCE "/sys/devices/system/clocksource/clocksource0/current_clocksource"
/* A start that counts ticks, not nanoseconds; neither reaches this bit in 58 years. */
#define ENGRAM_TICKS_MARK (UINT64_C(1) << 63)
#define ENGRAM_PID_MAX (1u << 22)

/* The counter and the clock at the same time, but for the ticks that reading both took. */
struct engram_moment {
    uint64_t ticks, time, apart;
};

static inline uint64_t engram_ticks_now(void)
{
#if defined(__x86_64__)
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
#elif defined(__aarch64__)
    uint64_t ticks;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
    return ticks;
#else
    return 0;
#endif
}

/* Whether the counter runs at one speed in all states of the CPU, and may be read. */
static inline int engram_ticks_invariant(void)
{
#if defined(__x86_64__)
    uint32_t a = 0x80000000, b, c = 0, d;
    int readable = 0;
    __asm__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    if (a < 0x80000007)
        return 0;
    a = 0x80000007;
    __asm__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    engram_libc_syscall(ENGRAM_SYS_prctl, ENGRAM_PR_GET_TSC, &readable);
    return (d >> 8 & 1) && readable == ENGRAM_PR_TSC_ENABLE;
#elif defined(__aarch64__)
    return 1;
#else
    return 0;
#endif
}

/* Whether the kernel derives its time from the counter, by the name of its clock source. */
static inline int engram_ticks_trusted(const char *source)
{
    static const char *const derived[] = {"tsc\n", "kvm-clock\n", "hyperv_clocksource_tsc_page\n",
                                          "arch_sys_counter\n"};
    for (size_t i = 0; i < sizeof derived / sizeof derived[0]; i++)
        if (strcmp(source, derived[i]) == 0)
            return 1;
    return 0;
}

/* The closest of some tries. */
static inline struct engram_moment engram_moment_now(void)
{
    struct engram_moment best = {0, 0, UINT64_MAX};
    for (int i = 0; i < 4; i++) {
        uint64_t before = engram_ticks_now(), time = engram_clock(ENGRAM_CLOCK_MONOTONIC);
        uint64_t apart = engram_ticks_now() - before;
        if (apart < best.apart) {
            best.ticks = before + apart / 2;
            best.time = time;
            best.apart = apart;
        }
    }
    return best;
}

/* Whether spans count ticks now. */
static inline int engram_ticks_known(void)
{
    return __atomic_load_n(&engram_process_state.ticks.length, __ATOMIC_RELAXED) != 0;
}

/* The seconds of a tick; 0: spans go by the clock. */
static inline double engram_ticks_length(void)
{
    uint64_t bits = __atomic_load_n(&engram_process_state.ticks.length, __ATOMIC_RELAXED);
    double length;
    memcpy(&length, &bits, sizeof length);
    return length;
}

static inline void engram_ticks_set_length(double length)
{
    struct engram_ticks *t = &engram_process_state.ticks;
    uint64_t bits;
    memcpy(&bits, &length, sizeof bits);
    if (length > 0)
        __atomic_store_n(&t->second, (uint64_t)(1 / length), __ATOMIC_RELAXED);
    __atomic_store_n(&t->length, bits, __ATOMIC_RELEASE);
}

/* Keeps a measurement, or with 0 lets the counter be. */
static inline int engram_ticks_keep(const struct engram_moment *now, double length)
{
    struct engram_ticks *t = &engram_process_state.ticks;
    t->apart = now->apart;
    __atomic_store_n(&t->ticks, now->ticks, __ATOMIC_RELAXED);
    engram_ticks_set_length(length);
    __atomic_store_n(&t->time, length > 0 ? now->time : 0, __ATOMIC_RELEASE);
    return length > 0;
}

/* Remembers this moment, if the counter is one to go by. */
static inline void engram_ticks_start(void)
{
    struct engram_ticks *t = &engram_process_state.ticks;
    char source[64];
    if (!engram_ticks_invariant() ||
        engram_read_file(ENGRAM_CLOCKSOURCE, source, sizeof source) <= 0 ||
        !engram_ticks_trusted(source))
        return;
    uint64_t none = 0; /* or another thread that attaches is at it */
    if (!__atomic_compare_exchange_n(&t->time, &none, (uint64_t)engram_libc_getpid(), 0,
                                     __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        return;
    struct engram_moment now = engram_moment_now();
    engram_ticks_keep(&now, 0);
    __atomic_store_n(&t->time, now.time, __ATOMIC_RELEASE);
}

/*
 * Measures the tick from the last moment to now and returns whether there is
 * anything to go by.  Of several threads one does it: its process id stands in
 * for the time meanwhile, which is never that small.
 */
ENGRAM_COLD int engram_ticks_measure(void)
{
    struct engram_ticks *t = &engram_process_state.ticks;
    uint64_t time = __atomic_load_n(&t->time, __ATOMIC_RELAXED);
    uint64_t self = (uint64_t)engram_libc_getpid();
    if (time == 0 || time == self)
        return time != 0;
    if (!__atomic_compare_exchange_n(&t->time, &time, self, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        return 1;
    struct engram_moment now = engram_moment_now();
    double length = engram_ticks_length(), took = (double)(now.time - time) * 1e-9;
    double elapsed = (double)(int64_t)(now.ticks - t->ticks);
    double strayed = took - elapsed * length;
    /* Another thread was first, or this one was interrupted: too short to tell, so not now. */
    if (elapsed >= 0 && elapsed <= 1e4 * (double)(t->apart + now.apart + 1)) {
        __atomic_store_n(&t->time, time, __ATOMIC_RELEASE);
        return 1;
    }
    /* The id of a parent that forked in the middle of this strays, too. */
    if (elapsed < 0 || (length > 0 && (strayed > took * 1e-3 || strayed < took * -1e-3)))
        return engram_ticks_keep(&now, 0);
    return engram_ticks_keep(&now, took / elapsed);
}

/* Measures the tick for the first time, once that is long enough ago to do it well. */
static inline void engram_ticks_try(uint64_t now)
{
    uint64_t time = __atomic_load_n(&engram_process_state.ticks.time, __ATOMIC_RELAXED);
    if (time > ENGRAM_PID_MAX && now - time > 10 * UINT64_C(1000000))
        engram_ticks_measure();
}

/* Whether a second has passed since the tick was measured; also when the counter went back. */
static inline int engram_ticks_due(uint64_t now)
{
    const struct engram_ticks *t = &engram_process_state.ticks;
    return now - __atomic_load_n(&t->ticks, __ATOMIC_RELAXED) >
           __atomic_load_n(&t->second, __ATOMIC_RELAXED);
}

#endif
