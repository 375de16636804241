/* SPDX-License-Identifier: MIT */
#include "daemon/health/errors_check.h"
#include "daemon/base/clock.h"
#include "daemon/base/rate.h"
#include "daemon/machine/fields.h"
#include "daemon/machine/source.h"

#include <math.h>
#include <stdlib.h>

#define CONTROLLERS 32
#define HOUR UINT64_C(3600000000000)
#define EDAC "/sys/devices/system/edac/mc"

/* Errors within an hour. */
static const struct limits corrected_limits = {24, INFINITY};
static const struct limits uncorrected_limits = {INFINITY, 1};

enum kind { CORRECTED, UNCORRECTED, KINDS };

struct counter {
    struct machine_source source;
    struct rate rate;
};

struct errors_check {
    struct counter counters[CONTROLLERS][KINDS];
    uint32_t sought; /* the controller that is looked for next, if it is not there yet */
};

struct errors_check *errors_check_new(const char *sysroot)
{
    static const char *const names[KINDS] = {"ce_count", "ue_count"};
    struct errors_check *check = calloc(1, sizeof *check);
    bool good = check;
    for (int i = 0; check && i < CONTROLLERS; i++)
        for (int kind = 0; kind < KINDS; kind++) {
            struct counter *counter = &check->counters[i][kind];
            counter->rate.window = HOUR;
            good &= source_init(&counter->source, sysroot, EDAC "/mc%d/%s", i, names[kind]);
        }
    if (good)
        return check;
    if (check)
        errors_check_free(check);
    return NULL;
}

void errors_check_free(struct errors_check *check)
{
    for (int i = 0; i < CONTROLLERS; i++)
        for (int kind = 0; kind < KINDS; kind++)
            source_close(&check->counters[i][kind].source);
    free(check);
}

/* Adds what was counted lately; false when it cannot be read. */
static bool add_counter(struct counter *counter, uint64_t *sum)
{
    char text[32];
    uint64_t value;
    source_read(&counter->source, text, sizeof text);
    if (fields_numbers(text, &value, 1) < 1)
        return false;
    *sum += rate_take(&counter->rate, clock_monotonic(), value).by;
    return true;
}

/* Drivers are loaded at any time, but to look for all of them each time would take too long. */
static bool is_looked_at(const struct errors_check *check, uint32_t controller)
{
    return check->counters[controller][CORRECTED].source.file >= 0 || controller == check->sought;
}

static struct finding judge(uint64_t errors, struct limits limits, const char *which)
{
    struct finding finding = finding_judge((double)errors, limits, "errors per hour", EDAC);
    finding_say(&finding, "%llu %s memory errors within the last hour", (unsigned long long)errors,
                which);
    return finding;
}

struct finding errors_check_look(void *argument)
{
    struct errors_check *check = argument;
    uint64_t corrected = 0, uncorrected = 0;
    bool any = false;
    for (uint32_t i = 0; i < CONTROLLERS; i++)
        if (is_looked_at(check, i)) {
            bool there = add_counter(&check->counters[i][CORRECTED], &corrected);
            there = there && add_counter(&check->counters[i][UNCORRECTED], &uncorrected);
            any |= there;
        }
    check->sought = (check->sought + 1) % CONTROLLERS;
    struct finding finding = finding_unknown(EDAC);
    finding_say(&finding, "no memory controller reports errors; is an EDAC driver loaded?");
    if (any) {
        finding = judge(corrected, corrected_limits, "corrected");
        struct finding worse = judge(uncorrected, uncorrected_limits, "uncorrected");
        finding_add(&finding, &worse);
    }
    return finding;
}
