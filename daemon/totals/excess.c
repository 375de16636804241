/* SPDX-License-Identifier: MIT */
#include "daemon/totals/excess.h"
#include "daemon/regions/quota.h"

#include <string.h>

/* The account of the series' owner and how many series its process has; one at a time, since the
 * list is sorted by process. */
struct holder {
    const char *process;
    struct quota_user *user;
    uint32_t series;
};

static void turn_to(struct holder *holder, const struct totals *totals, struct quota *quota,
                    const char *process)
{
    if (holder->process && strcmp(holder->process, process) == 0)
        return;
    *holder = (struct holder){.process = process,
                              .user = quota_user(quota, totals_known(totals, process)->owner)};
}

/* What was there before has its place, whoever comes first in the list. */
static void charge_carried(const struct totals *totals, uint32_t carried, struct quota *quota)
{
    struct holder holder = {0};
    for (uint32_t i = 0; i < totals->count; i++) {
        turn_to(&holder, totals, quota, totals->list[i].process);
        if (holder.user && totals->list[i].record.offset < carried)
            quota_charge(quota, holder.user, (int64_t)total_size(totals, &totals->list[i]));
    }
}

static uint32_t count_carried(const struct totals *totals, uint32_t from, uint32_t carried)
{
    uint32_t count = 0;
    for (uint32_t i = from; i < totals->count; i++) {
        if (strcmp(totals->list[i].process, totals->list[from].process) != 0)
            break;
        count += totals->list[i].record.offset < carried;
    }
    return count;
}

static bool take(struct holder *holder, struct quota *quota, uint64_t size, uint32_t limit)
{
    if (holder->series >= limit || (holder->user && quota_room(quota, holder->user) < size))
        return false;
    holder->series++;
    if (holder->user)
        quota_charge(quota, holder->user, (int64_t)size);
    return true;
}

uint32_t excess_drop(struct totals *totals, uint32_t carried, uint32_t limit)
{
    struct quota quota = {0};
    struct holder holder = {0};
    uint32_t kept = 0, count = totals->count;
    charge_carried(totals, carried, &quota);
    for (uint32_t i = 0; i < count; i++) {
        const char *before = holder.process;
        struct total *total = &totals->list[i];
        turn_to(&holder, totals, &quota, total->process);
        if (holder.process != before)
            holder.series = count_carried(totals, i, carried);
        if (total->record.offset < carried ||
            take(&holder, &quota, total_size(totals, total), limit))
            totals->list[kept++] = *total;
    }
    totals->count = kept;
    quota_free(&quota);
    return count - kept;
}
