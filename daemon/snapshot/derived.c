/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "daemon/snapshot/derived.h"
#include "daemon/base/clock.h"
#include "daemon/snapshot/values.h"

#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DERIVATIONS_MOST 8192
#define DERIVATIONS_OF_PROCESS(nodes) (128 + 8 * (nodes)) /* the engine has a dozen */
#define WINDOW 60                                         /* samples, one each second */
#define SAMPLE_NS UINT64_C(1000000000)

enum rule { RULE_RATIO, RULE_PERCENT, RULE_MEAN, RULE_RATE };

#define FROM_CATALOGUE(family) (&engram_catalogue[ENGRAM_##family])

/* The denominator is the family that a series is derived `from`. */
static const struct derivation_rule {
    struct computed_family family;
    const struct engram_family_entry *numerator; /* RULE_RATIO and RULE_PERCENT */
    enum rule rule;
} rules[] = {
    {{.about = FROM_CATALOGUE(COMPLETION_PLAUSIBILITY), .from = FROM_CATALOGUE(COMPLETION_SCORE)},
     NULL,
     RULE_MEAN},
    {{.about = FROM_CATALOGUE(FALSE_MEMORY_RATE), .from = FROM_CATALOGUE(FALSE_MEMORY_TRIALS)},
     FROM_CATALOGUE(FALSE_MEMORIES),
     RULE_RATIO},
    {{.about = FROM_CATALOGUE(ALIGNED_PERCENT), .from = FROM_CATALOGUE(ALLOCATIONS)},
     FROM_CATALOGUE(ALIGNED_ALLOCATIONS),
     RULE_PERCENT},
    {{.about = FROM_CATALOGUE(CACHE_LOCALITY), .from = FROM_CATALOGUE(NEIGHBOR_READS)},
     FROM_CATALOGUE(NEIGHBOR_LOCAL_READS),
     RULE_RATIO},
    {{.about = FROM_CATALOGUE(WORKER_STEAL_RATIO), .from = FROM_CATALOGUE(WORKER_STEAL_ATTEMPTS)},
     FROM_CATALOGUE(WORKER_STEALS),
     RULE_RATIO},
    {{.about = FROM_CATALOGUE(BATCH_THROUGHPUT), .from = FROM_CATALOGUE(BATCH_ITEMS)},
     NULL,
     RULE_RATE},
    {{.about = FROM_CATALOGUE(ATOMIC_CONTENTION),
      .from = FROM_CATALOGUE(ATOMIC_SAMPLES),
      .by_node = true},
     FROM_CATALOGUE(ATOMIC_EXTRA_CYCLES),
     RULE_RATIO},
};

#define RULES (sizeof rules / sizeof rules[0])

struct sample {
    uint64_t time;
    double numerator, denominator;
};

struct derivation {
    const struct derivation_rule *rule;
    char *labels;                                          /* of the denominator */
    uint32_t node;                                         /* UINT32_MAX: all */
    const struct series *numerator, *denominator, *result; /* of the plan */
    struct sample samples[WINDOW];
    uint32_t sample_count, newest;
};

/* What is derived for one process, known by the end of its series' labels. */
struct share {
    const char *process;
    uint32_t taken;
};

struct derived {
    struct plan *plan;       /* a reference to the plan that all below points into */
    struct derivation *list; /* by rule, labels and node */
    uint32_t count;
};

static const struct computed_family *families[RULES + 1];

const struct computed_family *const *derived_families(void)
{
    for (size_t i = 0; i < RULES; i++)
        families[i] = &rules[i].family;
    return families;
}

uint32_t derived_family_count(void)
{
    return RULES;
}

struct derived *derived_new(void)
{
    return calloc(1, sizeof(struct derived));
}

static void list_free(struct derivation *list, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        free(list[i].labels);
    free(list);
}

void derived_free(struct derived *derived)
{
    list_free(derived->list, derived->count);
    if (derived->plan)
        plan_release(derived->plan);
    free(derived);
}

static int derivation_compare(const void *left, const void *right)
{
    const struct derivation *a = left, *b = right;
    if (a->rule != b->rule)
        return a->rule < b->rule ? -1 : 1;
    int order = strcmp(a->labels, b->labels);
    return order ? order : (a->node > b->node) - (a->node < b->node);
}

/* Takes over the samples of the same series under the plan before. */
static void inherit(struct derivation *to, const struct derived *before)
{
    const struct derivation *from =
        before->count ? bsearch(to, before->list, before->count, sizeof *to, derivation_compare)
                      : NULL;
    if (!from)
        return;
    memcpy(to->samples, from->samples, sizeof to->samples);
    to->sample_count = from->sample_count;
    to->newest = from->newest;
}

/* The derived series of a family for one of its denominators, or for one node of that. */
static const struct series *find_result(const struct family *family, const char *labels,
                                        uint32_t node)
{
    if (!family || node == UINT32_MAX)
        return family ? family_series(family, labels) : NULL;
    size_t size = strlen(labels) + sizeof ",numa_node=\"\"" + 10;
    char *full = malloc(size);
    if (!full)
        return NULL;
    snprintf(full, size, "%s,numa_node=\"%u\"", labels, node);
    const struct series *result = family_series(family, full);
    free(full);
    return result;
}

/* Anybody may register a family of that name as something else. */
static bool fits_rule(const struct derivation *d)
{
    const struct series *from = d->denominator, *numerator = d->numerator;
    if (from->rows != ROWS_NODES || !from->shape != (d->rule->rule != RULE_MEAN))
        return false;
    return !d->rule->numerator || (numerator && numerator->rows == ROWS_NODES && !numerator->shape);
}

