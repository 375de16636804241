/* SPDX-License-Identifier: MIT */
#include "daemon/boot.h"

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

uint64_t boot_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec;
}
