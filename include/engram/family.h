/* SPDX-License-Identifier: MIT */
/* Registering a series of a family of the catalogue. */
#ifndef ENGRAM_FAMILY_H
#define ENGRAM_FAMILY_H

#include <engram/calls.h>
#include <engram/catalogue.h>

/* The family must be one that processes record; `values` as for engram_family_spec(). */
ENGRAM_FUNCTION engram_counter engram_family_counter(enum engram_family family,
                                                     const char *const *values)
{
    struct engram_label room[ENGRAM_LABELS_MAX];
    struct engram_spec spec = engram_family_spec(family, values, room);
    return engram_counter_register(&spec);
}

ENGRAM_FUNCTION engram_gauge engram_family_gauge(enum engram_family family,
                                                 const char *const *values)
{
    struct engram_label room[ENGRAM_LABELS_MAX];
    struct engram_spec spec = engram_family_spec(family, values, room);
    return engram_gauge_register(&spec);
}

ENGRAM_FUNCTION engram_histogram engram_family_histogram(enum engram_family family,
                                                         const char *const *values)
{
    struct engram_label room[ENGRAM_LABELS_MAX];
    struct engram_spec spec = engram_family_spec(family, values, room);
    return engram_histogram_register(&spec);
}

#endif
