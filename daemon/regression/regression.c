/* SPDX-License-Identifier: MIT */
#include "daemon/regression/regression.h"
#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/regression/comparison.h"
#include "daemon/sensors/sensors.h"
#include "daemon/snapshot/values.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPERATIONS_MOST 16
#define NAME_SIZE 32
#define STRETCH (5 * ALERT_SECOND)
#define LEAST_COUNT 20 /* operations in a stretch, of fewer than which the mean tells little */
#define LABEL "operation=\""

struct operation {
    char name[NAME_SIZE]; /* "": unused */
    double count, sum;    /* now, s */
    double before_count, before_sum;
    bool begun; /* what was before is of the last stretch's end */
    struct comparison comparison;
};

struct regression {
    struct figures *figures;
    struct snapshot_store *store;
    atomic_bool anew;
    uint64_t stretch_end;
    uint32_t detected, learned; /* figures */
    struct operation operations[OPERATIONS_MOST];
};

struct regression *regression_new(struct figures *figures, struct snapshot_store *store)
{
    struct regression *regression = calloc(1, sizeof *regression);
    if (!regression)
        return NULL;
    regression->figures = figures;
    regression->store = store;
    regression->detected =
        figures_add(figures, ENGRAM_REGRESSION, "metric=\"latency\",significance=\"5_percent\"",
                    SENSOR_LIFETIME);
    regression->learned =
        figures_add(figures, ENGRAM_BASELINE_LEARNED, "metric=\"latency\"", SENSOR_LIFETIME);
    if (regression->detected != FIGURE_NONE && regression->learned != FIGURE_NONE)
        return regression;
    free(regression);
    return NULL;
}

void regression_free(struct regression *regression)
{
    free(regression);
}

/* --- What operations there are --- */

/* The value of the label, which lies first or behind a comma; false when it is absent or long. */
static bool name_of(const char *labels, char name[NAME_SIZE])
{
    const char *at = strstr(labels, LABEL);
    if (!at || (at > labels && at[-1] != ','))
        return false;
    at += sizeof LABEL - 1;
    size_t length = strcspn(at, "\"\\");
    if (length == 0 || length >= NAME_SIZE || at[length] != '"')
        return false;
    memcpy(name, at, length);
    name[length] = 0;
    return true;
}

/* NULL when there are too many. */
static struct operation *operation_of(struct regression *regression, const char *name)
{
    for (int i = 0; i < OPERATIONS_MOST; i++) {
        struct operation *operation = &regression->operations[i];
        if (!*operation->name)
            memcpy(operation->name, name, NAME_SIZE);
        if (strcmp(operation->name, name) == 0)
            return operation;
    }
    return NULL;
}

static void add_series(struct regression *regression, const struct snapshot *snapshot,
                       const struct series *series)
{
    char name[NAME_SIZE] = "";
    struct operation *operation =
        series->rows == ROWS_NODES && series->shape && name_of(series->labels, name)
            ? operation_of(regression, name)
            : NULL;
    if (!operation)
        return;
    operation->count += value_count(series, snapshot, VALUES_ALL_NODES);
    operation->sum += value_sum(series, snapshot);
}

/* False when there is no whole snapshot. */
static bool add_up(struct regression *regression)
{
    const struct snapshot *snapshot = snapshot_begin(regression->store);
    bool whole = snapshot && !snapshot->incomplete;
    const struct family *family =
        whole ? plan_catalogued(snapshot_plan(snapshot), ENGRAM_OPERATION_DURATION) : NULL;
    for (int i = 0; i < OPERATIONS_MOST; i++)
        regression->operations[i].count = regression->operations[i].sum = 0;
    for (uint32_t i = 0; family && i < family->count; i++)
        add_series(regression, snapshot, &family->series[i]);
    snapshot_end();
    return whole;
}

/* --- How long they take --- */

static void say(const struct operation *operation)
{
    double usual = comparison_usual(&operation->comparison) * 1e6;
    double latest = comparison_latest(&operation->comparison) * 1e6;
    log_event(operation->comparison.larger ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO,
              operation->comparison.larger ? "an operation takes longer than usual"
                                           : "an operation takes as long as usual again",
              "operation=%s mean_us=%.1f usual_us=%.1f", operation->name, latest, usual);
}

/* A total that fell, as a process was forgotten, begins a stretch anew. */
static void end_stretch(struct operation *operation)
{
    double count = operation->count - operation->before_count;
    double sum = operation->sum - operation->before_sum;
    bool larger = operation->comparison.larger;
    if (operation->begun && count >= LEAST_COUNT && sum >= 0)
        comparison_add(&operation->comparison, sum / count);
    if (larger != operation->comparison.larger)
        say(operation);
    operation->before_count = operation->count;
    operation->before_sum = operation->sum;
    operation->begun = true;
}

static void learn_anew(struct regression *regression)
{
    for (int i = 0; i < OPERATIONS_MOST; i++)
        regression->operations[i].comparison = (struct comparison){0};
}

/* Known once it is of one kind of operations; learned as far as that which is the farthest. */
static void tell(struct regression *regression)
{
    double detected = NAN, learned = NAN;
    for (int i = 0; i < OPERATIONS_MOST && *regression->operations[i].name; i++) {
        const struct comparison *comparison = &regression->operations[i].comparison;
        learned = fmax(learned, (double)comparison->learned / COMPARISON_USUAL);
        if (comparison->seen >= COMPARISON_LATEST)
            detected = fmax(detected, comparison->larger);
    }
    figures_set(regression->figures, regression->detected, detected);
    figures_set(regression->figures, regression->learned, learned);
}

void regression_read(void *argument)
{
    struct regression *regression = argument;
    uint64_t now = clock_monotonic();
    if (atomic_exchange(&regression->anew, false))
        learn_anew(regression);
    if (now >= regression->stretch_end && add_up(regression)) {
        regression->stretch_end = now + STRETCH;
        for (int i = 0; i < OPERATIONS_MOST && *regression->operations[i].name; i++)
            end_stretch(&regression->operations[i]);
    }
    tell(regression);
}

void regression_learn(struct regression *regression)
{
    atomic_store(&regression->anew, true);
}
