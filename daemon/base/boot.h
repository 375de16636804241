/* SPDX-License-Identifier: MIT */
/* Which boot this is, and how long ago it was. */
#ifndef ENGRAMD_BOOT_H
#define ENGRAMD_BOOT_H

#include <stdint.h>

/* The digits of /proc/sys/kernel/random/boot_id; zeros when it cannot be read. */
void boot_id_read(uint8_t id[16]);

/* CLOCK_BOOTTIME in nanoseconds: goes on over suspend, and over restarts of the daemon. */
uint64_t boot_clock(void);

/* What to take from a time of CLOCK_REALTIME, in ns, to have it in that of boot_clock(): another
 * number once somebody has set the clock. */
uint64_t boot_epoch(void);

#endif
