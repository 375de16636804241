/* SPDX-License-Identifier: MIT */
#include "daemon/health/hnsw_check.h"
#include "daemon/health/gauges.h"

#include <math.h>
#include <string.h>
#include <time.h>

static const struct limits violations = {INFINITY, 1};
/* Share of the probes that do not find what is there. */
static const struct limits not_found = {0.2, 0.5};
/* Seconds since the last whole audit. */
static const struct limits age = {600, INFINITY};

static const char *name_of(enum engram_family family)
{
    return engram_catalogue[family].name;
}

/* The labels of one process and all that follows, as far as it fits: for people. */
static void say(struct finding *finding, const struct series *series, const char *what)
{
    finding_say(finding, "%s%s%s", what, *series->labels ? ": " : "", series->labels);
}

static struct finding judge_violations(double count, const struct series *series)
{
    struct finding finding =
        finding_judge(count, violations, "violations", name_of(ENGRAM_HNSW_VIOLATIONS));
    say(&finding, series,
        count > 0 ? "the last audit found violations" : "the last audit found none");
    return finding;
}

static struct finding judge_recall(double recall, const struct series *series)
{
    struct finding finding =
        finding_judge(1 - recall, not_found, "ratio", name_of(ENGRAM_HNSW_PROBE_RECALL));
    say(&finding, series, "share of probes that do not find a node by its own vector");
    return finding;
}

static struct finding judge_time(double time, const struct series *series)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    struct finding finding = finding_judge(fmax(0, (double)now.tv_sec - time), age, "seconds",
                                           name_of(ENGRAM_HNSW_AUDIT_TIME));
    say(&finding, series, "since the last whole audit");
    return finding;
}

/* Every process' gauges of a family. */
static void add_family(struct finding *whole, const struct snapshot *snapshot,
                       enum engram_family which,
                       struct finding (*judge)(double value, const struct series *series))
{
    uint32_t count;
    const struct series *series = gauges_of(snapshot, which, &count);
    for (uint32_t i = 0; i < count; i++) {
        double value = gauge_value(snapshot, &series[i]);
        if (isnan(value))
            continue;
        struct finding part = judge(value, &series[i]);
        finding_add(whole, &part);
    }
}

struct finding hnsw_check_look(void *store)
{
    struct finding finding = finding_unknown(name_of(ENGRAM_HNSW_VIOLATIONS));
    finding_say(&finding, "no process says that it has audited its graph");
    const struct snapshot *snapshot = snapshot_begin(store);
    if (snapshot) {
        add_family(&finding, snapshot, ENGRAM_HNSW_VIOLATIONS, judge_violations);
        add_family(&finding, snapshot, ENGRAM_HNSW_PROBE_RECALL, judge_recall);
        add_family(&finding, snapshot, ENGRAM_HNSW_AUDIT_TIME, judge_time);
    }
    snapshot_end();
    return finding;
}
