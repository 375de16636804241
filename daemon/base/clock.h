/* SPDX-License-Identifier: MIT */
#ifndef ENGRAMD_CLOCK_H
#define ENGRAMD_CLOCK_H

#include <stdint.h>

/* A second, in ns, of what alerts and the comparison with what is usual wait for: tests build a
 * daemon that waits for a sixtieth of it. */
#ifndef ALERT_SECOND
#define ALERT_SECOND UINT64_C(1000000000)
#endif

/* CLOCK_MONOTONIC in nanoseconds: the clock of ticks, of events and of durations. */
uint64_t clock_monotonic(void);

/* The time stamp counter of x86, whose rate does not change with the core's; 0 elsewhere. */
uint64_t clock_cycles(void);

/* Sleeps until the clock next is a multiple of `period` ns, so that all threads of one period
 * tick together. */
void clock_sleep_until_multiple(uint64_t period);

#endif
