/* SPDX-License-Identifier: MIT */
#include "daemon/clock.h"

#include <time.h>

#define NS UINT64_C(1000000000)

uint64_t clock_monotonic(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS + (uint64_t)now.tv_nsec;
}

void clock_sleep_until_multiple(uint64_t period)
{
    uint64_t next = (clock_monotonic() / period + 1) * period;
    struct timespec until = {(time_t)(next / NS), (long)(next % NS)};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}
