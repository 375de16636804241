/* SPDX-License-Identifier: MIT */
#include "daemon/alerts/signal.h"
#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/base/rate.h"
#include "daemon/base/wall.h"
#include "daemon/snapshot/labels.h"
#include "daemon/snapshot/values.h"

#include <engram/abi.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Sums that are followed; of more than that nothing is told.  A process has about nine. */
#define SUMS_MOST 16384

struct sum {
    uint32_t number; /* of the signal */
    bool used, summed;
    uint64_t version; /* of the last plan that has series for it */
    char labels[SIGNAL_LABELS_SIZE];
    double now, value; /* its counts, and what was made of them; NAN: nothing yet */
    uint64_t time;     /* of the last snapshot that had it */
    struct rate rate;
};

/* What a signal is made of: found once for each plan, since labels take longer than numbers. */
struct member {
    const struct series *series, *other; /* of the plan; `other` of a difference, NULL: absent */
    struct sum *sum;                     /* of what is summed */
};

struct watch {
    uint64_t version; /* of the plan that the members are of; 0: of none */
    struct member *members;
    uint32_t count, room;
};

struct signals {
    struct watch *watches; /* by the signals' numbers */
    uint32_t count;
    struct sum sums[SUMS_MOST];
    uint32_t summed[SUMS_MOST], summed_count; /* which of them are, of the signal at hand */
    bool full;                                /* the log knows that there are more */
};

struct signals *signals_new(uint32_t count)
{
    struct signals *signals = calloc(1, sizeof(struct signals));
    if (!signals)
        return NULL;
    signals->watches = calloc(count, sizeof *signals->watches);
    signals->count = count;
    if (signals->watches)
        return signals;
    signals_free(signals);
    return NULL;
}

void signals_free(struct signals *signals)
{
    for (uint32_t i = 0; signals->watches && i < signals->count; i++)
        free(signals->watches[i].members);
    free(signals->watches);
    free(signals);
}

/* --- Labels --- */

/* Whether a series has the labels of a selector, a="x",b="": an empty one is absent. */
static bool has_labels(const char *labels, const char *wanted)
{
    struct label label;
    while (labels_next(&wanted, &label)) {
        char name[64];
        size_t length = 0;
        if (label.name_length >= sizeof name)
            return false;
        memcpy(name, label.name, label.name_length);
        name[label.name_length] = 0;
        const char *value = labels_find(labels, name, &length);
        if (length != label.value_length || (value && memcmp(value, label.value, length) != 0))
            return false;
    }
    return true;
}

/* The labels of a series that a sum keeps, among them the process.  False when they do not fit. */
static bool kept_labels(const char *labels, const char *by, char to[SIGNAL_LABELS_SIZE])
{
    size_t length = 0;
    for (struct label label; labels_next(&labels, &label);) {
        bool kept = label.name_length == 7 && memcmp(label.name, "process", 7) == 0;
        for (const char *name = by; *name && !kept;
             name += strcspn(name, ","), name += *name == ',')
            kept = strcspn(name, ",") == label.name_length &&
                   memcmp(name, label.name, label.name_length) == 0;
        size_t size = (size_t)(label.value + label.value_length + 1 - label.name);
        if (!kept)
            continue;
        if (length + size + 2 > SIGNAL_LABELS_SIZE)
            return false;
        if (length)
            to[length++] = ',';
        memcpy(to + length, label.name, size);
        length += size;
    }
    to[length] = 0;
    return true;
}

/* --- Single values --- */

/* NAN: absent. */
static double number_of(const struct series *series, const struct snapshot *snapshot)
{
    const union word *row = series->rows == ROWS_HOST       ? snapshot->host
                            : series->rows == ROWS_COMPUTED ? snapshot->computed
                                                            : NULL;
    if (!row || row[series->at].count == ENGRAM_GAUGE_UNSET)
        return NAN;
    return row[series->at].number;
}

static double single_value(const struct alert_signal *signal, const struct snapshot *snapshot,
                           const struct member *member, uint64_t now)
{
    double value = number_of(member->series, snapshot);
    switch (signal->reading) {
    case ALERT_DIFFERENCE:
        return member->other ? fabs(value - number_of(member->other, snapshot)) : NAN;
    case ALERT_AGE:
        return wall_ms(now) / 1e3 - value;
    default:
        return value;
    }
}

/* --- Sums --- */

#define PROBES 16

static uint32_t hash_of(uint32_t number, const char *labels)
{
    uint32_t hash = 2166136261u ^ number; /* FNV-1a */
    for (; *labels; labels++)
        hash = (hash ^ (unsigned char)*labels) * 16777619u;
    return hash;
}

/* NULL when it is not followed. */
static struct sum *find_sum(struct signals *signals, uint32_t number, const char *labels)
{
    uint32_t hash = hash_of(number, labels);
    for (uint32_t i = 0; i < PROBES; i++) {
        struct sum *sum = &signals->sums[(hash + i) % SUMS_MOST];
        if (sum->used && sum->number == number && strcmp(sum->labels, labels) == 0)
            return sum;
    }
    return NULL;
}

/* One that the plan has no series for, and no snapshot had for a while, makes room; NULL when there
 * is none. */
static struct sum *add_sum(struct signals *signals, const struct sum *about, uint64_t now)
{
    uint32_t hash = hash_of(about->number, about->labels);
    uint64_t lifetime = 2 * about->rate.window;
    for (uint32_t i = 0; i < PROBES; i++) {
        struct sum *sum = &signals->sums[(hash + i) % SUMS_MOST];
        if (sum->used && (sum->version == about->version || now <= sum->time + lifetime))
            continue;
        *sum = *about;
        return sum;
    }
    if (!signals->full)
        log_event(LOG_LEVEL_WARNING, "there are too many series to look at all for alerts",
                  "sums=%d", SUMS_MOST);
    signals->full = true;
    return NULL;
}

