/* SPDX-License-Identifier: MIT */
/* The alerts of alerts.def, as a table. */
#ifndef ENGRAM_ALERTS_H
#define ENGRAM_ALERTS_H

#include "alerts/alert.h"

#define LATEST(family_, labels_)                                                                   \
    {                                                                                              \
        .reading = ALERT_LATEST, .family = ENGRAM_##family_, .labels = labels_, .by = ""           \
    }
#define DIFFERENCE(family_, other_)                                                                \
    {                                                                                              \
        .reading = ALERT_DIFFERENCE, .family = ENGRAM_##family_, .other = ENGRAM_##other_,         \
        .labels = "", .by = ""                                                                     \
    }
#define AGE(family_, labels_)                                                                      \
    {                                                                                              \
        .reading = ALERT_AGE, .family = ENGRAM_##family_, .labels = labels_, .by = ""              \
    }
#define RATE(family_, labels_, by_, window_)                                                       \
    {                                                                                              \
        .reading = ALERT_RATE, .family = ENGRAM_##family_, .labels = labels_, .by = by_,           \
        .window = window_                                                                          \
    }
#define INCREASE(family_, labels_, by_, window_)                                                   \
    {                                                                                              \
        .reading = ALERT_INCREASE, .family = ENGRAM_##family_, .labels = labels_, .by = by_,       \
        .window = window_                                                                          \
    }
#define WHILE(family_, labels_, above_, window_)                                                   \
    .gate = RATE(family_, labels_, "", window_), .gate_above = above_
#define ALWAYS .gate = {.reading = ALERT_ALWAYS}
#define ALERT(name_, severity_, subsystem_, hold_, signal_, compare_, threshold_, gate_, summary_, \
              description_)                                                                        \
    {.name = #name_,                                                                               \
     .severity = ALERT_##severity_,                                                                \
     .subsystem = #subsystem_,                                                                     \
     .hold = hold_,                                                                                \
     .signal = signal_,                                                                            \
     .compare = ALERT_##compare_,                                                                  \
     .threshold = threshold_,                                                                      \
     gate_,                                                                                        \
     .summary = summary_,                                                                          \
     .description = description_},

static const struct alert alerts[] = {
#include "alerts/alerts.def"
};

#define ALERTS (sizeof alerts / sizeof alerts[0])

#endif
