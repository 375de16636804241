/* SPDX-License-Identifier: MIT */
#include "daemon/pmu/perf.h"

#include <errno.h>

const char *perf_reason_word(enum perf_reason reason)
{
    static const char *const words[PERF_REASONS] = {
        "",     "not_supported", "permission",     "no_descriptors",   "too_many_threads",
        "busy", "offline",       "counts_nothing", "multiplexed_away", "failed"};
    return words[reason];
}

enum perf_reason perf_reason_of(int error)
{
    switch (error) {
    case ENOENT:
    case EOPNOTSUPP:
    case ENOSYS: /* a kernel without it, or a filter of system calls */
        return PERF_NOT_SUPPORTED;
    case EACCES:
    case EPERM:
        return PERF_PERMISSION;
    case EMFILE:
    case ENFILE:
        return PERF_NO_DESCRIPTORS;
    case EBUSY:
        return PERF_BUSY;
    case ENODEV:
    case ENXIO:
        return PERF_OFFLINE;
    default:
        return PERF_FAILED;
    }
}
