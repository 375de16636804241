/* SPDX-License-Identifier: MIT */
#include "daemon/pmu/encode.h"

#include <dlfcn.h>
#include <perfmon/pfmlib_perf_event.h>
#include <stdio.h>
#include <string.h>

/* Loaded while it is asked, and not linked: the tables of all CPUs that there are take 2.4 MB. */
#define LIBRARY "libpfm.so.4"

static struct {
    void *library;
    __typeof__(&pfm_initialize) initialize;
    __typeof__(&pfm_terminate) terminate;
    __typeof__(&pfm_get_pmu_info) get_pmu_info;
    __typeof__(&pfm_get_os_event_encoding) get_os_event_encoding;
} pfm;

static bool load(const char *name, void *function)
{
    void *at = dlsym(pfm.library, name);
    memcpy(function, &at, sizeof at); /* C has no conversion of one into the other */
    return at;
}

static bool load_all(void)
{
    return load("pfm_initialize", &pfm.initialize) && load("pfm_terminate", &pfm.terminate) &&
           load("pfm_get_pmu_info", &pfm.get_pmu_info) &&
           load("pfm_get_os_event_encoding", &pfm.get_os_event_encoding);
}

bool encode_begin(void)
{
    pfm.library = dlopen(LIBRARY, RTLD_LAZY | RTLD_LOCAL);
    if (!pfm.library)
        return false;
    if (load_all() && pfm.initialize() == PFM_SUCCESS)
        return true;
    dlclose(pfm.library);
    return false;
}

void encode_end(void)
{
    pfm.terminate();
    dlclose(pfm.library);
}

bool encode_is_here(const char *kind)
{
    pfm_pmu_info_t info;
    for (pfm_pmu_t pmu = PFM_PMU_NONE; pmu < PFM_PMU_MAX; pmu++) {
        memset(&info, 0, sizeof info);
        info.size = sizeof info;
        if (pfm.get_pmu_info(pmu, &info) == PFM_SUCCESS && info.is_present &&
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
        pfm.get_os_event_encoding(full, PFM_PLM0 | PFM_PLM3, PFM_OS_PERF_EVENT, &argument) !=
            PFM_SUCCESS)
        return false;
    event->type = attr.type;
    event->config = attr.config;
    event->config1 = attr.config1;
    event->config2 = attr.config2;
    return true;
}