static struct sum *sum_for(struct signals *signals, uint32_t number,
                           const struct alert_signal *signal, const struct series *series,
                           uint64_t version, uint64_t now)
{
    struct sum about = {.number = number, .used = true, .version = version, .value = NAN};
    about.rate.window = signal->window * ALERT_SECOND;
    if (!kept_labels(series->labels, signal->by, about.labels))
        return NULL;
    struct sum *sum = find_sum(signals, number, about.labels);
    if (!sum)
        return add_sum(signals, &about, now);
    sum->version = version;
    return sum;
}

/* A counter's, or how many values a histogram has; NAN: absent. */
static double count_of(const struct series *series, const struct snapshot *snapshot)
{
    if (series->rows == ROWS_NODES)
        return value_count(series, snapshot, VALUES_ALL_NODES);
    if (series->rows == ROWS_HOST)
        return snapshot->host ? (double)snapshot->host[series->at].count : NAN;
    return series->rows == ROWS_COMPUTED ? number_of(series, snapshot) : NAN;
}

static void add_to_sum(struct signals *signals, const struct snapshot *snapshot,
                       const struct member *member, uint64_t now)
{
    struct sum *sum = member->sum;
    double count = count_of(member->series, snapshot);
    if (isnan(count))
        return;
    if (!sum->summed)
        signals->summed[signals->summed_count++] = (uint32_t)(sum - signals->sums);
    sum->now = sum->summed ? sum->now + count : count;
    sum->summed = true;
    sum->time = now;
}

static void tell_sums(struct signals *signals, const struct alert_signal *signal, uint64_t now,
                      signal_told *told, void *argument)
{
    for (uint32_t i = 0; i < signals->summed_count; i++) {
        struct sum *sum = &signals->sums[signals->summed[i]];
        struct rise rise = rate_take(&sum->rate, now, (uint64_t)sum->now);
        double by = rise.ns ? (double)rise.by : NAN;
        sum->summed = false;
        sum->value = signal->reading == ALERT_RATE ? rise_per_second(rise) : by;
        if (told && rise.ns)
            told(argument, sum->labels, sum->value);
    }
    signals->summed_count = 0;
}

double signal_of_process(struct signals *signals, uint32_t number, const char *labels, uint64_t now)
{
    char process[SIGNAL_LABELS_SIZE];
    const struct sum *sum =
        kept_labels(labels, "", process) ? find_sum(signals, number, process) : NULL;
    return sum && sum->time == now ? sum->value : NAN;
}

/* --- Which series --- */

static bool is_sum(const struct alert_signal *signal)
{
    return signal->reading == ALERT_RATE || signal->reading == ALERT_INCREASE;
}

static const struct series *other_of(const struct alert_signal *signal, const struct plan *plan,
                                     const struct series *series)
{
    const struct family *family = plan_catalogued(plan, signal->other);
    return family ? family_series(family, series->labels) : NULL;
}

static bool make_room(struct watch *watch, uint32_t members)
{
    if (members <= watch->room)
        return true;
    struct member *room = realloc(watch->members, members * sizeof *room);
    if (!room)
        return false;
    watch->members = room;
    watch->room = members;
    return true;
}

static void add_member(struct signals *signals, uint32_t number, const struct alert_signal *signal,
                       const struct plan *plan, const struct series *series, uint64_t now)
{
    struct watch *watch = &signals->watches[number];
    struct member member = {.series = series};
    if (!has_labels(series->labels, signal->labels))
        return;
    if (signal->reading == ALERT_DIFFERENCE)
        member.other = other_of(signal, plan, series);
    if (is_sum(signal) &&
        !(member.sum = sum_for(signals, number, signal, series, plan->set.version, now)))
        return;
    watch->members[watch->count++] = member;
}

/* Without memory for it the signal is absent, until there is some. */
static void find_members(struct signals *signals, uint32_t number,
                         const struct alert_signal *signal, const struct plan *plan, uint64_t now)
{
    struct watch *watch = &signals->watches[number];
    const struct family *family = plan_catalogued(plan, signal->family);
    watch->count = 0;
    watch->version = 0;
    if (family && !make_room(watch, family->count))
        return;
    for (uint32_t i = 0; family && i < family->count; i++)
        add_member(signals, number, signal, plan, &family->series[i], now);
    watch->version = plan->set.version;
}

/* --- All --- */

static void tell_single(const struct alert_signal *signal, const struct snapshot *snapshot,
                        const struct member *member, uint64_t now, signal_told *told,
                        void *argument)
{
    double value = single_value(signal, snapshot, member, now);
    if (!isnan(value))
        told(argument, member->series->labels, value);
}

void signal_tell(struct signals *signals, uint32_t number, const struct alert_signal *signal,
                 const struct snapshot *snapshot, uint64_t now, signal_told *told, void *argument)
{
    const struct watch *watch = &signals->watches[number];
    if (watch->version != snapshot->set->version)
        find_members(signals, number, signal, snapshot_plan(snapshot), now);
    for (uint32_t i = 0; i < watch->count; i++) {
        const struct member *member = &watch->members[i];
        if (snapshot->incomplete && member->series->rows != ROWS_COMPUTED)
            continue;
        if (is_sum(signal))
            add_to_sum(signals, snapshot, member, now);
        else
            tell_single(signal, snapshot, member, now, told, argument);
    }
    if (is_sum(signal))
        tell_sums(signals, signal, now, told, argument);
}
