/* SPDX-License-Identifier: MIT */
#include "daemon/pmu/encode.h"

#include <perfmon/pfmlib_perf_event.h>
#include <stdio.h>
#include <string.h>

bool encode_begin(void)
{
    return pfm_initialize() == PFM_SUCCESS;
}

void encode_end(void)
{
    pfm_terminate();
}

bool encode_is_here(const char *kind)
{
    pfm_pmu_info_t info;
    for (pfm_pmu_t pmu = PFM_PMU_NONE; pmu < PFM_PMU_MAX; pmu++) {
        memset(&info, 0, sizeof info);
        info.size = sizeof info;
        if (pfm_get_pmu_info(pmu, &info) == PFM_SUCCESS && info.is_present &&
            strcmp(info.name, kind) == 0)
            return true;
    }
    return false;
}

bool encode_event(const char *kind, const char *name, struct pmu_event *event)
{
    char full[160];
    struct perf_event_attr attr = {.size = sizeof attr};
    pfm_perf_encode_arg_t argument = {.attr = &attr, .size = sizeof argument};
    int length = snprintf(full, sizeof full, "%s::%s", kind, name);
    if (length < 0 || (size_t)length >= sizeof full ||
        pfm_get_os_event_encoding(full, PFM_PLM0 | PFM_PLM3, PFM_OS_PERF_EVENT, &argument) !=
            PFM_SUCCESS)
        return false;
    event->type = attr.type;
    event->config = attr.config;
    event->config1 = attr.config1;
    event->config2 = attr.config2;
    return true;
}
