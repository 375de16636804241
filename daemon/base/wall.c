/* SPDX-License-Identifier: MIT */
#include "daemon/base/wall.h"
#include "daemon/base/clock.h"

#include <time.h>

double wall_ms(uint64_t monotonic)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    double age = ((double)clock_monotonic() - (double)monotonic) * 1e-6;
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6 - age;
}
