/* SPDX-License-Identifier: MIT */
/*
 * Scrapes of a real daemon on one kept connection: this process registers the
 * series, starts engramd beside it and asks.  Prints the median and the 99th
 * percentile, plain and gzip, the collector's tick and the daemon's memory.
 *
 *     scrape_http [SERIES ...]      (default: 10000 and 100000)
 */
#define _GNU_SOURCE
#include <engram/engram.h>

#include <arpa/inet.h>
#include <libgen.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PORT 17433
#define ROOM (64u << 20)

static char directory[64];
static char daemon_path[512];
static char *room;

static double now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec * 1e-3;
}

static int compare(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void register_series(int from, int to)
{
    for (int i = from; i < to; i++) {
        char value[16];
        snprintf(value, sizeof value, "%d", i);
        const char *labels[] = {"operation", "benchmark", "series", value, NULL};
        engram_counter_add(engram_counter_new("bench_operations_total", "Adds.", labels), 1);
    }
}

static pid_t start_daemon(void)
{
    pid_t child = fork();
    if (child)
        return child;
    char listen[32], state[sizeof directory + 8];
    snprintf(listen, sizeof listen, "127.0.0.1:%d", PORT);
    snprintf(state, sizeof state, "%s/.state", directory); /* hidden, so it is no region */
    if (!freopen("/dev/null", "w", stderr))
        _exit(126);
    execl(daemon_path, "engramd", "--listen", listen, "--region-dir", directory, "--state-dir",
          state, "--series-limit", "1000000", (char *)NULL);
    _exit(127);
}

static int dial(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int i = 0; i < 200; i++) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
            return fd;
        close(fd);
        usleep(20000);
    }
    return -1;
}

/* One response, whole; returns the length of its body, or -1. */
static long scrape(int fd, const char *request)
{
    size_t have = 0;
    const char *body = NULL;
    long length = -1;
    if (write(fd, request, strlen(request)) < 0)
        return -1;
    while (!body || (long)(have - (size_t)(body - room)) < length) {
        ssize_t got = read(fd, room + have, ROOM - 1 - have);
        if (got <= 0)
            return -1;
        have += (size_t)got;
        room[have] = 0;
        if (!body && (body = strstr(room, "\r\n\r\n"))) {
            body += 4;
            const char *field = strstr(room, "Content-Length: ");
            length = field ? strtol(field + 16, NULL, 10) : -1;
        }
    }
    return strncmp(room, "HTTP/1.1 200", 12) == 0 ? length : -1;
}

static void measure(int fd, const char *what, const char *encoding, int times)
{
    char request[256];
    double *took = calloc((size_t)times, sizeof *took);
    long length = 0;
    snprintf(request, sizeof request, "GET /metrics HTTP/1.1\r\nHost: a\r\n%s\r\n", encoding);
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
}

static void print_figure(const char *name)
{
    char line[64];
    snprintf(line, sizeof line, "\n%s", name);
    const char *at = strstr(room, line);
    if (at)
        printf("  %.*s\n", (int)strcspn(at + 1, "\n"), at + 1);
}

static void print_memory(pid_t child)
{
    char path[64], line[256];
    snprintf(path, sizeof path, "/proc/%d/status", (int)child);
    FILE *status = fopen(path, "r");
    while (status && fgets(line, sizeof line, status))
        if (strncmp(line, "Rss", 3) == 0 || strncmp(line, "VmRSS", 5) == 0)
            printf("  %s", line);
    if (status)
        fclose(status);
}

static bool bench(int series, int times)
{
    static int registered;
    register_series(registered, series);
    registered = series;
    pid_t child = start_daemon();
    int fd = dial();
    printf("%d series\n", series);
    usleep(1500000); /* until they are collected */
    bool served = fd >= 0 && scrape(fd, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n") > series * 20;
    if (served) {
        measure(fd, "plain", "", times);
        print_figure("engramd_collector_duration_seconds");
        measure(fd, "gzip", "Accept-Encoding: gzip\r\n", times);
        print_memory(child);
    }
    close(fd);
    kill(child, SIGTERM);
    waitpid(child, NULL, 0);
    return served;
}

int main(int argc, char **argv)
{
    char self[400] = "";
    int times = getenv("QUICK") && *getenv("QUICK") ? 50 : 500;
    if (readlink("/proc/self/exe", self, sizeof self - 1) < 0)
        return 1;
    snprintf(daemon_path, sizeof daemon_path, "%s/../engramd", dirname(self));
    snprintf(directory, sizeof directory, "/dev/shm/engram-bench-XXXXXX");
    room = malloc(ROOM);
    if (!room || !mkdtemp(directory))
        return 1;
    setenv("ENGRAM_DIR", directory, 1);
    bool served = true;
    if (argc == 1)
        served = bench(10000, times) && bench(100000, times / 5);
    for (int i = 1; i < argc && served; i++)
        served = bench(atoi(argv[i]), times);
    if (!served)
        printf("the daemon did not serve the series\n");
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", directory);
    return system(command) || !served;
}
