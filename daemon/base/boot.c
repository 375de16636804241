/* SPDX-License-Identifier: MIT */
#include "daemon/base/boot.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

void boot_id_read(uint8_t id[16])
{
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
    unsigned byte;
    memset(id, 0, 16);
    for (int i = 0; file && i < 16 && fscanf(file, "%*[-]") >= 0 && fscanf(file, "%2x", &byte) == 1;
         i++)
        id[i] = (uint8_t)byte;
    if (file)
        fclose(file);
}

static uint64_t now(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (uint64_t)time.tv_sec * UINT64_C(1000000000) + (uint64_t)time.tv_nsec;
}

uint64_t boot_clock(void)
{
    return now(CLOCK_BOOTTIME);
}

uint64_t boot_epoch(void)
{
    return now(CLOCK_REALTIME) - now(CLOCK_BOOTTIME);
}
