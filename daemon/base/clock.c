/* SPDX-License-Identifier: MIT */
#include "daemon/base/clock.h"

#include <time.h>

#define NS UINT64_C(1000000000)

uint64_t clock_monotonic(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS + (uint64_t)now.tv_nsec;
}

uint64_t clock_cycles(void)
{
#if defined __x86_64__
    return __builtin_ia32_rdtsc();
#else
    return 0;
#endif
}

void clock_sleep_until_multiple(uint64_t period)
{
    uint64_t next = (clock_monotonic() / period + 1) * period;
    struct timespec until = {(time_t)(next / NS), (long)(next % NS)};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}
