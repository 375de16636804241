/* SPDX-License-Identifier: MIT */
#include "daemon/health/cache_check.h"
#include "daemon/base/rate.h"

#include <inttypes.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

#define WINDOW UINT64_C(1000000000)
#define SOURCE "engram_contended_cache_line_loads_total"
#define UNIT "loads per thousand instructions"

/* Of what is usual.  Below the second pair nothing is said to be wrong, however unusual: a
 * contended load takes some 60 cycles, so that one in a thousand instructions costs about 5 % of
 * the time, from which on Intel's top-down analysis calls it a bottleneck. */
static const struct limits times_usual = {3, 10}, least = {1, 3};

/* Seconds until what is usual has followed a change by two thirds, once it is known. */
#define MEMORY_NS 3600e9

struct cache_check {
    atomic_bool anew; /* asked for */
    const struct pmu_sensor *pmu;
    struct rate contended, instructions;
    double usual;
    uint64_t learned; /* for so long, ns */
    uint64_t looked;  /* at the counters' time; 0: not yet */
};

struct cache_check *cache_check_new(const struct pmu_sensor *pmu)
{
    struct cache_check *check = calloc(1, sizeof *check);
    if (check) {
        check->pmu = pmu;
        check->contended.window = check->instructions.window = WINDOW;
    }
    return check;
}

void cache_check_free(struct cache_check *check)
{
    free(check);
}

void cache_check_learn(struct cache_check *check)
{
    atomic_store(&check->anew, true);
}

/* A mean of all that was seen at first, later one that forgets. */
static void learn(struct cache_check *check, double value, uint64_t time)
{
    uint64_t past = check->looked && time > check->looked ? time - check->looked : 0;
    if (past > WINDOW) /* somebody slept */
        past = 0;
    check->learned += past;
    if (check->learned)
        check->usual +=
            (value - check->usual) * (double)past / fmin((double)check->learned, MEMORY_NS);
}

static struct finding judge(struct cache_check *check, double value, uint64_t time)
{
    struct finding finding = finding_unknown(SOURCE);
    if (check->learned < CACHE_CHECK_LEARNING) {
        learn(check, value, time);
        finding_say(&finding, "what is usual is still being learned, for %" PRIu64 " more seconds",
                    (CACHE_CHECK_LEARNING - check->learned) / 1000000000);
        finding.value = value;
        return finding;
    }
    struct limits limits = {fmax(times_usual.degraded * check->usual, least.degraded),
                            fmax(times_usual.unhealthy * check->usual, least.unhealthy)};
    finding = finding_judge(value, limits, UNIT, SOURCE);
    finding_say(&finding, "cores load lines that others have changed; %.3g is usual", check->usual);
    if (finding.state == HEALTH_HEALTHY)
        learn(check, value, time);
    return finding;
}

struct finding cache_check_look(void *argument)
{
    struct cache_check *check = argument;
    struct finding finding = finding_unknown(SOURCE);
    struct pmu_contention now;
    if (!pmu_sensor_contention(check->pmu, &now)) {
        finding_say(&finding, "%s is not counted: %s", now.lacking, perf_reason_word(now.reason));
        return finding;
    }
    if (atomic_exchange(&check->anew, false))
        check->learned = 0;
    struct rise contended = rate_take(&check->contended, now.time, now.contended);
    struct rise instructions = rate_take(&check->instructions, now.time, now.instructions);
    finding_say(&finding, "nothing has been counted yet");
    if (contended.ns && instructions.by)
        finding = judge(check, 1000.0 * (double)contended.by / (double)instructions.by, now.time);
    check->looked = now.time;
    return finding;
}
