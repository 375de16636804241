/* SPDX-License-Identifier: MIT */
#include "daemon/process_stat.h"
#include "daemon/base/small_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static double count_fds(void)
{
    struct listing listing;
    int directory = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC), count = 0;
    if (directory < 0)
        return 0;
    listing_start(&listing, directory);
    while (listing_next(&listing))
        count++;
    close(directory);
    return count - 3; /* ".", ".." and the directory itself */
}

/* Seconds since the epoch from clock ticks since boot. */
static double since_epoch(double ticks)
{
    struct timespec wall, boot;
    clock_gettime(CLOCK_REALTIME, &wall);
    clock_gettime(CLOCK_BOOTTIME, &boot);
    return (double)(wall.tv_sec - boot.tv_sec) + (double)(wall.tv_nsec - boot.tv_nsec) * 1e-9 +
           ticks / (double)sysconf(_SC_CLK_TCK);
}

/* proc(5), /proc/[pid]/stat: fields 14, 15, 20, 22, 23, 24 counted from behind the name. */
void process_stat_read(struct process_stat *stat)
{
    char text[1024];
    unsigned long user, system, threads, virtual_bytes, pages;
    unsigned long long start;
    struct rlimit files = {0, 0};
    small_file_read("/proc/self/stat", text, sizeof text);
    const char *fields = strrchr(text, ')');
    stat->valid = fields && sscanf(fields + 1,
                                   " %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %lu %lu %*s %*s "
                                   "%*s %*s %lu %*s %llu %lu %lu",
                                   &user, &system, &threads, &start, &virtual_bytes, &pages) == 6;
    if (!stat->valid)
        return;
    getrlimit(RLIMIT_NOFILE, &files);
    stat->cpu_seconds = (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
    stat->resident_bytes = (double)pages * (double)sysconf(_SC_PAGESIZE);
    stat->virtual_bytes = (double)virtual_bytes;
    stat->threads = (double)threads;
    stat->open_fds = count_fds();
    stat->max_fds = (double)files.rlim_cur;
    if (stat->start_time == 0) /* the wall clock moves, and who looks takes that for a restart */
        stat->start_time = since_epoch((double)start);
}
