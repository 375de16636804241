/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "daemon/health/canary.h"
#include "daemon/base/clock.h"

#include <inttypes.h>
#include <math.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CPUS 4096
#define SETS (CPUS / CPU_SETSIZE)
#define SETS_MOST 8
#define SOURCE "known-answer computation"
#define LATE UINT64_C(10000000000) /* since a core was computed on, when one is each second */

struct counted {
    uint64_t runs, failures;
    uint32_t runs_figure, failures_figure;
};

struct canary {
    struct figures *figures;
    const struct simd_set *sets;
    struct counted counted[SETS_MOST];
    uint32_t cpu; /* where it was last */
    bool seen[CPUS], wrong[CPUS];
    /* For who looks. */
    _Atomic uint64_t last; /* when a core was computed on, CLOCK_MONOTONIC, ns; 0: never yet */
    _Atomic uint32_t all_cores, cores, wrong_cores; /* to be seen, seen, and wrong */
    _Atomic uint32_t wrong_cpu, wrong_set;          /* the last that was */
};

/* Whole numbers so small that all sums are below 2^24: exact in a float, in any order.  Not
 * constants, or a compiler could compute with them. */
static _Alignas(64) float canary_vectors[2][SIMD_DIMENSION];
static float answer;

static void make_vectors(void)
{
    int sum = 0;
    for (int i = 0; i < SIMD_DIMENSION; i++) {
        int a = i * 5 % 16 - 7, b = i * 11 % 13 - 6;
        canary_vectors[0][i] = (float)a;
        canary_vectors[1][i] = (float)b;
        sum += a * b;
    }
    answer = (float)sum;
}

static bool add_figures(struct canary *canary, uint32_t set)
{
    struct counted *counted = &canary->counted[set];
    char labels[64];
    snprintf(labels, sizeof labels, "instruction_set=\"%s\"", canary->sets[set].name);
    counted->runs_figure =
        figures_add(canary->figures, ENGRAM_SIMD_CANARY_RUNS, labels, UINT64_MAX);
    counted->failures_figure =
        figures_add(canary->figures, ENGRAM_SIMD_CANARY_FAILURES, labels, UINT64_MAX);
    if (counted->runs_figure == FIGURE_NONE || counted->failures_figure == FIGURE_NONE)
        return false;
    figures_set(canary->figures, counted->runs_figure, 0);
    figures_set(canary->figures, counted->failures_figure, 0);
    return true;
}

struct canary *canary_new(struct figures *figures, const struct simd_set *sets)
{
    struct canary *canary = calloc(1, sizeof *canary);
    if (!canary)
        return NULL;
    canary->figures = figures;
    canary->sets = sets;
    canary->cpu = CPUS - 1;
    make_vectors();
    for (uint32_t i = 0; sets[i].name; i++)
        if (sets[i].available() && !add_figures(canary, i)) {
            free(canary);
            return NULL;
        }
    return canary;
}

void canary_free(struct canary *canary)
{
    free(canary);
}

/* --- Where --- */

/* Goes to the next core; false when there is none that this thread may run on. */
static bool go_on(struct canary *canary, const cpu_set_t *allowed)
{
    cpu_set_t one[SETS];
    size_t size = sizeof one;
    bool there = false;
    for (uint32_t i = 0; i < CPUS && !there; i++) {
        canary->cpu = (canary->cpu + 1) % CPUS;
        if (!CPU_ISSET_S(canary->cpu, size, allowed))
            continue;
        CPU_ZERO_S(size, one);
        CPU_SET_S(canary->cpu, size, one);
        there = sched_setaffinity(0, size, one) == 0; /* or it has just gone offline */
    }
    return there;
}

/* --- What --- */

static bool compute(struct canary *canary)
{
    bool right = true;
    for (uint32_t i = 0; canary->sets[i].name; i++) {
        struct counted *counted = &canary->counted[i];
        if (!canary->sets[i].available())
            continue;
        counted->runs++;
        if (canary->sets[i].dot(canary_vectors[0], canary_vectors[1]) != answer) {
            counted->failures++;
            right = false;
            atomic_store(&canary->wrong_cpu, canary->cpu);
            atomic_store(&canary->wrong_set, i);
        }
        figures_set(canary->figures, counted->runs_figure, (double)counted->runs);
        figures_set(canary->figures, counted->failures_figure, (double)counted->failures);
    }
    return right;
}

/* Of a core that is not there any more nothing is held against the others. */
static void book(struct canary *canary, const cpu_set_t *allowed, bool right)
{
    uint32_t all = 0, cores = 0, wrong = 0;
    canary->seen[canary->cpu] = true;
    canary->wrong[canary->cpu] = !right;
    for (uint32_t cpu = 0; cpu < CPUS; cpu++) {
        bool there = CPU_ISSET_S(cpu, CPU_ALLOC_SIZE(CPUS), allowed);
        canary->seen[cpu] &= there;
        canary->wrong[cpu] &= there;
        all += there;
        cores += canary->seen[cpu];
        wrong += canary->wrong[cpu];
    }
    atomic_store(&canary->all_cores, all);
    atomic_store(&canary->cores, cores);
    atomic_store(&canary->wrong_cores, wrong);
    atomic_store(&canary->last, clock_monotonic());
}

void canary_run(void *argument)
{
    struct canary *canary = argument;
    cpu_set_t allowed[SETS];
    size_t size = sizeof allowed;
    /* Of the main thread, which nobody moves: what this one had would lack CPUs that come back. */
    if (sched_getaffinity(getpid(), size, allowed) == 0) {
        if (go_on(canary, allowed))
            book(canary, allowed, compute(canary));
        sched_setaffinity(0, size, allowed);
    }
}

/* --- What came out --- */

struct finding canary_look(void *argument)
{
    struct canary *canary = argument;
    uint64_t last = atomic_load(&canary->last), now = clock_monotonic();
    uint32_t wrong = atomic_load(&canary->wrong_cores);
    if (last == 0 || (now > last && now - last > LATE)) {
        struct finding finding = finding_unknown(SOURCE);
        finding_say(&finding, "no core was computed on lately; may this thread be pinned?");
        return finding;
    }
    struct finding finding = finding_judge(wrong, (struct limits){INFINITY, 1}, "cores", SOURCE);
    if (wrong)
        finding_say(&finding,
                    "%" PRIu32 " of %" PRIu32 " cores compute wrongly; CPU %" PRIu32
                    " did last, with %s",
                    wrong, atomic_load(&canary->cores), atomic_load(&canary->wrong_cpu),
                    canary->sets[atomic_load(&canary->wrong_set)].name);
    else
        finding_say(&finding, "%" PRIu32 " of %" PRIu32 " cores have computed rightly",
                    atomic_load(&canary->cores), atomic_load(&canary->all_cores));
    return finding;
}
