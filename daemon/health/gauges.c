/* SPDX-License-Identifier: MIT */
#include "daemon/health/gauges.h"

#include <engram/abi.h>
#include <math.h>

double gauge_value(const struct snapshot *snapshot, const struct series *series)
{
    if (!snapshot->host || series->rows != ROWS_HOST ||
        snapshot->host[series->at].count == ENGRAM_GAUGE_UNSET)
        return NAN;
    return snapshot->host[series->at].number;
}

static const struct family *family_of(const struct snapshot *snapshot, enum engram_family family)
{
    return plan_catalogued(snapshot_plan(snapshot), family);
}

double gauge_named(const struct snapshot *snapshot, enum engram_family which, const char *labels)
{
    const struct family *family = family_of(snapshot, which);
    const struct series *series = family ? family_series(family, labels) : NULL;
    return series ? gauge_value(snapshot, series) : NAN;
}

const struct series *gauges_of(const struct snapshot *snapshot, enum engram_family which,
                               uint32_t *count)
{
    const struct family *family = family_of(snapshot, which);
    *count = family ? family->count : 0;
    return family ? family->series : NULL;
}
