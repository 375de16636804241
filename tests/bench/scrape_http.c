/* SPDX-License-Identifier: MIT */
/*
 * Scrapes of a real daemon on one kept connection: this process registers the
 * series, starts engramd beside it and asks.  Prints the median and the 99th
 * percentile, plain and gzip, the collector's tick and the daemon's memory.
 *
 *     scrape_http [SERIES ...]      (default: 10000 and 100000)
 */
#define _GNU_SOURCE
#include "daemon_bench.h"

#include <engram/engram.h>

#define ROOM (64u << 20)

static char *room;

static void register_series(int from, int to)
{
    for (int i = from; i < to; i++) {
        char value[16];
        snprintf(value, sizeof value, "%d", i);
        const char *labels[] = {"operation", "benchmark", "series", value, NULL};
        engram_counter_add(engram_counter_new("bench_operations_total", "Adds.", labels), 1);
    }
}

static long scrape(int fd, const char *request)
{
    return exchange(fd, request, room, ROOM);
}

static bool measure(int fd, const char *what, const char *encoding, int times)
{
    char request[256];
    double *took = calloc((size_t)times, sizeof *took);
    long length = 0;
    snprintf(request, sizeof request, "GET /metrics HTTP/1.1\r\nHost: localhost\r\n%s\r\n",
             encoding);
    scrape(fd, request);
    for (int i = 0; i < times && length >= 0; i++) {
        double start = now_us();
        length = scrape(fd, request);
        took[i] = now_us() - start;
    }
    qsort(took, (size_t)times, sizeof *took, compare);
    printf("  %-6s p50 %8.0f us   p99 %8.0f us   %ld bytes\n", what, took[times / 2],
           took[times * 99 / 100], length);
    free(took);
    return length >= 0;
}

static void print_figure(const char *name)
{
    char line[64];
    snprintf(line, sizeof line, "\n%s", name);
    const char *at = strstr(room, line);
    if (at)
        printf("  %.*s\n", (int)strcspn(at + 1, "\n"), at + 1);
}

static bool bench(int series, int times)
{
    static int registered;
    register_series(registered, series);
    registered = series;
    struct served child = start_daemon(NULL, "--series-limit", "1000000");
    int fd = ask(1, child.port, NULL, 0);
    printf("%d series\n", series);
    usleep(1500000); /* until they are collected */
    bool served =
        fd >= 0 && scrape(fd, "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n") > series * 20;
    if (served) {
        served = measure(fd, "plain", "", times);
        print_figure("engramd_collector_duration_seconds");
        served &= measure(fd, "gzip", "Accept-Encoding: gzip\r\n", times);
        printf("  resident %.0f KiB\n", memory(child, "VmRSS:") / 1024);
    }
    close(fd);
    stop(child);
    return served;
}

int main(int argc, char **argv)
{
    int times = quick() ? 50 : 500;
    room = malloc(ROOM);
    make_regions();
    bool served = true;
    if (argc == 1)
        served = bench(10000, times) && bench(100000, times / 5);
    for (int i = 1; i < argc && served; i++)
        served = bench(atoi(argv[i]), times);
    if (!served)
        printf("the daemon did not serve the series\n");
    remove_regions();
    return !served;
}
