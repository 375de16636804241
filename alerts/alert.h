/* SPDX-License-Identifier: MIT */
/*
 * What an alert is, for all that is made of alerts.def: the Prometheus rules, the heads of the
 * runbooks, and what engramd finds out itself.
 */
#ifndef ENGRAM_ALERT_H
#define ENGRAM_ALERT_H

#include <engram/catalogue.h>
#include <stdint.h>

enum alert_severity {
    ALERT_INFO,
    ALERT_WARNING,
    ALERT_CRITICAL, /* the engine gone, data wrong, users waiting: wakes someone */
};

/* How a number is had from series of a family; a histogram counts its values. */
enum alert_reading {
    ALERT_LATEST,     /* of each series */
    ALERT_DIFFERENCE, /* of each series, to that of another family with the same labels; absolute */
    ALERT_AGE,        /* of each series that is a time since 1970, in seconds */
    ALERT_RATE,       /* per second within the window, summed by the labels that are named */
    ALERT_INCREASE,   /* within the window, in the same way */
    ALERT_ALWAYS,     /* of a gate: there is none */
};

struct alert_signal {
    enum alert_reading reading;
    enum engram_family family, other;
    const char *labels; /* that series must have, as in a selector; "": any */
    const char *by;     /* labels apart from process, with commas; of sums only */
    uint32_t window;    /* seconds; of sums only */
};

enum alert_compare { ALERT_ABOVE, ALERT_BELOW, ALERT_EQUAL };

struct alert {
    const char *name;
    enum alert_severity severity;
    const char *subsystem;
    uint32_t hold; /* seconds that it must be so */
    struct alert_signal signal;
    enum alert_compare compare;
    double threshold;
    /* Without which it does not fire: a sum by the same process, above a limit. */
    struct alert_signal gate;
    double gate_above;
    const char *summary;     /* a sentence without a number */
    const char *description; /* with the value and labels, as Prometheus' templates */
};

#endif
