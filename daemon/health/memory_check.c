/* SPDX-License-Identifier: MIT */
#include "daemon/health/memory_check.h"
#include "daemon/base/clock.h"
#include "daemon/base/rate.h"
#include "daemon/machine/fields.h"
#include "daemon/machine/source.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW UINT64_C(1000000000)
#define TEXT_SIZE 16384 /* vmstat has 4 KiB today */
/* The kernel sums vmstat over all CPUs whenever it is read: twice a second must do. */
#define STALLS_NS UINT64_C(450000000)

#define PRESSURE "/proc/pressure/memory"
#define MEMINFO "/proc/meminfo"
#define VMSTAT "/proc/vmstat"

/* Shares of the last second in which some or all tasks waited. */
static const struct limits some_waits = {0.2, INFINITY};
static const struct limits all_wait = {0.1, 0.4};
/* Share of the memory that is not available without swapping. */
static const struct limits used = {0.9, 0.97};
/* Allocations in a second that had to reclaim before they got anything. */
static const struct limits reclaims = {100, INFINITY};

struct memory_check {
    struct machine_source pressure, meminfo, vmstat;
    struct rate some, full, stalls;
    uint64_t stalls_due;
    double stalls_per_second; /* NAN: not known */
    char text[TEXT_SIZE];
};

struct memory_check *memory_check_new(const char *sysroot)
{
    struct memory_check *check = calloc(1, sizeof *check);
    if (!check)
        return NULL;
    check->some.window = check->full.window = check->stalls.window = WINDOW;
    bool good = source_init(&check->pressure, sysroot, PRESSURE);
    good &= source_init(&check->meminfo, sysroot, MEMINFO);
    good &= source_init(&check->vmstat, sysroot, VMSTAT);
    if (good)
        return check;
    memory_check_free(check);
    return NULL;
}

void memory_check_free(struct memory_check *check)
{
    source_close(&check->pressure);
    source_close(&check->meminfo);
    source_close(&check->vmstat);
    free(check);
}

static struct finding judge_wait(struct rate *rate, uint64_t waited_us, struct limits limits,
                                 const char *who)
{
    double share = rise_per_second(rate_take(rate, clock_monotonic(), waited_us)) / 1e6;
    if (isnan(share))
        return finding_unknown(PRESSURE);
    struct finding finding = finding_judge(share, limits, "ratio", PRESSURE);
    finding_say(&finding, "%s waited for memory for %.1f %% of the last second", who, share * 100);
    return finding;
}

static void add_pressure(struct memory_check *check, struct finding *whole)
{
    struct pressure some, full;
    if (!source_read(&check->pressure, check->text, sizeof check->text))
        return;
    if (fields_pressure(check->text, "some", &some)) {
        struct finding part = judge_wait(&check->some, some.total_us, some_waits, "some tasks");
        finding_add(whole, &part);
    }
    if (fields_pressure(check->text, "full", &full)) {
        struct finding part = judge_wait(&check->full, full.total_us, all_wait, "all tasks");
        finding_add(whole, &part);
    }
}

static void add_available(struct memory_check *check, struct finding *whole)
{
    struct field fields[] = {{.name = "MemTotal"}, {.name = "MemAvailable"}};
    source_read(&check->meminfo, check->text, sizeof check->text);
    if (fields_read(check->text, fields, 2) < 2 || fields[0].value == 0)
        return;
    double free_share = (double)fields[1].value / (double)fields[0].value;
    struct finding part = finding_judge(1 - free_share, used, "ratio", MEMINFO);
    finding_say(&part, "%.1f %% of the memory is available", free_share * 100);
    finding_add(whole, &part);
}

/* allocstall_dma, allocstall_normal, ...: one for each zone. */
static bool sum_stalls(const char *text, uint64_t *sum)
{
    const char *line;
    bool found = false;
    for (*sum = 0; (line = fields_line(&text));) {
        const char *zone = fields_behind(line, "allocstall_");
        const char *number = zone ? strchr(zone, ' ') : NULL;
        uint64_t value;
        if (number && fields_numbers(number, &value, 1) == 1) {
            *sum += value;
            found = true;
        }
    }
    return found;
}

static void read_stalls(struct memory_check *check, uint64_t now)
{
    uint64_t stalls;
    source_read(&check->vmstat, check->text, sizeof check->text);
    bool known = sum_stalls(check->text, &stalls);
    check->stalls_per_second =
        known ? rise_per_second(rate_take(&check->stalls, now, stalls)) : NAN;
    check->stalls_due = now + STALLS_NS;
}

static void add_stalls(struct memory_check *check, struct finding *whole)
{
    uint64_t now = clock_monotonic();
    if (now >= check->stalls_due)
        read_stalls(check, now);
    double rate = check->stalls_per_second;
    if (isnan(rate))
        return;
    struct finding part = finding_judge(rate, reclaims, "per second", VMSTAT);
    finding_say(&part, "%.0f allocations a second had to reclaim memory first", rate);
    finding_add(whole, &part);
}

static const char *why(const struct machine_source *source)
{
    return source->reason == SOURCE_GOOD ? "not understood" : source_word(source->reason);
}

struct finding memory_check_look(void *argument)
{
    struct memory_check *check = argument;
    struct finding finding = finding_unknown(PRESSURE);
    add_available(check, &finding);
    add_pressure(check, &finding);
    add_stalls(check, &finding);
    if (finding.state == HEALTH_UNKNOWN)
        finding_say(&finding, PRESSURE ": %s; " MEMINFO ": %s", why(&check->pressure),
                    why(&check->meminfo));
    return finding;
}
