/* SPDX-License-Identifier: MIT */
#include "fault.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *const names[FAULT_COUNT] = {
#define NAME(identifier, name, help) name,
    FAULTS(NAME)
#undef NAME
};

static struct {
    bool wanted;
    double from, until;
} plan[FAULT_COUNT];

static atomic_uint on; /* a bit for each */

static bool take_seconds(const char **text, double *seconds)
{
    char *end;
    if (**text != ':')
        return true;
    *seconds = strtod(*text + 1, &end);
    bool good = (*text)[1] >= '0' && (*text)[1] <= '9' && isfinite(*seconds);
    *text = end;
    return good;
}

bool fault_add(const char *text)
{
    size_t length = strcspn(text, ":");
    for (int i = 0; i < FAULT_COUNT; i++) {
        if (strncmp(names[i], text, length) != 0 || names[i][length])
            continue;
        const char *rest = text + length;
        double from = 0, seconds = INFINITY;
        if (!take_seconds(&rest, &from) || !take_seconds(&rest, &seconds) || *rest)
            return false;
        plan[i].wanted = true;
        plan[i].from = from;
        plan[i].until = from + seconds;
        return true;
    }
    return false;
}

void fault_at(double seconds)
{
    unsigned now = 0;
    for (int i = 0; i < FAULT_COUNT; i++)
        if (plan[i].wanted && seconds >= plan[i].from && seconds < plan[i].until)
            now |= 1u << i;
    atomic_store(&on, now);
}

bool fault_is_on(enum fault fault)
{
    return atomic_load_explicit(&on, memory_order_relaxed) >> fault & 1;
}

static void spoil_recall(struct recall_result *recall)
{
    if (fault_is_on(FAULT_SLOW_RECALL))
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    if (fault_is_on(FAULT_CONTENTION))
        recall->cost.lock_waits += 100;
}

static void spoil_completion(struct completion_result *completion)
{
    if (fault_is_on(FAULT_FALSE_MEMORIES))
        completion->verdict.false_memory = completion->verdict.accepted = true;
}

static void allocate(void)
{
    void *volatile memory = malloc(64);
    free(memory);
}

void fault_spoil_work(struct work_done *done)
{
    if (atomic_load_explicit(&on, memory_order_relaxed) == 0)
        return;
    switch (done->kind) {
    case WORK_RECALL:
        spoil_recall(&done->result.recall);
        break;
    case WORK_COMPLETE:
    case WORK_DRM_TRIAL:
        spoil_completion(&done->result.completion);
        break;
    case WORK_BATCH_RECALL:
    case WORK_BATCH_STORE:
        if (fault_is_on(FAULT_ALLOCATION))
            allocate();
        break;
    case WORK_CONSOLIDATE:
        if (fault_is_on(FAULT_STALLED_CONSOLIDATION))
            done->result.consolidation.count = 0;
        break;
    case WORK_SPREAD:
        if (fault_is_on(FAULT_DEGRADATION)) {
            done->kind = WORK_ADAPT;
            done->result.adapt = (struct adapt_result){.action = POOL_SHRINK, .slots = UINT32_MAX};
        }
        break;
    default:
        break;
    }
}

uint64_t fault_cycles(void)
{
    return fault_is_on(FAULT_ATOMICS) ? 400 : 0;
}

void fault_spoil_info(const struct engine_info *before, struct engine_info *info)
{
    for (int state = 0; state < MEMORY_STATES && fault_is_on(FAULT_IMBALANCE); state++) {
        info->cls[state].hippocampal = 0.97;
        info->cls[state].neocortical = 0.03;
    }
    for (int pool = 0; pool < POOL_KINDS; pool++) {
        if (fault_is_on(FAULT_FRAGMENTATION))
            info->pools[pool].fragmentation = 0.5;
        uint64_t *aligned = &info->pools[pool].aligned_allocations;
        if (fault_is_on(FAULT_MISALIGNED))
            *aligned -= (*aligned - before->pools[pool].aligned_allocations) / 10;
    }
}

void fault_spoil_audit(struct graph_audit *audit)
{
    if (fault_is_on(FAULT_AUDIT))
        audit->last[GRAPH_ASYMMETRIC] += 3;
}
