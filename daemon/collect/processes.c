/* SPDX-License-Identifier: MIT */
#include "daemon/collect/processes.h"

static const struct computed_family up = {.about = &engram_catalogue[ENGRAM_PROCESS_UP],
                                          .by_process = true};
const struct computed_family *const processes_families[] = {&up, NULL};

/* The word of a region's process; NULL where there is none. */
static union word *word_of(const struct plan_region *region, const struct family *family,
                           union word *row)
{
    char labels[PROCESS_LABELS_SIZE];
    process_labels(labels, region->region->process, region->region->reader->owner, "");
    const struct series *series = family_series(family, labels);
    return series ? &row[series->at] : NULL;
}

static enum main_process main_process_of(const struct plan_region *region)
{
    return region->alive ? (enum main_process)atomic_load(&region->region->main_process)
                         : MAIN_PROCESS_GONE;
}

/* Of a name that is known nobody runs, unless a region says so; where one cannot be asked, the
 * number is not known. */
void processes_fill(const struct plan *plan, union word *row)
{
    const struct family *family = plan_catalogued(plan, ENGRAM_PROCESS_UP);
    union word *word;
    if (!family || family->series[0].rows != ROWS_COMPUTED)
        return;
    for (uint32_t i = 0; i < family->count; i++)
        row[family->series[i].at].number = 0;
    for (uint32_t i = 0; i < plan->region_count; i++)
        if (main_process_of(&plan->regions[i]) == MAIN_PROCESS_RUNS &&
            (word = word_of(&plan->regions[i], family, row)))
            word->number++;
    for (uint32_t i = 0; i < plan->region_count; i++)
        if (main_process_of(&plan->regions[i]) == MAIN_PROCESS_UNKNOWN &&
            (word = word_of(&plan->regions[i], family, row)))
            word->count = ENGRAM_GAUGE_UNSET;
}
