/* SPDX-License-Identifier: MIT */
/* How a program tells the table what it has measured; figures.py reads it. */
#ifndef ENGRAM_FIGURE_H
#define ENGRAM_FIGURE_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define TURNS_MOST 9

static inline bool quick(void)
{
    return getenv("QUICK") && *getenv("QUICK");
}

/* How often whatever is compared has its turn. */
static inline size_t turns(void)
{
    return quick() ? 3 : TURNS_MOST;
}

static inline int compare(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* The least of the values than which that part of them is not greater: of few, the 99th percentile
 * is the greatest.  Sorts in place. */
static inline double quantile(double *values, size_t count, double part)
{
    double wanted = (double)count * part;
    size_t rank = (size_t)wanted;
    rank += (double)rank < wanted;
    qsort(values, count, sizeof *values, compare);
    return values[rank ? rank - 1 : 0];
}

/* A line of what was measured, of whom, the unit and the value of each turn, between tabs. */
static inline void figure(const char *what, const char *who, const char *unit, const double *values,
                          size_t count)
{
    printf("%s\t%s\t%s\t", what, who, unit);
    for (size_t i = 0; i < count; i++)
        printf("%s%.6g", i ? " " : "", values[i]);
    printf("\n");
    fflush(stdout);
}

static inline void figure_once(const char *what, const char *who, const char *unit, double value)
{
    figure(what, who, unit, &value, 1);
}

/* Two figures, the median and the 99th percentile, of values in the order in which they were taken:
 * a turn is one of equal stretches of them.  Sorts each. */
static inline void figure_spread(const char *what, const char *who, const char *unit,
                                 double *values, size_t count)
{
    double p50[TURNS_MOST], p99[TURNS_MOST];
    size_t stretch = count / turns();
    char name[128];
    for (size_t i = 0; i < turns(); i++) {
        p50[i] = quantile(values + i * stretch, stretch, 0.5);
        p99[i] = quantile(values + i * stretch, stretch, 0.99);
    }
    snprintf(name, sizeof name, "%s: p50", what);
    figure(name, who, unit, p50, turns());
    snprintf(name, sizeof name, "%s: p99", what);
    figure(name, who, unit, p99, turns());
}

/* A line without tabs: what cannot be measured here, and why. */
static inline void figure_absent(const char *what, const char *why)
{
    printf("%s: %s\n", what, why);
}

#endif
