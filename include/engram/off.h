/* SPDX-License-Identifier: MIT */
/* The calls of api.h when metrics are compiled out: nothing is left of them. */
#ifndef ENGRAM_OFF_H
#define ENGRAM_OFF_H

#include <engram/api.h>

#define ENGRAM_OFF_REGISTER(type, call)                                                            \
    ENGRAM_FUNCTION type call(const struct engram_spec *spec)                                      \
    {                                                                                              \
        type none;                                                                                 \
        memset(&none, 0, sizeof none);                                                             \
        (void)spec;                                                                                \
        return none;                                                                               \
    }
#define ENGRAM_OFF_NEW(type, call)                                                                 \
    ENGRAM_FUNCTION type call(const char *name, const char *help, const char *const *labels)       \
    {                                                                                              \
        type none;                                                                                 \
        memset(&none, 0, sizeof none);                                                             \
        (void)name, (void)help, (void)labels;                                                      \
        return none;                                                                               \
    }
#define ENGRAM_OFF_RECORD(call, type, value_type)                                                  \
    ENGRAM_FUNCTION void call(type handle, value_type value)                                       \
    {                                                                                              \
        (void)handle, (void)value;                                                                 \
    }

ENGRAM_FUNCTION int engram_attach(const char *process)
{
    (void)process;
    return -1;
}

ENGRAM_FUNCTION void engram_detach(void)
{
}

ENGRAM_FUNCTION const char *engram_reason(void)
{
    return "compiled out: ENGRAM_METRICS is 0";
}

ENGRAM_OFF_REGISTER(engram_counter, engram_counter_register)
ENGRAM_OFF_REGISTER(engram_counter_total, engram_counter_total_register)
ENGRAM_OFF_REGISTER(engram_gauge, engram_gauge_register)
ENGRAM_OFF_REGISTER(engram_updown, engram_updown_register)
ENGRAM_OFF_REGISTER(engram_histogram, engram_histogram_register)
ENGRAM_OFF_REGISTER(engram_event, engram_event_register)
ENGRAM_OFF_NEW(engram_counter, engram_counter_new)
ENGRAM_OFF_NEW(engram_gauge, engram_gauge_new)
ENGRAM_OFF_NEW(engram_histogram, engram_histogram_new)
ENGRAM_OFF_RECORD(engram_counter_add, engram_counter, uint64_t)
ENGRAM_OFF_RECORD(engram_counter_set, engram_counter_total, uint64_t)
ENGRAM_OFF_RECORD(engram_gauge_set, engram_gauge, double)
ENGRAM_OFF_RECORD(engram_gauge_add, engram_gauge, double)
ENGRAM_OFF_RECORD(engram_updown_add, engram_updown, int64_t)
ENGRAM_OFF_RECORD(engram_histogram_record, engram_histogram, double)
ENGRAM_OFF_RECORD(engram_histogram_record_ns, engram_histogram, uint64_t)

ENGRAM_FUNCTION void engram_event_emit(engram_event event, uint64_t first, uint64_t second)
{
    (void)event, (void)first, (void)second;
}

ENGRAM_FUNCTION void engram_event_emit_at(engram_event event, uint64_t time, uint64_t first,
                                          uint64_t second)
{
    (void)event, (void)time, (void)first, (void)second;
}

ENGRAM_FUNCTION engram_span engram_span_begin(void)
{
    engram_span span = {0};
    return span;
}

ENGRAM_FUNCTION uint64_t engram_span_end(engram_span span, engram_histogram histogram)
{
    (void)span, (void)histogram;
    return 0;
}

#endif