/* Links one derived series, if its sources are there under this plan. */
static void link_one(struct derived *next, const struct derived *before,
                     const struct derivation_rule *rule, const struct series *from, uint32_t node)
{
    struct derivation *to = &next->list[next->count];
    const struct family *result = plan_family(next->plan, rule->family.about->name);
    const struct family *numerator =
        rule->numerator ? plan_family(next->plan, rule->numerator->name) : NULL;
    *to = (struct derivation){.rule = rule, .node = node, .denominator = from};
    to->labels = strdup(from->labels);
    if (!to->labels)
        return;
    to->result = find_result(result, from->labels, node);
    to->numerator = numerator ? family_series(numerator, from->labels) : NULL;
    if (!to->result || to->result->rows != ROWS_COMPUTED || !fits_rule(to)) {
        free(to->labels);
        return;
    }
    inherit(to, before);
    next->count++;
}

static int share_compare(const void *left, const void *right)
{
    return strcmp(((const struct share *)left)->process, ((const struct share *)right)->process);
}

/* The label of the process stands last; in a value its quote would have a backslash before it. */
static const char *process_of(const char *labels)
{
    const char *last = labels;
    for (const char *at = labels; (at = strstr(at, "process=\"")); at++)
        last = at;
    return last;
}

/* Whether its process may have so many more, whatever it calls them. */
static bool take_share(void **shares, const char *labels, uint32_t count, uint32_t nodes)
{
    struct share wanted = {process_of(labels), 0}, *own;
    struct share *const *node = tfind(&wanted, shares, share_compare);
    if (node) {
        own = *node;
    } else {
        own = calloc(1, sizeof *own);
        if (!own)
            return false;
        *own = wanted;
        if (!tsearch(own, shares, share_compare)) {
            free(own);
            return false;
        }
    }
    if (own->taken + count > DERIVATIONS_OF_PROCESS(nodes))
        return false;
    own->taken += count;
    return true;
}

static void link_rule(struct derived *next, const struct derived *before,
                      const struct derivation_rule *rule, uint32_t nodes, void **shares)
{
    const struct family *from = plan_family(next->plan, rule->family.from->name);
    for (uint32_t i = 0; from && i < from->count; i++) {
        uint32_t copies = rule->family.by_node ? nodes : 1;
        if (next->count + copies > DERIVATIONS_MOST)
            return;
        if (!take_share(shares, from->series[i].labels, copies, nodes))
            continue;
        struct derivation *grown = realloc(next->list, (next->count + copies) * sizeof *next->list);
        if (!grown)
            return;
        next->list = grown;
        for (uint32_t node = 0; node < copies; node++)
            link_one(next, before, rule, &from->series[i],
                     rule->family.by_node ? node : UINT32_MAX);
    }
}

static void relink(struct derived *derived, const struct plan *plan, uint32_t nodes)
{
    void *shares = NULL;
    struct derived next = {.plan = plan_hold((struct plan *)(uintptr_t)plan)};
    for (size_t i = 0; i < RULES; i++)
        link_rule(&next, derived, &rules[i], nodes, &shares);
    tdestroy(shares, free);
    list_free(derived->list, derived->count);
    if (derived->plan)
        plan_release(derived->plan);
    *derived = next;
}

static struct sample take_sample(const struct derivation *d, const struct snapshot *snapshot)
{
    struct sample now = {.time = clock_monotonic()};
    switch (d->rule->rule) {
    case RULE_MEAN:
        now.numerator = value_sum(d->denominator, snapshot);
        now.denominator = value_count(d->denominator, snapshot, d->node);
        break;
    case RULE_RATE:
        now.numerator = value_count(d->denominator, snapshot, d->node);
        now.denominator = (double)now.time * 1e-9;
        break;
    default:
        now.numerator = value_count(d->numerator, snapshot, d->node);
        now.denominator = value_count(d->denominator, snapshot, d->node);
    }
    return now;
}

static const struct sample *oldest_of(const struct derivation *d)
{
    uint32_t first = d->sample_count < WINDOW ? 0 : (d->newest + 1) % WINDOW;
    return &d->samples[first];
}

/* Keeps one sample a second; a total that fell (a process was forgotten) starts the window anew. */
static void keep_sample(struct derivation *d, const struct sample *now)
{
    const struct sample *newest = &d->samples[d->newest];
    if (d->sample_count &&
        (now->numerator < newest->numerator || now->denominator < newest->denominator))
        d->sample_count = 0;
    if (d->sample_count && now->time - newest->time < SAMPLE_NS)
        return;
    d->newest = d->sample_count ? (d->newest + 1) % WINDOW : 0;
    d->samples[d->newest] = *now;
    if (d->sample_count < WINDOW)
        d->sample_count++;
}

static void derive(struct derivation *d, const struct snapshot *snapshot, union word *row)
{
    struct sample now = take_sample(d, snapshot);
    keep_sample(d, &now);
    const struct sample *then = oldest_of(d);
    double per = now.denominator - then->denominator;
    if (!(per > 0) || (d->rule->rule == RULE_RATE && now.time - then->time < SAMPLE_NS))
        return;
    double value = (now.numerator - then->numerator) / per;
    row[d->result->at].number = d->rule->rule == RULE_PERCENT ? 100 * value : value;
}

void derived_fill(struct derived *derived, const struct plan *plan, const struct snapshot *snapshot,
                  union word *row)
{
    if (derived->plan != plan)
        relink(derived, plan, snapshot->node_count);
    if (snapshot->incomplete)
        return; /* what a socket counted would look as if it had not happened */
    for (uint32_t i = 0; i < derived->count; i++)
        derive(&derived->list[i], snapshot, row);
}
