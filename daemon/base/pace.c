/* SPDX-License-Identifier: MIT */
#include "daemon/base/pace.h"
#include "daemon/base/clock.h"
#include "daemon/base/log.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define REVIEW_NS UINT64_C(1000000000)
#define TICK_WIDEST 10000u /* ms; or the one that is wanted, if that is wider */
#define PATIENCE 3         /* reviews that agree before anything is changed */
/* Half the tick takes twice the time: far enough below the budget not to be back at once. */
#define NARROW_BELOW 0.35

struct pace {
    uint32_t wanted_ms;
    _Atomic uint32_t tick_ms;
    double budget;
    int over, under;        /* reviews in a row */
    _Atomic uint64_t spent; /* by threads that collect, ns */
    uint64_t reviewed;      /* when, CLOCK_MONOTONIC, ns; what was used until then is below */
    uint64_t spent_before, used_before;
    double ratio;
};

static uint64_t used(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (uint64_t)time.tv_sec * UINT64_C(1000000000) + (uint64_t)time.tv_nsec;
}

struct pace *pace_new(uint32_t tick_ms, double budget)
{
    struct pace *pace = calloc(1, sizeof *pace);
    if (!pace)
        return NULL;
    pace->wanted_ms = tick_ms;
    pace->budget = budget;
    pace->reviewed = clock_monotonic();
    pace->used_before = used(CLOCK_PROCESS_CPUTIME_ID);
    atomic_init(&pace->tick_ms, tick_ms);
    atomic_init(&pace->spent, 0);
    return pace;
}

void pace_free(struct pace *pace)
{
    free(pace);
}

uint64_t pace_tick(const struct pace *pace)
{
    return (uint64_t)atomic_load_explicit(&pace->tick_ms, memory_order_relaxed) * 1000000;
}

void pace_spent(struct pace *pace)
{
    static _Thread_local uint64_t before;
    uint64_t now = used(CLOCK_THREAD_CPUTIME_ID);
    atomic_fetch_add_explicit(&pace->spent, now - before, memory_order_relaxed);
    before = now;
}

static void set_tick(struct pace *pace, uint32_t tick_ms, double share)
{
    char took[32], may[32];
    snprintf(took, sizeof took, "%.3f", share);
    snprintf(may, sizeof may, "%.3f", pace->budget);
    pace->over = pace->under = 0;
    log_event(tick_ms > atomic_load(&pace->tick_ms) ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO,
              tick_ms > atomic_load(&pace->tick_ms)
                  ? "collecting takes more than its share of a core; the tick is widened"
                  : "collecting takes less than its share of a core; the tick is narrowed",
              "tick_ms=%u share=%s budget=%s", tick_ms, took, may);
    atomic_store(&pace->tick_ms, tick_ms);
}

void pace_adjust(struct pace *pace, double share)
{
    uint32_t tick = atomic_load(&pace->tick_ms);
    uint32_t widest = pace->wanted_ms > TICK_WIDEST ? pace->wanted_ms : TICK_WIDEST;
    pace->over = share > pace->budget ? pace->over + 1 : 0;
    pace->under = share < NARROW_BELOW * pace->budget ? pace->under + 1 : 0;
    if (pace->over >= PATIENCE && tick < widest)
        set_tick(pace, 2 * tick < widest ? 2 * tick : widest, share);
    else if (pace->under >= PATIENCE && tick > pace->wanted_ms)
        set_tick(pace, tick / 2 > pace->wanted_ms ? tick / 2 : pace->wanted_ms, share);
}

bool pace_review(struct pace *pace)
{
    uint64_t now = clock_monotonic(), passed = now - pace->reviewed;
    if (passed < REVIEW_NS)
        return false;
    uint64_t spent = atomic_load(&pace->spent), all = used(CLOCK_PROCESS_CPUTIME_ID);
    pace->ratio = (double)(all - pace->used_before) / (double)passed;
    pace_adjust(pace, (double)(spent - pace->spent_before) / (double)passed);
    pace->reviewed = now;
    pace->spent_before = spent;
    pace->used_before = all;
    return true;
}

double pace_ratio(const struct pace *pace)
{
    return pace->ratio;
}
